"""The domain's states and names as GraphQL enums, with what each means to a caller."""

from collections.abc import Mapping
from enum import StrEnum

import strawberry
from strawberry.types.enum import EnumValue, StrawberryEnumDefinition

from domain.batches import BatchPolicy
from domain.events import EventType
from domain.play_sets import PlaySetStatus
from domain.playability import PlayabilityReason
from domain.simulation import Stage
from domain.tasks import TaskKind, TaskStatus
from domain.templates import Codec, Encryption, Quality, SkipReason
from domain.uploads import UploadPurpose, UploadStatus
from domain.videos import (
    AspectRatio,
    Resolution,
    ShareState,
    SourceKind,
    TranscodePass,
    VideoOrder,
    VideoStatus,
)


def publish(
    kind: type[StrEnum],
    description: str,
    members: Mapping[StrEnum, str],
    *,
    name: str | None = None,
) -> None:
    """Make an enum of the domain one of the API; every member needs a sentence.

    In inputs Strawberry gives a member's value in place of the member: compare with `==`.
    """
    strawberry.enum(kind, name=name, description=description)
    definition: StrawberryEnumDefinition = vars(kind)["__strawberry_definition__"]
    definition.values = [
        EnumValue(member.name, member.value, description=members[member]) for member in kind
    ]


