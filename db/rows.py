"""Which rows are wanted: said in resolvers/ as values, made into statements here.

The text of a statement depends on which parameters are given and which columns are asked
for, never on values, so each is built once and kept.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum, StrEnum, auto
from functools import lru_cache
from types import NoneType
from typing import Any, Final, NamedTuple, Self
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Integer,
    Select,
    String,
    Text,
    any_,
    bindparam,
    cast,
    func,
    literal_column,
    select,
    true,
)
from sqlalchemy import column as sql_column
from sqlalchemy.dialects.postgresql.psycopg import PGDialect_psycopg
from sqlalchemy.orm import aliased
from sqlalchemy.types import TypeEngine

from db.finding import conditions, filters, ordering
from db.models import Base
from db.paging import Order, parsed
from db.sources import Filter, Shape, Source, among, equals, further
from domain.paging import Window

__all__ = [
    "Asked", "Filter", "Form", "Rows", "Shape", "Source", "among", "conditions", "counting",
    "equals", "expression", "filters", "further", "limited", "ordering", "reading",
]  # fmt: skip

_KEPT: Final = 1_000
_DIALECT: Final = PGDialect_psycopg(paramstyle="numeric_dollar")


class Form(StrEnum):
    """In which form a column's value is asked for."""

    VALUE = auto()
    """As Python has it."""
    MOMENT = auto()
    """A time as the API prints it: RFC 3339 in UTC, six digits of a second."""
    TEXT = auto()
    """A key as text."""
    GLOBAL_ID = auto()
    """A key as the API's opaque id: base64 of `Type:key`."""


class Asked(NamedTuple):
    column: str
    form: Form = Form.VALUE
    type_name: str = ""
    """The type in a global id."""


class Rows(NamedTuple):
    """The rows wanted: of each of many parents when `by` names the column that refers to them.

    With a window they are pages; `limit` cuts a plain list off. Equal wishes are equal, and can
    be keys.
    """

    source: Source
    params: tuple[tuple[str, Any], ...] = ()
    by: str | None = None
    order: Order | None = None
    window: Window | None = None
    limit: int | None = None

    @classmethod
    def of(
        cls,
        source: Source,
        *,
        by: str | None = None,
        order: Order | None = None,
        window: Window | None = None,
        limit: int | None = None,
        **params: object,
    ) -> Self:
        """`params` are values of the source's filters; None leaves a filter out."""
        given = [(name, _plain(value)) for name, value in params.items() if value is not None]
        given.sort()  # equal wishes are equal in whatever order they were made
        return cls(source, tuple(given), by, order, window, limit)

    @property
    def shape(self) -> Shape:
        names = tuple([name for name, _ in self.params])
        window = self.window
        if window is None:
            return Shape(self.source, names, self.by, self.order, limit=self.limit)
        from_cursor, from_offset = window.cursor is not None, window.offset > 0
        return Shape(
            self.source,
            names,
            self.by,
            self.order,
            window.backwards,
            from_cursor,
            from_offset,
            window.size + 1,  # one more says whether the list goes on
        )

    def values(self) -> dict[str, Any]:
        """The statement's parameters. Raises `BadCursor`."""
        found = dict(self.params)
        window = self.window
        if window is None:
            return found
        found["page"] = window.page
        if window.offset:
            found["offset"] = window.offset
        if window.cursor is not None and self.order is not None:
            model = self.source.model
            types = (_type(model, self.order.column), _type(model, "id"))
            found["cursor_value"], found["cursor_id"] = parsed(window.cursor, *types)
        return found


_PLAIN: Final = frozenset({UUID, str, int, bool, float, datetime, NoneType})


def _plain(value: Any) -> Any:  # noqa: ANN401
    """A value that can be compared and hashed, and that the driver knows."""
    if type(value) in _PLAIN or isinstance(value, UUID):  # the driver has its own kind of UUID
        return value
    if isinstance(value, Enum):
        return str(value.value)
    return tuple([_plain(one) for one in value])


