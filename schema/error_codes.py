"""Codes of failures, with what each means to a caller."""

from domain.error_codes import ErrorCode
from schema.enums import publish

publish(
    ErrorCode,
    "Stable names of failures. New values may be added.",
    {
        ErrorCode.INVALID_ARGUMENT: "A value of the request cannot be used.",
        ErrorCode.NOT_FOUND: "There is no such thing, or it is not yours.",
        ErrorCode.LIMIT_EXCEEDED: "A value is above a limit; the error names both.",
        ErrorCode.CHUNK_MISSING: "Chunks of the upload have not arrived.",
        ErrorCode.CHECKSUM_MISMATCH: "The bytes are not those that were announced.",
        ErrorCode.SESSION_CLOSED: "The upload session takes no more chunks.",
        ErrorCode.INVALID_STATE: "The thing is in a state that does not allow this.",
        ErrorCode.TOO_MANY_IDS: "The request names more things than it may; the error has both"
        " numbers.",
        ErrorCode.NO_ELIGIBLE_ITEM: "None of the things that the request names can be changed like"
        " that.",
        ErrorCode.NOT_PUBLISHED: "Only a video that is PUBLISHED can be banned.",
        ErrorCode.NOT_BANNED: "Only a video that is BANNED can be unbanned.",
        ErrorCode.PART_BUSY: "Another request is writing this part; try again.",
        ErrorCode.INCOMPLETE_BODY: "The body has another length than the part.",
        ErrorCode.STORAGE_FULL: "There is no room; try again later.",
        ErrorCode.STORAGE_BUSY: "The object store asks for patience; try again in a moment.",
        ErrorCode.QUOTA_EXCEEDED: "Your files would have more bytes than you may store.",
        ErrorCode.POSSESSION_NOT_PROVEN: "The file cannot be taken over: upload it.",
        ErrorCode.DUPLICATE_CONTENT: "You have a video of this source already.",
        ErrorCode.OBJECT_IN_USE: "A video is made of this object.",
        ErrorCode.MEDIA_REFUSED: "The file cannot become a video, or a cover.",
        ErrorCode.VIDEO_UPLOADING: "The file of the video was not looked into yet.",
        ErrorCode.VIDEO_UPLOAD_FAILED: "The video has no file that anything could be made of.",
        ErrorCode.TRANSCODE_EXISTS: "The play set is there or being made.",
        ErrorCode.TEMPLATE_UNSUITABLE: "The template would make nothing of this video.",
        ErrorCode.TEMPLATE_BUILT_IN: "Built-in templates cannot be changed or deleted.",
        ErrorCode.TEMPLATE_IN_USE: "A rule of yours chooses this template.",
        ErrorCode.CATEGORY_REQUIRED: "The id of a category is empty.",
        ErrorCode.CATEGORY_INVALID: "What was sent is not the id of a category.",
        ErrorCode.CATEGORY_SAME: "Both ids are of the same category.",
        ErrorCode.CATEGORY_IS_PARENT: "The category lies there already.",
        ErrorCode.CATEGORY_IS_ANCESTOR: "A category cannot lie in itself or below itself.",
        ErrorCode.CATEGORY_IS_DEFAULT: "The default category cannot be moved or deleted.",
        ErrorCode.PASSWORD_TOO_LONG: "The password has too many characters; the error says how"
        " many there may be.",
        ErrorCode.TRANSCODE_FAILED: "Transcoding went wrong; the task has the log.",
        ErrorCode.CLIP_SEGMENTS_EMPTY: "The clip has no segment.",
        ErrorCode.CLIP_SEGMENTS_INVALID: "A segment of the clip begins before the video does.",
        ErrorCode.CLIP_TOO_MANY_SEGMENTS: "The clip has too many segments.",
        ErrorCode.CLIP_END_BEFORE_START: "A segment of the clip ends before it begins.",
        ErrorCode.CLIP_SEGMENT_TOO_SHORT: "A segment of the clip is too short.",
        ErrorCode.CLIP_END_AFTER_VIDEO: "A segment of the clip ends after the video does.",
        ErrorCode.CLIP_INIT_FAILED: "A video that is to be cut has no file that can be read.",
        ErrorCode.WORKER_LOST: "Workers that ran it ended without a word, again and again.",
        ErrorCode.URL_NOT_ALLOWED: "We send no request to this URL: its form, its port or its"
        " server's address is not allowed.",
        ErrorCode.FETCH_FAILED: "The server of a URL did not give what was asked of it;"
        " the message says why.",
        ErrorCode.CANCELLED: "Somebody cancelled it.",
        ErrorCode.UNAUTHENTICATED: "An API key is missing, unknown or revoked.",
        ErrorCode.LINK_EXPIRED: "The signed link has expired; ask for a new one.",
        ErrorCode.LINK_INVALID: "The signed link was altered, or was ended by its owner.",
        ErrorCode.LINK_SPENT: "The signed link was for one use, and was used.",
        ErrorCode.REFERRER_NOT_ALLOWED: "The owner lets other pages play the video, not this one.",
        ErrorCode.ADDRESS_NOT_ALLOWED: "The link, or the owner, lets other addresses play it.",
        ErrorCode.VIDEO_NOT_PLAYABLE: "The video cannot be played now; `playability` says why.",
        ErrorCode.PLAYBACK_UNAVAILABLE: "Whether the link still holds cannot be found out now;"
        " try again in some seconds.",
        ErrorCode.BAD_CURSOR: "The cursor is not one of this list.",
        ErrorCode.INTERNAL: "A fault of ours, logged under the id in the message.",
    },
)
