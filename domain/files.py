"""Files that come with a request."""

from collections.abc import AsyncIterator
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class File:
    """A file as it was sent. The size is bytes; the body can be read once."""

    name: str | None
    content_type: str | None
    size: int
    body: AsyncIterator[bytes]
