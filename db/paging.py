"""Keyset pages of a list: its order, and what one page of it holds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import BigInteger
from sqlalchemy.types import TypeEngine

from domain.errors import BadCursor
from domain.paging import Cursor


@dataclass(frozen=True, slots=True)
class Order:
    """By which column a list is sorted; rows with equal values are sorted by their id.

    `column` must not hold nulls.
    """

    column: str
    descending: bool = True

    @staticmethod
    def cursor(value: object, id: object) -> Cursor:
        """The place of the row that has this value in `column`."""
        return Cursor(value.isoformat() if isinstance(value, datetime) else str(value), str(id))


@dataclass(frozen=True, slots=True)
class Page:
    """Rows in the list's own order, also when it was read backwards."""

    rows: Sequence[Any]
    has_next: bool
    has_previous: bool


def parsed(
    cursor: Cursor, value_type: TypeEngine[Any], id_type: TypeEngine[Any]
) -> tuple[Any, Any]:
    """The cursor's texts as the types of the columns. Raises `BadCursor`."""
    try:
        return _parsed(cursor.value, value_type), _parsed(cursor.id, id_type)
    except ValueError:
        raise BadCursor(cursor.encode()) from None


def _parsed(text: str, column: TypeEngine[Any]) -> object:
    """Raises `ValueError`, also for text that no row can hold and PostgreSQL would refuse."""
    if "\0" in text:
        raise ValueError(text)
    text.encode()
    kind, limit = column.python_type, 2**63 if isinstance(column, BigInteger) else 2**31
    if kind is int and not -limit <= int(text) < limit:
        raise ValueError(text)
    return kind.fromisoformat(text) if issubclass(kind, datetime) else kind(text)
