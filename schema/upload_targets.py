"""Where the chunks of an upload are to be sent."""

from datetime import datetime

import strawberry

from resolvers.uploads import Target
from schema.execution.costs import LIST_SIZE, ListSize
from schema.scalars import Url


@strawberry.type(description="A header to send with a request.")
class Header:
    name: str = strawberry.field(description="Name of the header.")
    value: str = strawberry.field(description="Its value, to be sent unchanged.")


@strawberry.type(
    description="Where to send one chunk: its raw bytes as the body of one request. That may be"
    " the object store itself; then `refreshUploadSession` counts what it has."
)
class UploadTarget:
    chunk_index: int = strawberry.field(description="Index of the chunk, from 1.")
    method: str = strawberry.field(description="HTTP method of the request.")
    url: Url = strawberry.field(description="Signed URL of the request.")
    headers: list[Header] = strawberry.field(
        description="Headers that the request must have.", metadata={LIST_SIZE: ListSize(2)}
    )
    checksum_header: str | None = strawberry.field(
        description="Name of a header that may carry the chunk's SHA-256 in base64, to have it"
        " checked while it arrives; null where none can."
    )
    expires_at: datetime = strawberry.field(description="When the URL ends.")


def shown(target: Target) -> UploadTarget:
    return UploadTarget(
        chunk_index=target.number,
        method=target.method,
        url=Url(target.url),
        headers=[Header(name=name, value=value) for name, value in target.headers],
        checksum_header=target.checksum_header,
        expires_at=target.expires_at,
    )
