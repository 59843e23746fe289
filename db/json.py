"""One statement whose value is the JSON text of a whole selection, shaped by PostgreSQL.

Objects are spelled with `concat()`: it looks its output functions up once per statement,
`json_build_object()` once per value. Two things that SQL cannot write are left as marks made
of control characters, which JSON text never holds: *holes*, which Python fills with what it
computes from a few columns, and a *misfit* where a value does not fit its field's type.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum, auto
from itertools import groupby
from typing import Any, Final, Literal
from uuid import UUID

import orjson
from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    String,
    Text,
    bindparam,
    case,
    cast,
    func,
    inspect,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import aliased

from db import rows
from db.models import Base
from db.rows import Asked, Form, Shape

Parse = Callable[[bytes], Any]
Text_ = ColumnElement[str]
Pieces = list[str | ColumnElement[Any]]
"""Texts of the statement and values, to be joined."""

MISFIT: Final = b"\x03"
_HOLE: Final = b"\x01"
_NEXT: Final = b"\x02"
_NULL: Final = b"\x04"
_ZERO: Final[ColumnElement[int]] = literal_column("0", Integer())
_ONE: Final[ColumnElement[int]] = literal_column("1", Integer())
_MOST_ARGUMENTS: Final = 90
"""PostgreSQL's functions take at most 100."""


class Kind(StrEnum):
    """How a column's value is written."""

    TEXT = auto()
    PLAIN = auto()
    """Text in which nothing needs escaping: ids, times."""
    INTEGER = auto()
    INT32 = auto()
    FLOAT = auto()
    BOOLEAN = auto()
    ENUM = auto()
    OTHER = auto()
    """In a way that only Python knows."""


@dataclass(frozen=True, slots=True)
class Leaf:
    """A field that is a column. `names` are an enum's: the column's value, and what is written."""

    asked: Asked
    kind: Kind
    optional: bool = False
    names: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class Constant:
    text: str


@dataclass(frozen=True, slots=True)
class Hole:
    """A field that Python computes from columns; `number` is its place among the fillers."""

    number: int
    columns: tuple[Asked, ...]


@dataclass(frozen=True, slots=True)
class Cases:
    """Different objects by the text in a column; any other text is a misfit."""

    column: str
    parts: tuple[tuple[str, "Parts"], ...]


@dataclass(frozen=True, slots=True)
class Inside:
    """An object of the same row; null where the column `present` is, if one is named."""

    body: "Body"
    present: str | None = None


@dataclass(frozen=True, slots=True)
class Related:
    """Objects of other rows: `number` is the place of their `Shape`, `of` the parent's key."""

    number: int
    of: str | None
    body: "Body"
    many: bool
    optional: bool


Member = Literal[
    "cursor",
    "nodes",
    "edges",
    "total_count",
    "has_next_page",
    "has_previous_page",
    "start_cursor",
    "end_cursor",
    "page_number",
    "total_pages",
]


@dataclass(frozen=True, slots=True)
class OfPage:
    """A member of a page: `body` of a node or an edge, `hole` of a cursor."""

    member: Member
    body: "Body" = ()
    hole: Hole | None = None


@dataclass(frozen=True, slots=True)
class Paged:
    """A page of other rows. Its parts are `OfPage`, constants, and objects of such."""

    number: int
    of: str | None
    parts: "Parts"


@dataclass(frozen=True, slots=True)
class Group:
    """An object that only holds members of the page around it."""

    parts: "Parts"


Part = Leaf | Constant | Hole | Inside | Related | Paged | OfPage | Group
Parts = tuple[tuple[str, Part], ...]
Body = Parts | Cases


@dataclass(frozen=True, slots=True)
class Joint:
    """A statement of several shapes: which value of which of them each parameter is."""

    sql: str
    picks: tuple[tuple[int, str], ...]
    constants: Mapping[str, Any] = field(default_factory=dict[str, Any])
    """Values that a column brings along: one that is an expression. They are picked from -1."""

    def arguments(self, values: Sequence[Mapping[str, Any]]) -> list[Any]:
        all_values = [*values, self.constants]
        return [all_values[number][name] for number, name in self.picks]


def statement(part: Related | Paged, shapes: Sequence[Shape | None]) -> Joint:
    """The statement for one root field.

    A shape is None where a relation has no rows and so no part here.
    """
    text = _joined(_Builder(shapes).part(None, part))
    made = rows.compiled(select(func.convert_to(text, literal_column("'UTF8'"))))
    return Joint(made.sql, tuple(_pick(name) for name in made.names), made.constants)


