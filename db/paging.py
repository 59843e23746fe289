"""Keyset pages of a table. The order always ends in the primary key, so it is total."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import ColumnElement, Select, asc, cast, desc, func, literal, select, tuple_
from sqlalchemy.orm import InstrumentedAttribute, aliased

from db.session import ReadSession
from domain.errors import BadCursor
from domain.paging import Cursor, Window

Row = TypeVar("Row")
Key = TypeVar("Key")


@dataclass(frozen=True, slots=True)
class Order(Generic[Row]):
    """By which column a list is sorted. `column` and `id` must not hold nulls."""

    column: InstrumentedAttribute[Any]
    id: InstrumentedAttribute[Any]
    descending: bool = True

    def cursor(self, row: Row) -> Cursor:
        return Cursor(self._text(getattr(row, self.column.key)), str(getattr(row, self.id.key)))

    @staticmethod
    def _text(value: object) -> str:
        return value.isoformat() if isinstance(value, datetime) else str(value)


@dataclass(frozen=True, slots=True)
class Page(Generic[Row]):
    rows: Sequence[Row]
    has_next: bool
    has_previous: bool


async def page(
    session: ReadSession, rows: Select[Row], order: Order[Row], window: Window
) -> Page[Row]:
    """The rows of a window, in the list's own order also when it is read backwards."""
    wanted = _within(rows, order, window).order_by(*_ordering(order, window))
    return _page(list(await session.scalars(wanted.limit(window.size + 1))), window)


async def pages(
    session: ReadSession,
    rows: Select[Row],
    order: Order[Row],
    window: Window,
    *,
    group: InstrumentedAttribute[Key],
    keys: Sequence[Key],
) -> dict[Key, Page[Row]]:
    """The page of the same window in each of many lists, which `group` tells apart."""
    rank = func.row_number().over(partition_by=group, order_by=_ordering(order, window))
    wanted = _within(rows, order, window).where(group.in_(keys))
    ranked = wanted.add_columns(rank.label("rank")).subquery()
    row = aliased(group.class_, ranked)
    first = select(row).where(ranked.c.rank <= window.size + 1).order_by(ranked.c.rank)
    found: dict[Key, list[Row]] = {key: [] for key in keys}
    for one in await session.scalars(first):
        found[getattr(one, group.key)].append(one)
    return {key: _page(list_, window) for key, list_ in found.items()}


def _within(rows: Select[Row], order: Order[Row], window: Window) -> Select[Row]:
    if window.cursor is None:
        return rows
    return rows.where(_beyond(order, window.cursor, descending=_descends(order, window)))


def _ordering(order: Order[Any], window: Window) -> list[Any]:
    direction = desc if _descends(order, window) else asc
    return [direction(order.column), direction(order.id)]


def _descends(order: Order[Any], window: Window) -> bool:
    return order.descending != window.backwards


def _page(found: list[Row], window: Window) -> Page[Row]:
    """Of the rows found there is one more than wanted, if the list goes on."""
    more, found = len(found) > window.size, found[: window.size]
    came_from = window.cursor is not None
    if window.backwards:
        return Page(found[::-1], has_next=came_from, has_previous=more)
    return Page(found, has_next=more, has_previous=came_from)


def _beyond(order: Order[Any], cursor: Cursor, *, descending: bool) -> ColumnElement[bool]:
    key = tuple_(order.column, order.id)
    place = tuple_(*_parsed(order, cursor))
    return key < place if descending else key > place


def _parsed(order: Order[Any], cursor: Cursor) -> list[Any]:
    """The cursor's texts as the columns' types; raises `BadCursor`."""
    values: list[Any] = []
    for column, value in ((order.column, cursor.value), (order.id, cursor.id)):
        kind = column.type.python_type
        parse = kind.fromisoformat if hasattr(kind, "fromisoformat") else kind
        try:
            values.append(cast(literal(parse(_storable(value)), column.type), column.type))
        except ValueError:
            raise BadCursor(cursor.encode()) from None
    return values


def _storable(value: str) -> str:
    """Raises `ValueError` for text that no row can hold, and that PostgreSQL would refuse."""
    if "\0" in value:
        raise ValueError(value)
    value.encode()
    return value


async def count(session: ReadSession, rows: Select[Any]) -> int:
    return await session.scalar(select(func.count()).select_from(rows.subquery())) or 0
