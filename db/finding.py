"""The first rows of a list that is filtered, found quickly whatever it is filtered by.

There are two ways to read such a list. One follows the list's order and leaves out what does not
fit: right for what is common, while for what is rare it reads the whole account. The other reads
all that fits by an index and sorts it: right for what is rare. Which one is right depends on the
value that is searched for, which no prepared plan knows, and on where in the order it occurs,
which no statistics know.

So a statement does both. It looks at some of the rows that come next in the order. If too few of
them fit, then what fits is rare around there, and all that fits is read.
"""

from collections.abc import Iterator
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    FromClause,
    Integer,
    Select,
    and_,
    any_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    true,
    tuple_,
    union_all,
)
from sqlalchemy.orm import aliased

from db.sources import Shape

NEAR: Final = 2_000
"""Rows that are looked at in the order of the list: they take a few milliseconds."""
NEAR_OF_OFFSET: Final = 4
"""So many more of them for each row that lies before a numbered page."""

Row = Any
"""A model or its alias."""


def conditions(shape: Shape, row: Row, prefix: str = "") -> Iterator[ColumnElement[bool]]:
    """What rows of the page, and perhaps some beyond its end, have in common."""
    if shape.selective:
        yield row.id == any_(func.array(_Finder(shape, prefix).candidates()))
        return
    yield from filters(shape, row, prefix)
    if shape.from_cursor and shape.order is not None:
        yield _beyond(shape, row, prefix)


def filters(shape: Shape, row: Row, prefix: str = "") -> Iterator[ColumnElement[bool]]:
    """What all rows of the list have in common."""
    for name in shape.names:
        fits, leads = shape.source.filters[name], shape.source.leading.get(name)
        condition = fits(row, prefix + name)
        yield or_(condition, leads(row, prefix + name)) if leads else condition


def ordering(shape: Shape, row: Row, prefix: str = "") -> list[ColumnElement[Any]]:
    """The order in which the rows are read: against the list's own when reading backwards."""
    if shape.order is None:
        return list(shape.source.order(row))
    columns = _directed(shape, getattr(row, shape.order.column), row.id)
    if shape.leading is None:
        return columns
    leads = shape.source.leading[shape.leading](row, prefix + shape.leading)
    return [leads.asc() if shape.backwards else leads.desc(), *columns]


def _directed(shape: Shape, *columns: ColumnElement[Any]) -> list[ColumnElement[Any]]:
    return [one.desc() if shape.descends else one.asc() for one in columns]


def _beyond(shape: Shape, row: Row, prefix: str) -> ColumnElement[bool]:
    """Whether the row is read after the one that the cursor names."""
    if shape.order is None:
        return true()
    column = getattr(row, shape.order.column)
    key = tuple_(column, row.id)
    value = bindparam(prefix + "cursor_value", type_=column.type)
    place = tuple_(value, _cursor_id(row, prefix))
    return key < place if shape.descends else key > place


def _cursor_id(row: Row, prefix: str) -> ColumnElement[Any]:
    return bindparam(prefix + "cursor_id", type_=row.id.type)


class _Finder:
    """Writes the statement that finds the ids of a selective shape's page."""

    def __init__(self, shape: Shape, prefix: str) -> None:
        self._shape, self._prefix = shape, prefix
        self._offset: ColumnElement[int] = bindparam(prefix + "offset", type_=Integer())
        self._limit = literal_column(str(shape.limit), Integer())
        if shape.from_offset:
            self._limit = self._limit + self._offset

    def candidates(self) -> ColumnElement[Any]:
        """The ids of all rows of the page, and of others that come after it."""
        near = self._near().cte()
        found = select(func.count()).select_from(near).scalar_subquery()
        parts = [select(near.c.id), self._all().where(found < self._limit)]
        if self._shape.leading is not None:
            parts.append(self._leading())
        return union_all(*parts).scalar_subquery()

    def _near(self) -> Select[Any]:
        """What fits among the next rows of the list."""
        row = self._row()
        fits = and_(true(), *self._fitting(row, bounds=False)).label("fits")
        walked = self._columns(row, fits).where(*self._fitting(row, bounds=True))
        if self._shape.from_cursor:
            walked = walked.where(_beyond(self._shape, row, self._prefix))
            if self._shape.leading is not None:  # past one that leads, hits begin anew
                walked = walked.where(~self._cursor_leads())
        some = literal_column(str(NEAR), Integer())
        if self._shape.from_offset:
            some = some + literal_column(str(NEAR_OF_OFFSET), Integer()) * self._offset
        stretch = walked.order_by(*_directed(self._shape, *walked.selected_columns[:2]))
        rows = stretch.limit(some).subquery()
        return self._first(rows).where(rows.c.fits)

    def _all(self) -> Select[Any]:
        """What fits, wherever it is: read whole, for `offset` hides that few of it are wanted."""
        row = self._row()
        found = self._columns(row).where(*self._fitting(row))
        if self._shape.from_cursor:
            found = found.where(self._is_next(row))
        return self._first(found.offset(literal_column("0", Integer())).subquery())

    def _leading(self) -> Select[Any]:
        """The rows that come first, as far as the page reaches them."""
        row = self._row()
        found = self._columns(row).where(*self._fitting(row, leading=True))
        if self._shape.from_cursor:
            found = found.where(self._is_next(row, leading=True))
        return self._first(found.subquery())

    def _row(self) -> Row:
        return aliased(self._shape.source.model)

    def _columns(self, row: Row, *others: ColumnElement[Any]) -> Select[Any]:
        if self._shape.order is None:
            raise ValueError("only the rows of an order can be found")
        place = getattr(row, self._shape.order.column).label("place")
        return select().add_columns(place, row.id, *others)

    def _first(self, rows: FromClause) -> Select[Any]:
        order = _directed(self._shape, rows.c.place, rows.c.id)
        return select(rows.c.id).order_by(*order).limit(self._limit)

    def _fitting(
        self, row: Row, *, bounds: bool | None = None, leading: bool = False
    ) -> Iterator[ColumnElement[bool]]:
        """The conditions on rows that lead, or on all others.

        Those that are `bounds` cut a stretch out of the list's order, the others leave holes.
        """
        source = self._shape.source
        for name in self._shape.names:
            if bounds is not None and self._shape.bounds(name) != bounds:
                continue
            condition = source.filters[name](row, self._prefix + name)
            if name == self._shape.leading:
                leads = source.leading[name](row, self._prefix + name)
                yield leads if leading else and_(condition, ~leads)
            else:
                yield condition

    def _is_next(self, row: Row, *, leading: bool = False) -> ColumnElement[bool]:
        """Whether a row comes after the cursor's in the order in which the rows are read."""
        beyond = _beyond(self._shape, row, self._prefix)
        if self._shape.leading is None:
            return beyond
        after = self._cursor_leads()
        if self._shape.backwards:  # those that lead are read last
            return or_(~after, beyond) if leading else and_(~after, beyond)
        return and_(after, beyond) if leading else or_(after, beyond)

    def _cursor_leads(self) -> ColumnElement[bool]:
        """Whether the cursor's row is one of those that lead."""
        row = self._row()
        mine = row.id == _cursor_id(row, self._prefix)
        return select(row.id).where(mine, *self._fitting(row, leading=True)).exists()