def _prefix(number: int) -> str:
    """Before the names of a shape's parameters."""
    return f"{number}_"


def _pick(name: str) -> tuple[int, str]:
    number, _, own = name.partition("_")
    return (int(number), own) if number.isdigit() else (-1, name)


def filled(text: bytes, fill: dict[bytes, Callable[[bytes], bytes]]) -> bytes:
    """The text with its holes filled; `fill` is by the hole's number as written."""
    pieces = text.split(_HOLE)
    for place in range(1, len(pieces), 2):
        number, _, values = pieces[place].partition(_NEXT)
        pieces[place] = fill[number](values)
    return b"".join(pieces)


def filler(
    model: type[Base], columns: Sequence[Asked], make: Callable[..., bytes]
) -> Callable[[bytes], bytes]:
    """Reads the columns that a hole holds and gives them to `make` as Python's values."""
    if len(columns) == 1:
        parse = _parser(model, columns[0])
        return lambda values: make(parse(values))
    parsers = [_parser(model, one) for one in columns]

    def fill(values: bytes) -> bytes:
        texts = values.split(_NEXT) if parsers else []
        return make(*(parse(one) for parse, one in zip(parsers, texts, strict=True)))

    return fill


def _parser(model: type[Base], asked: Asked) -> Parse:
    fact = rows.fact(model, asked.column)
    if asked.form is not Form.VALUE:
        return _or_none(bytes.decode)
    if (members := fact.members) is not None:
        return _or_none(lambda raw: members.get(text := raw.decode(), text))
    return _or_none(_PARSERS[fact.python])


_PARSERS: Final[dict[type, Parse]] = {
    UUID: lambda raw: UUID(raw.decode()),
    str: orjson.loads,
    bool: lambda raw: raw == b"true",
    int: int,
    float: float,
    datetime: lambda raw: datetime.fromisoformat(raw.decode()),
}


def _or_none(parse: Parse) -> Parse:
    return lambda raw: None if raw == _NULL else parse(raw)


def _quoted(text: str) -> ColumnElement[str]:
    """A constant of the statement. Names of a checked document need no more than this."""
    return literal_column("'" + text.replace("'", "''") + "'", String())


def _mark(mark: bytes) -> ColumnElement[str]:
    escaped = "".join(f"\\x{one:02x}" for one in mark)
    return literal_column(f"E'{escaped}'", String())


def _expressions(pieces: Pieces) -> list[ColumnElement[Any]]:
    """Constants that follow each other become one."""
    found: list[ColumnElement[Any]] = []
    for is_text, group in groupby(pieces, lambda piece: isinstance(piece, str)):
        if is_text:
            found.append(_quoted("".join(map(str, group))))
        else:
            found += [piece for piece in group if not isinstance(piece, str)]
    return found


def _text(value: ColumnElement[Any]) -> Text_:
    return cast(value, Text)


