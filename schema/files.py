"""Files that come with a request, as the multipart request specification has them."""

from collections.abc import AsyncGenerator
from typing import Protocol, cast

from domain.files import File

_PIECE = 256 * 1024
"""Bytes read at a time."""


class _Sent(Protocol):
    """What the server's form parser makes of a file: on disk, if it is not tiny."""

    filename: str | None
    content_type: str | None
    size: int | None

    async def read(self, size: int = -1) -> bytes: ...


def of(sent: object, *, name: str | None = None) -> File:
    """The file that an `Upload` stands for; `name` in place of its own."""
    file = cast("_Sent", sent)
    return File(name or file.filename, file.content_type, file.size or 0, _pieces(file))


async def _pieces(file: _Sent) -> AsyncGenerator[bytes]:
    while piece := await file.read(_PIECE):
        yield piece
