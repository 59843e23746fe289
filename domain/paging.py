"""Pages of a list by keyset: stable while rows come and go."""

import base64
import binascii
import json
from dataclasses import dataclass
from typing import Self

from domain.errors import BadCursor, InvalidArgument, LimitExceeded

MAX_PAGE_SIZE = 100
MAX_OFFSET = 10_000
"""How far a numbered page may lie from the start. Cursors reach everything."""


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
    """Which rows of a list are wanted: `size` rows after or before a cursor, or a numbered page."""

    size: int
    cursor: Cursor | None = None
    backwards: bool = False
    page: int | None = None

    @property
    def offset(self) -> int:
        return 0 if self.page is None else (self.page - 1) * self.size

    @classmethod
    def of(
        cls,
        *,
        first: int | None = None,
        after: str | None = None,
        last: int | None = None,
        before: str | None = None,
        page: int | None = None,
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
        if page is not None:
            return cls._numbered(page, size, has_place=backwards or after is not None)
        text = before if backwards else after
        return cls(size, Cursor.decode(text) if text is not None else None, backwards)

    @classmethod
    def _numbered(cls, page: int, size: int, *, has_place: bool) -> Self:
        if has_place:
            raise InvalidArgument("`page` goes with `first` alone.", path=("page",))
        if page < 1:
            raise InvalidArgument(f"`page` is {page}; pages begin with 1.", path=("page",))
        window = cls(size, page=page)
        if window.offset > MAX_OFFSET:
            raise LimitExceeded(
                "The number of items before the page",
                limit=MAX_OFFSET,
                actual=window.offset,
                path=("page",),
            )
        return window