@dataclass
class _Builder:
    shapes: Sequence[Shape | None]
    page: "list[_Page]" = field(default_factory=list["_Page"])
    """The page whose members are being written, innermost last."""

    def shape(self, number: int) -> Shape:
        shape = self.shapes[number]
        if shape is None:
            raise ValueError(f"relation {number} has no rows")
        return shape

    def part(self, row: Any, part: Part) -> Pieces:  # noqa: ANN401, PLR0911  (an alias of any model)
        match part:
            case Constant():
                return [part.text]
            case Leaf():
                return leaf(row, part)
            case Hole():
                return [self.hole(row, part)]
            case Inside():
                return [self.inside(row, part)]
            case Group():
                return [self.object(row, part.parts)]
            case Related():
                return [self.related(row, part)]
            case Paged():
                return [self.paged(row, part)]
            case OfPage():
                return [self.page[-1].member(self, part)]

    def inside(self, row: Any, part: Inside) -> Text_:  # noqa: ANN401
        text = self.body(row, part.body)
        if part.present is None:
            return text
        return case((getattr(row, part.present).is_not(None), text), else_=_quoted("null"))

    def body(self, row: Any, body: Body) -> Text_:  # noqa: ANN401
        if isinstance(body, tuple):
            return self.object(row, body)
        column = getattr(row, body.column)
        texts = [(column == _quoted(value), self.object(row, parts)) for value, parts in body.parts]
        return case(*texts, else_=_mark(MISFIT))

    def object(self, row: Any, parts: Parts) -> Text_:  # noqa: ANN401
        pieces: Pieces = []
        opening = "{"
        for name, part in parts:
            pieces += [f'{opening}"{name}":', *self.part(row, part)]
            opening = ","
        pieces.append("}" if parts else "{}")
        arguments = _expressions(pieces)
        starts = range(0, len(arguments), _MOST_ARGUMENTS)
        texts = [func.concat(*arguments[at : at + _MOST_ARGUMENTS]) for at in starts]
        return texts[0] if len(texts) == 1 else func.concat(*texts)

    def hole(self, row: Any, hole: Hole) -> Text_:  # noqa: ANN401
        pieces: list[ColumnElement[Any]] = [_mark(_HOLE + str(hole.number).encode())]
        for asked in hole.columns:
            pieces += [_mark(_NEXT), _need(row, asked)]
        return func.concat(*pieces, _mark(_HOLE))

    def related(self, parent: Any, part: Related) -> Text_:  # noqa: ANN401
        row, wanted = self.selected(parent, part.number, part.of)
        text = self.body(row, part.body)
        each = wanted.add_columns(text.label("j")).subquery()
        if part.many:
            all_ = select(func.string_agg(each.c.j, _quoted(","))).scalar_subquery()
            return func.concat(_quoted("["), all_, _quoted("]"))
        one = select(each.c.j).limit(_ONE).scalar_subquery()
        return func.coalesce(one, _quoted("null") if part.optional else _mark(MISFIT))

    def selected(self, parent: Any, number: int, of: str | None) -> tuple[Any, Select[Any]]:  # noqa: ANN401
        """The alias of a shape's rows, and the statement that selects from it, without columns."""
        shape, place = self.shape(number), _prefix(number)
        row = aliased(shape.source.model)
        wanted = select().select_from(row).where(*rows.conditions(shape, row, place))
        if of is not None and shape.by is not None:
            wanted = wanted.where(getattr(row, shape.by) == getattr(parent, of))
        wanted = wanted.order_by(*rows.ordering(shape, row))
        wanted = rows.limited(wanted, shape, place)
        return row, wanted.correlate(parent) if parent is not None else wanted

    def paged(self, parent: Any, part: Paged) -> Text_:  # noqa: ANN401
        page = _Page(self, parent, part)
        self.page.append(page)
        text = self.object(None, part.parts)
        self.page.pop()
        # One object, also where no member of it is made of the rows.
        whole = select(text).select_from(page.rows).having(literal_column("true"))
        return whole.scalar_subquery()


class _Page:
    """The rows of a page as a subquery, and its members. They are numbered only if need be."""

    def __init__(self, builder: _Builder, parent: Any, part: Paged) -> None:  # noqa: ANN401
        self.shape = builder.shape(part.number)
        self._prefix = _prefix(part.number)
        self._parent, self._of = parent, part.of
        self.size = literal_column(str((self.shape.limit or 1) - 1), Integer())
        row, wanted = builder.selected(parent, part.number, part.of)
        wanted = wanted.add_columns(row)
        if self.shape.backwards or not _members(part.parts) <= _UNNUMBERED:
            # Around the rows, not among them: they are numbered as they are sorted and cut.
            number, total = func.row_number().over(), func.count().over()
            wanted = select(wanted.subquery(), number.label("n_"), total.label("t_"))
        else:
            wanted = wanted.limit(self.size)
        self.rows = wanted.subquery()
        self.row = aliased(self.shape.source.model, self.rows)

    def _value(self, name: str) -> ColumnElement[int]:
        return bindparam(f"{self._prefix}{name}", type_=Integer())

    @property
    def _is_numbered(self) -> bool:
        return "n_" in self.rows.c

    def member(self, builder: _Builder, part: OfPage) -> Text_:  # noqa: PLR0911
        match part.member:
            case "nodes" | "edges":
                return self._all(builder.body(self.row, part.body))
            case "start_cursor" | "end_cursor":
                hole = builder.hole(self.row, part.hole) if part.hole else _quoted("null")
                return self._outermost(hole, last=part.member == "end_cursor")
            case "has_next_page" | "has_previous_page":
                if self.shape.backwards == (part.member == "has_previous_page"):
                    return _boolean(func.count() > self.size)
                ahead = self.shape.from_cursor or self.shape.from_offset
                return _quoted("true" if ahead else "false")
            case "page_number":
                return func.coalesce(_text(self._value("page")), _quoted("null"))
            case "total_count":
                return _text(self._count())
            case "total_pages":
                pages = (self._count() + self.size - _ONE) // func.nullif(self.size, _ZERO)
                return func.coalesce(_text(pages), _quoted("null"))
            case "cursor":
                raise ValueError("a cursor belongs to an edge: it is a hole there")

    def _all(self, text: Text_) -> Text_:
        separator: Any = _quoted(",")
        if self.shape.backwards:
            separator = aggregate_order_by(separator, self.rows.c.n_.desc())
        joined: ColumnElement[str] = func.string_agg(text, separator)
        if self._is_numbered:
            joined = joined.filter(self.rows.c.n_ <= self.size)
        return func.concat(_quoted("["), joined, _quoted("]"))

    def _outermost(self, text: Text_, *, last: bool) -> Text_:
        """What `text` is for the first or last row of the page, in the list's own order."""
        end = func.least(self.rows.c.t_, self.size)
        place = end if last != self.shape.backwards else _ONE
        found = func.max(text).filter(self.rows.c.n_ == place, self.size > _ZERO)
        return func.coalesce(found, _quoted("null"))

    def _count(self) -> ColumnElement[int]:
        row = aliased(self.shape.source.model)
        count = select(func.count()).select_from(row)
        count = count.where(*rows.filters(self.shape, row, self._prefix))
        if self._of is not None and self.shape.by is not None:
            count = count.where(getattr(row, self.shape.by) == getattr(self._parent, self._of))
            count = count.correlate(self._parent)
        return count.scalar_subquery()


