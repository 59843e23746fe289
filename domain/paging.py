"""Pages of a list by keyset: stable while rows come and go."""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Self

from domain.errors import BadCursor, InvalidArgument, LimitExceeded

MAX_PAGE_SIZE = 100


@dataclass(frozen=True, slots=True)
class Cursor:
    """A row's place in a list: the value it is sorted by, as text, and its id."""

    value: str
    id: str

    def encode(self) -> str:
        text = json.dumps([self.value, self.id], separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()

    @classmethod
    def decode(cls, text: str) -> Self:
        """Raises `BadCursor`."""
        try:
            padded = text + "=" * (-len(text) % 4)
            value, id = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
        except (binascii.Error, ValueError, TypeError, RecursionError):
            raise BadCursor(text) from None
        if not isinstance(value, str) or not isinstance(id, str):
            raise BadCursor(text)
        return cls(value, id)


@dataclass(frozen=True, slots=True)
class Window:
    """Which rows of a list are wanted: `size` rows after or before a cursor."""

    size: int
    cursor: Cursor | None = None
    backwards: bool = False

    @classmethod
    def of(
        cls,
        *,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
    ) -> Self:
        """Raises `InvalidArgument`, `LimitExceeded` or `BadCursor`."""
        if (last is not None or before is not None) and after is not None:
            raise InvalidArgument("`after` goes with `first`; `before` goes with `last`.")
        backwards = last is not None or before is not None
        name, size = ("last", last) if backwards else ("first", first)
        if size is None:
            raise InvalidArgument(f"`{name}` is missing.", path=(name,))
        if size < 0:
            raise InvalidArgument(f"`{name}` is {size}; it must not be negative.", path=(name,))
        if size > MAX_PAGE_SIZE:
            raise LimitExceeded(f"`{name}`", limit=MAX_PAGE_SIZE, actual=size, path=(name,))
        text = before if backwards else after
        return cls(size, Cursor.decode(text) if text is not None else None, backwards)
