"""The limits that requests meet, for clients that plan ahead."""

import strawberry

from domain import (
    bans,
    categories,
    clips,
    fetches,
    links,
    media,
    own_templates,
    paging,
    passwords,
    playback,
    possession,
    text,
    uploads,
)
from schema import ids
from schema.info import Info
from schema.scalars import Bytes


@strawberry.type(description="Limits of this installation. Errors that come of one name it.")
class Limits:
    max_small_file_size: Bytes = strawberry.field(
        description="Bytes of a file in the body of a request."
    )
    max_open_upload_sessions: int = strawberry.field(
        description="Upload sessions of an account that wait for bytes."
    )
    storage_quota: Bytes | None = strawberry.field(
        description="Bytes that an account's files may have together, unless its own"
        " `storageQuota` says otherwise; null when there is no end."
    )
    possession_seconds: int = strawberry.field(
        description="How long a possession challenge may be answered."
    )
    max_batch_ids: int = strawberry.field(description="Ids in one mutation.")
    max_file_size: Bytes = strawberry.field(description="Bytes of an uploaded file.")
    max_chunks: int = strawberry.field(description="Chunks of one upload.")
    min_chunk_size: Bytes = strawberry.field(description="Bytes of every chunk but the last.")
    max_chunk_size: Bytes = strawberry.field(description="Bytes of a chunk.")
    suggested_chunk_size: Bytes = strawberry.field(description="Bytes of a chunk, if we choose.")
    max_upload_targets: int = strawberry.field(description="Links asked for at once.")
    upload_session_hours: int = strawberry.field(description="How long a session takes chunks.")
    trash_days: int = strawberry.field(
        description="Days for which `restoreVideos` brings deleted videos back."
    )
    max_ban_reason_length: int = strawberry.field(description="Characters of a ban's reason.")
    max_clip_segments: int = strawberry.field(description="Pieces of one clip.")
    min_clip_segment_ms: int = strawberry.field(
        description="Milliseconds that each piece of a clip lasts at least."
    )
    max_spliced_videos: int = strawberry.field(description="Videos of one splice.")
    max_video_duration_ms: int = strawberry.field(description="Milliseconds of any video.")
    max_page_size: int = strawberry.field(description="Items of one page of a list.")
    max_title_length: int = strawberry.field(description="Characters of a title.")
    max_description_length: int = strawberry.field(description="Characters of a description.")
    max_templates: int = strawberry.field(description="Templates of an account's own.")
    max_rules: int = strawberry.field(description="Rules of an account.")
    max_templates_at_once: int = strawberry.field(
        description="Templates of a rule, or of one `transcodeVideo`."
    )
    max_categories: int = strawberry.field(description="Categories of an account.")
    max_category_depth: int = strawberry.field(
        description="Categories that lie in one another, the outermost one counted."
    )
    max_fetch_rows: int = strawberry.field(description="URLs of one fetch.")
    max_fetch_list_size: Bytes = strawberry.field(description="Bytes of a list of URLs in CSV.")
    max_url_length: int = strawberry.field(description="Characters of a URL to fetch.")
    export_days: int = strawberry.field(description="How long the file of an export is kept.")
    max_share_password_length: int = strawberry.field(
        description="Characters of a shared video's password."
    )
    max_playback_ttl_seconds: int = strawberry.field(description="How long a link may hold.")


@strawberry.type
class LimitsQuery:
    @strawberry.field(description="The limits that requests meet.")
    @staticmethod
    def limits(info: Info) -> Limits:
        services = info.context.services
        ours, quota = services.limits, services.limits.storage_quota
        return Limits(
            max_file_size=Bytes(ours.file_size),
            max_small_file_size=Bytes(ours.small_file_size),
            max_open_upload_sessions=ours.open_sessions,
            storage_quota=None if quota is None else Bytes(quota),
            possession_seconds=possession.SECONDS,
            max_batch_ids=ids.MAX_BATCH,
            max_chunks=uploads.MAX_CHUNKS,
            min_chunk_size=Bytes(services.store.least_part),
            max_chunk_size=Bytes(uploads.MAX_CHUNK_SIZE),
            suggested_chunk_size=Bytes(uploads.SUGGESTED_CHUNK_SIZE),
            max_upload_targets=uploads.MAX_TARGETS,
            upload_session_hours=ours.session_hours,
            trash_days=services.trash_days,
            max_ban_reason_length=bans.MAX_REASON,
            max_clip_segments=clips.MAX_SEGMENTS,
            min_clip_segment_ms=clips.MIN_SEGMENT_MS,
            max_spliced_videos=clips.MAX_SPLICED,
            max_video_duration_ms=media.LONGEST_MS,
            max_page_size=paging.MAX_PAGE_SIZE,
            max_title_length=text.MAX_TITLE,
            max_description_length=text.MAX_DESCRIPTION,
            max_templates=own_templates.MAX_TEMPLATES,
            max_rules=own_templates.MAX_RULES,
            max_templates_at_once=own_templates.MAX_CHOSEN,
            max_categories=categories.MAX_CATEGORIES,
            max_category_depth=categories.MAX_DEPTH,
            max_fetch_rows=services.fetch_rules.rows,
            max_fetch_list_size=Bytes(fetches.MAX_LIST_SIZE),
            max_url_length=links.MAX_URL,
            export_days=fetches.EXPORT_DAYS,
            max_share_password_length=passwords.MAX_PASSWORD,
            max_playback_ttl_seconds=playback.MAX_TTL_SECONDS,
        )