_UNNUMBERED: Final = frozenset({"nodes", "edges", "total_count", "total_pages", "page_number"})
"""Members of a page for which it does not matter whether the list goes on."""


def _members(parts: Parts) -> set[str]:
    found: set[str] = set()
    for _, part in parts:
        if isinstance(part, OfPage):
            found.add(part.member)
        elif isinstance(part, Group):
            found |= _members(part.parts)
    return found


def leaf(row: Any, part: Leaf) -> Pieces:  # noqa: ANN401
    """The JSON text of a column's value; a misfit where the field cannot have that value."""
    value, known = rows.expression(row, part.asked), _fact(row, part.asked)
    absent = _quoted("null") if part.optional else _mark(MISFIT)
    if part.kind is Kind.TEXT and part.optional and known.nullable:
        return [func.coalesce(func.to_json(value), literal_column("'null'::json"))]
    if known.nullable:
        return [case((value.is_(None), absent), else_=_joined(_written(value, part)))]
    return _written(value, part)


def _joined(pieces: Pieces) -> Text_:
    return func.concat(*_expressions(pieces))


def _written(value: ColumnElement[Any], part: Leaf) -> Pieces:  # noqa: PLR0911
    """How a value that is not null is written."""
    match part.kind:
        case Kind.TEXT:
            return [func.to_json(value)]
        case Kind.PLAIN:
            return ['"', value, '"']
        case Kind.INTEGER:
            return [value]
        case Kind.INT32:
            return [_fitting(value.between(literal_column(_LEAST), literal_column(_MOST)), value)]
        case Kind.BOOLEAN:
            return [_boolean(value)]
        case Kind.FLOAT:
            return [_float(value)]
        case Kind.ENUM:
            names = [(value == _quoted(one), _quoted(f'"{name}"')) for one, name in part.names]
            return [case(*names, else_=_mark(MISFIT))]
        case Kind.OTHER:
            raise ValueError(f"{part.asked.column} cannot be written in SQL")


_LEAST: Final = str(-(2**31))
_MOST: Final = str(2**31 - 1)


def _fitting(fits: ColumnElement[bool], value: ColumnElement[Any]) -> Text_:
    return case((fits, cast(value, Text)), else_=_mark(MISFIT))


def _boolean(value: ColumnElement[bool]) -> Text_:
    return case((value, _quoted("true")), else_=_quoted("false"))


def _float(value: ColumnElement[float]) -> Text_:
    """As orjson writes it, where both write the shortest digits without an exponent."""
    size, zero = func.abs(value), value == _ZERO
    plain = (size.between(literal_column("0.001"), literal_column("1e9"))) | zero
    whole = func.concat(value, _quoted(".0"))
    text = case((value == func.trunc(value), whole), else_=cast(value, Text))
    return _fitting(plain, text)


def _need(row: Any, asked: Asked) -> ColumnElement[Any]:  # noqa: ANN401
    """A column as a hole holds it: text as JSON, all else as PostgreSQL prints it."""
    value, known = rows.expression(row, asked), _fact(row, asked)
    if asked.form is Form.VALUE:
        if known.python is datetime:
            value = rows.expression(row, Asked(asked.column, Form.MOMENT))
        elif known.python is str:
            value = func.to_json(value)
    if known.nullable:
        return func.coalesce(cast(value, Text), _mark(_NULL))
    return value


def _fact(row: Any, asked: Asked) -> rows.Fact:  # noqa: ANN401
    return rows.fact(inspect(row).mapper.class_, asked.column)