publish(
    VideoStatus,
    "Life of a video. New values may be added.",
    {
        VideoStatus.INITIAL: "An upload is to bring its file; nothing has arrived yet.",
        VideoStatus.UPLOADING: "Its file is arriving.",
        VideoStatus.PROCESSING: "Being checked or transcoded; nothing can be played yet.",
        VideoStatus.PUBLISHED: "At least one play set is READY, or none was wanted.",
        VideoStatus.UPLOAD_FAILED: "The file was refused, or no play set could be made, or the"
        " video was deleted before its file was here; `statusReason` says why.",
        VideoStatus.BANNED: "Nobody can play it until it is unbanned; `ban` says why.",
        VideoStatus.DELETED: "In the recycle bin; `restoreVideos` brings it back as long as"
        " `limits.trashDays` say.",
    },
)
publish(
    VideoOrder,
    "By what a list of videos is sorted.",
    {
        VideoOrder.CREATED_AT: "When the video was made from its upload.",
        VideoOrder.UPDATED_AT: "When anything of the video last changed.",
        VideoOrder.PUBLISHED_AT: "When it could be played for the first time; one that never could"
        " is before all others.",
        VideoOrder.TITLE: "The title, by Unicode code point.",
        VideoOrder.FILE_SIZE: "Bytes of the source file.",
        VideoOrder.DURATION: "How long it is; shortest of all is one whose file was not checked.",
    },
    name="VideoOrderField",
)
publish(
    ShareState,
    "Who may play a video without a key of yours.",
    {
        ShareState.PRIVATE: "Nobody.",
        ShareState.PASSWORD: "Whoever knows its password.",
        ShareState.PUBLIC: "Everybody who knows its id.",
    },
)
publish(
    AspectRatio,
    "The shape of the player that shows a video.",
    {AspectRatio.R16_9: "16 by 9.", AspectRatio.R4_3: "4 by 3."},
)
publish(
    SourceKind,
    "How a video came to be. New values may be added.",
    {
        SourceKind.UPLOAD: "Its file was sent, at once or in parts, or was stored before.",
        SourceKind.FETCH: "Its file was fetched from a URL.",
        SourceKind.TRIM: "Cut out of another video by `createClip`.",
        SourceKind.SPLICE: "Joined from several videos by `createSplice`.",
        SourceKind.SIMULATION: "A test picture that `createVideo` was asked to simulate.",
    },
)
publish(
    Stage,
    "Where a simulated video fails.",
    {
        Stage.UPLOAD: "Its file is refused: the video becomes UPLOAD_FAILED.",
        Stage.FIRST_PLAY: "Nothing of it can be made: the video becomes UPLOAD_FAILED.",
        Stage.LADDER: "Only the lowest rung and Origin can be made: the video becomes PUBLISHED.",
    },
    name="SimulatedFailure",
)
publish(
    PlaySetStatus,
    "Life of a play set. New values may be added.",
    {
        PlaySetStatus.INITIAL: "Planned; its task waits for a worker.",
        PlaySetStatus.TRANSCODING: "Being made.",
        PlaySetStatus.TRANSCODED: "Made, and found whole.",
        PlaySetStatus.UPLOADING: "On its way to the store.",
        PlaySetStatus.READY: "Can be played.",
        PlaySetStatus.TRANSCODE_FAILED: "Could not be made; its task says why.",
        PlaySetStatus.UPLOAD_FAILED: "Was made, but could not be stored; its task says why.",
        PlaySetStatus.DELETED: "Given up, or replaced by a later one of the same template.",
    },
)
publish(
    Resolution,
    "The rungs of the ladder, by the short side of the picture.",
    {
        Resolution.P240: "240 pixels, or fewer for a smaller source.",
        Resolution.P360: "360 pixels, or fewer for a smaller source.",
        Resolution.P480: "480 pixels.",
        Resolution.P720: "720 pixels.",
        Resolution.P1080: "1080 pixels.",
        Resolution.P1440: "1440 pixels.",
        Resolution.P2160: "2160 pixels.",
        Resolution.ORIGIN: "The source's own streams, repackaged without encoding.",
    },
)
publish(
    Codec,
    "How pictures are encoded. New values may be added.",
    {
        Codec.H264: "H.264, which every player can show.",
        Codec.HEVC: "H.265: about 30 percent smaller; Apple's players and many televisions.",
        Codec.AV1: "AV1: about 40 percent smaller; recent browsers and devices.",
    },
    name="VideoCodec",
)
publish(
    Quality,
    "How much work the encoder puts into a picture.",
    {
        Quality.FAST: "Little: ready soon.",
        Quality.HIGH: "Much more, for a better picture.",
    },
    name="EncodingQuality",
)
publish(
    Encryption,
    "Whether what is stored and delivered is encrypted. New values may be added.",
    {
        Encryption.NONE: "Not encrypted.",
        Encryption.AES_128: "HLS AES-128: players fetch the key by the same playback link.",
    },
)
publish(
    SkipReason,
    "Why a template makes nothing of a video. New values may be added.",
    {
        SkipReason.ABOVE_SOURCE: "The video is smaller than the template's picture would be.",
        SkipReason.NOT_COPYABLE: "Players could not show a copy of the video's own streams.",
        SkipReason.ALREADY_THERE: "The video has a play set of this template, or is getting one.",
    },
)
publish(
    TranscodePass,
    "What one transcoding task makes.",
    {
        TranscodePass.ORIGIN: "Origin, by repackaging; takes seconds.",
        TranscodePass.FIRST_PLAY: "The lowest rung, its sound, the cover and the storyboard.",
        TranscodePass.LADDER: "All other rungs, from one decode, and what sound is missing.",
    },
)
publish(
    UploadStatus,
    "Life of an upload session. New values may be added.",
    {
        UploadStatus.WAITING: "Open; no chunk has arrived yet.",
        UploadStatus.UPLOADING: "Open; some chunks have arrived.",
        UploadStatus.VERIFYING: "All chunks are here; the file is being hashed and probed.",
        UploadStatus.COMPLETED: "The file became a video.",
        UploadStatus.FAILED: "The file was refused; `error` says why.",
        UploadStatus.CANCELLED: "Cancelled by its owner; its bytes are gone.",
        UploadStatus.EXPIRED: "Not completed before `expiresAt`; its bytes are gone.",
    },
)
publish(
    UploadPurpose,
    "What becomes of an uploaded file. New values may be added.",
    {
        UploadPurpose.VIDEO: "A video.",
        UploadPurpose.OBJECT: "A stored object only, for `createVideo` or as a cover.",
        UploadPurpose.PARTIAL: "A piece of a file that a tus client sends in parallel.",
    },
)
publish(
    TaskStatus,
    "Life of a task. New values may be added.",
    {
        TaskStatus.QUEUED: "Waits for a worker, or for another task.",
        TaskStatus.RUNNING: "A worker is at it.",
        TaskStatus.PAUSED: "Stopped by its owner for the time being.",
        TaskStatus.SUCCEEDED: "Done.",
        TaskStatus.PARTIAL: "Over, and some of its rows failed.",
        TaskStatus.FAILED: "Given up; `error` says why.",
        TaskStatus.CANCELLED: "Cancelled, or made pointless by the failure of another task.",
    },
)
publish(
    TaskKind,
    "What a task does. New values may be added.",
    {
        TaskKind.VERIFY: "Checks an uploaded file, and makes of it what it was sent for.",
        TaskKind.PROBE: "Looks into a stored file that is to become a video.",
        TaskKind.TRANSCODE: "Runs the encoder over a video.",
        TaskKind.CLIP: "Cuts pieces out of a video, and makes a new one of them.",
        TaskKind.SPLICE: "Joins videos, and makes a new one of them.",
        TaskKind.FETCH: "Fetches files from URLs, and makes a video of each.",
        TaskKind.EXPORT: "Writes rows into a file to be downloaded.",
        TaskKind.SIMULATE: "Makes a test picture, to be treated as an upload.",
        TaskKind.COVER: "Makes the cover of a video that `updateVideo` was given.",
    },
)
publish(
    PlayabilityReason,
    "Why a video cannot be played. New values may be added.",
    {
        PlayabilityReason.NOT_UPLOADED: "Its file has not arrived.",
        PlayabilityReason.NOT_READY: "No play set is READY: it is being made, or none was wanted.",
        PlayabilityReason.FAILED: "Its file was refused, or no play set could be made.",
        PlayabilityReason.BANNED: "It is banned.",
        PlayabilityReason.DELETED: "It is in the recycle bin.",
        PlayabilityReason.TOKEN_REQUIRED: "Viewers need a token of `createPlaybackToken`.",
        PlayabilityReason.PRIVATE: "It is not shared.",
        PlayabilityReason.PASSWORD_REQUIRED: "It is shared with those who know its password.",
    },
)
publish(
    EventType,
    "What happened. New values may be added.",
    {
        EventType.UPLOAD_COMPLETED: "An upload became a video.",
        EventType.UPLOAD_FAILED: "An uploaded file was refused.",
        EventType.VIDEO_READY: "A video can be played for the first time.",
        EventType.VIDEO_FAILED: "No play set of a video could be made.",
        EventType.VIDEO_UPDATED: "What is said of a video was changed.",
        EventType.VIDEO_BANNED: "A video was banned: nobody can play it.",
        EventType.VIDEO_UNBANNED: "A banned video can be played again.",
        EventType.VIDEO_DELETED: "A video went to the recycle bin.",
        EventType.VIDEO_RESTORED: "A video came back from the recycle bin.",
        EventType.PLAY_SET_READY: "A play set can be played.",
        EventType.PLAY_SET_FAILED: "A play set could not be made.",
    },
)
publish(
    BatchPolicy,
    "What becomes of a batch when some of its things cannot be changed.",
    {
        BatchPolicy.APPLY_ELIGIBLE: "All that can be changed are changed.",
        BatchPolicy.ALL_OR_NOTHING: "Then nothing is changed.",
    },
)


class OrderDirection(StrEnum):
    ASC = "asc"
    DESC = "desc"


publish(
    OrderDirection,
    "Which end of a list comes first.",
    {
        OrderDirection.ASC: "Smallest, oldest or first by alphabet.",
        OrderDirection.DESC: "Largest, newest or last by alphabet.",
    },
)
