"""Tables as lists: by what their rows can be asked for, and which of that is rare."""

from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple

from sqlalchemy import ARRAY, ColumnElement, String, any_, bindparam, cast, true

from db.models import Base
from db.paging import Order

Filter = Callable[[Any, str], ColumnElement[bool]]
"""A condition on a row (a model or its alias), with the name of its parameter."""

_OF_INDEX: Final = frozenset({"account_id"})
"""Filters that every index of an order begins with."""


@dataclass(frozen=True, eq=False)
class Source:
    """Rows of one table, the conditions they can be asked by, and their usual order."""

    model: type[Base]
    filters: Mapping[str, Filter]
    order: Callable[[Any], Sequence[ColumnElement[Any]]] = lambda _row: ()
    selective: AbstractSet[str] = frozenset()
    """Filters that may leave few rows of very many: see db/finding.py."""
    ranges: Mapping[str, str] = field(default_factory=dict[str, str])
    """Filters that are an end of a range, and of which column."""
    leading: Mapping[str, Filter] = field(default_factory=dict[str, Filter])
    """By a filter: which rows fit it too, and come first whatever the order."""


def equals(column: str) -> Filter:
    return lambda row, name: getattr(row, column) == bindparam(name)


def among(column: str) -> Filter:
    """The column's text is one of a list."""
    return lambda row, name: (
        cast(getattr(row, column), String) == any_(bindparam(name, type_=ARRAY(String)))
    )


def further(_row: Any, _name: str) -> ColumnElement[bool]:  # noqa: ANN401
    """No condition: a value that another filter needs beside its own."""
    return true()


class Shape(NamedTuple):
    """What the text of a statement depends on."""

    source: Source
    names: tuple[str, ...]
    by: str | None
    order: Order | None
    backwards: bool = False
    from_cursor: bool = False
    from_offset: bool = False
    limit: int | None = None
    """Written into the text. With a parameter PostgreSQL would not know how many rows are wanted,
    and would plan the statement anew each time."""

    @property
    def descends(self) -> bool:
        """Whether the rows are read from the highest to the lowest."""
        return self.order is not None and self.order.descending != self.backwards

    @property
    def selective(self) -> bool:
        """Whether few rows may fit, and a page of them must be looked for."""
        if self.order is None or self.by is not None or self.limit is None:
            return False
        return any(name in self.source.selective and not self.bounds(name) for name in self.names)

    def bounds(self, name: str) -> bool:
        """Whether what fits a filter lies side by side in the list's order."""
        ranges = self.source.ranges
        return name in _OF_INDEX or (
            self.order is not None and ranges.get(name) == self.order.column
        )

    @property
    def leading(self) -> str | None:
        """The filter whose leading rows come first; None without one."""
        if self.order is None or self.by is not None:
            return None
        return next((name for name in self.names if name in self.source.leading), None)