def _type(model: type[Base], column: str) -> TypeEngine[Any]:
    return getattr(model, column).type


@dataclass(frozen=True, slots=True)
class Statement:
    """SQL with numbered parameters, and which value each of them is."""

    sql: str
    names: tuple[str, ...]
    constants: Mapping[str, Any]

    def arguments(self, values: Mapping[str, Any]) -> list[Any]:
        return [values[name] if name in values else self.constants[name] for name in self.names]


def compiled(statement: Select[Any]) -> Statement:
    made = statement.compile(dialect=_DIALECT)
    constants = {name: value for name, value in made.params.items() if value is not None}
    return Statement(str(made), tuple(made.positiontup or ()), constants)


KEYS: Final = "keys"
"""The parameter that holds the keys of all parents."""


@lru_cache(_KEPT)
def reading(shape: Shape, columns: tuple[Asked, ...]) -> Statement:
    """Reads these columns, or only that there are rows.

    For many parents, the last column says whose row it is.
    """
    row = aliased(shape.source.model)
    # Names of their own: one column may be asked for in several forms.
    named = [expression(row, one).label(f"c{at}") for at, one in enumerate(columns)]
    wanted = (
        select(*named or [literal_column("1").label("c0")])
        .where(*conditions(shape, row))
        .order_by(*ordering(shape, row))
    )
    if shape.by is None:
        return compiled(limited(wanted, shape))
    by = getattr(row, shape.by)
    if shape.limit is None:
        return compiled(wanted.add_columns(by).where(by == any_(_keys(by))))
    keys = func.unnest(_keys(by)).table_valued(sql_column("key", by.type), name="parents")
    parents = keys.render_derived()
    one_list = limited(wanted.where(by == parents.c.key), shape).lateral()
    found = select(*one_list.c, parents.c.key).select_from(parents).join(one_list, true())
    return compiled(found)


@lru_cache(_KEPT)
def counting(shape: Shape) -> Statement:
    """Counts the rows of a list; for many parents, the last column says whose they are."""
    row = aliased(shape.source.model)
    count = select(func.count()).select_from(row).where(*filters(shape, row))
    if shape.by is None:
        return compiled(count)
    by = getattr(row, shape.by)
    return compiled(count.add_columns(by).where(by == any_(_keys(by))).group_by(by))


def _keys(by: ColumnElement[Any]) -> ColumnElement[Any]:
    return bindparam(KEYS, type_=ARRAY(by.type))


def limited(wanted: Select[Any], shape: Shape, prefix: str = "") -> Select[Any]:
    if shape.limit is not None:
        wanted = wanted.limit(literal_column(str(shape.limit), Integer()))
    if shape.from_offset:
        wanted = wanted.offset(bindparam(prefix + "offset", type_=Integer()))
    return wanted


_RFC3339: Final = literal_column("""'YYYY-MM-DD"T"HH24:MI:SS.US"Z"'""", String())
_UTC: Final = literal_column("'UTC'", String())
_LONGEST_TYPE_NAME: Final = 19
"""With a colon and a UUID that makes 56 bytes: PostgreSQL ends a line of base64 after 57."""


def expression(row: Any, asked: Asked) -> ColumnElement[Any]:  # noqa: ANN401
    """The column in the form that is asked for."""
    column = getattr(row, asked.column)
    if asked.form is Form.MOMENT:
        return func.to_char(func.timezone(_UTC, column), _RFC3339)
    if asked.form is Form.TEXT:
        return cast(column, Text)
    if asked.form is Form.GLOBAL_ID:
        if len(asked.type_name) > _LONGEST_TYPE_NAME:
            raise ValueError(f"{asked.type_name}: PostgreSQL would break its ids into lines")
        prefix = literal_column(f"'{asked.type_name}:'", String())
        text = func.convert_to(func.concat(prefix, column), literal_column("'UTF8'"))
        return func.encode(text, literal_column("'base64'"))
    return column
