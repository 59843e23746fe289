"""Files that come with a request, or leave with an answer."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Final
from urllib.parse import quote

_SEPARATORS: Final = re.compile(r"[/\\\x00-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class File:
    """A file as it was sent. The size is bytes; the body can be read once."""

    name: str | None
    content_type: str | None
    size: int
    body: AsyncIterator[bytes]


def attachment(name: str) -> str:
    """`Content-Disposition` (RFC 6266) of a file to be saved.

    It has a name that every client can read, and the true one, without what would be a path.
    """
    plain = "".join(
        one if one.isascii() and (one.isalnum() or one in "-_.") else "_" for one in name
    )
    whole = quote(_SEPARATORS.sub("_", name), safe="")
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{whole}"
