"""The limits that requests meet, for clients that plan ahead."""

import strawberry

from domain import paging, playback, text, uploads
from schema.scalars import Bytes


@strawberry.type(description="Limits of this installation. Errors that come of one name it.")
class Limits:
    max_file_size: Bytes = strawberry.field(description="Bytes of an uploaded file.")
    max_chunks: int = strawberry.field(description="Chunks of one upload.")
    min_chunk_size: Bytes = strawberry.field(description="Bytes of every chunk but the last.")
    max_chunk_size: Bytes = strawberry.field(description="Bytes of a chunk.")
    suggested_chunk_size: Bytes = strawberry.field(description="Bytes of a chunk, if we choose.")
    max_upload_targets: int = strawberry.field(description="Links asked for at once.")
    upload_session_hours: int = strawberry.field(description="How long a session takes chunks.")
    max_page_size: int = strawberry.field(description="Items of one page of a list.")
    max_title_length: int = strawberry.field(description="Characters of a title.")
    max_description_length: int = strawberry.field(description="Characters of a description.")
    max_playback_ttl_seconds: int = strawberry.field(description="How long a link may hold.")


@strawberry.type
class LimitsQuery:
    @strawberry.field(description="The limits that requests meet.")
    def limits(self) -> Limits:
        return Limits(
            max_file_size=Bytes(uploads.MAX_FILE_SIZE),
            max_chunks=uploads.MAX_CHUNKS,
            min_chunk_size=Bytes(uploads.MIN_CHUNK_SIZE),
            max_chunk_size=Bytes(uploads.MAX_CHUNK_SIZE),
            suggested_chunk_size=Bytes(uploads.SUGGESTED_CHUNK_SIZE),
            max_upload_targets=uploads.MAX_TARGETS,
            upload_session_hours=uploads.SESSION_HOURS,
            max_page_size=paging.MAX_PAGE_SIZE,
            max_title_length=text.MAX_TITLE,
            max_description_length=text.MAX_DESCRIPTION,
            max_playback_ttl_seconds=playback.MAX_TTL_SECONDS,
        )
