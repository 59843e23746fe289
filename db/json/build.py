"""The statement for a tree of parts."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Integer,
    Select,
    bindparam,
    case,
    func,
    literal_column,
    select,
)
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.orm import aliased

from db import rows
from db.json.leaves import (
    ONE,
    ZERO,
    Pieces,
    Text_,
    boolean,
    expressions,
    joined,
    leaf,
    mark,
    need,
    quoted,
    text_of,
)
from db.json.parts import (
    HOLE,
    MISFIT,
    NEXT,
    Body,
    Constant,
    Group,
    Hole,
    Inside,
    Leaf,
    OfPage,
    Paged,
    Part,
    Parts,
    Related,
)
from db.rows import Shape

_MOST_ARGUMENTS: Final = 90
"""PostgreSQL's functions take at most 100."""


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
    text = joined(_Builder(shapes).part(None, part))
    made = rows.compiled(select(func.convert_to(text, literal_column("'UTF8'"))))
    return Joint(made.sql, tuple(_pick(name) for name in made.names), made.constants)


def _prefix(number: int) -> str:
    """Before the names of a shape's parameters."""
    return f"{number}_"


def _pick(name: str) -> tuple[int, str]:
    number, _, own = name.partition("_")
    return (int(number), own) if number.isdigit() else (-1, name)


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
        return case((getattr(row, part.present).is_not(None), text), else_=quoted("null"))

    def body(self, row: Any, body: Body) -> Text_:  # noqa: ANN401
        if isinstance(body, tuple):
            return self.object(row, body)
        column = getattr(row, body.column)
        texts = [(column == quoted(value), self.object(row, parts)) for value, parts in body.parts]
        return case(*texts, else_=mark(MISFIT))

    def object(self, row: Any, parts: Parts) -> Text_:  # noqa: ANN401
        pieces: Pieces = []
        opening = "{"
        for name, part in parts:
            pieces += [f'{opening}"{name}":', *self.part(row, part)]
            opening = ","
        pieces.append("}" if parts else "{}")
        arguments = expressions(pieces)
        starts = range(0, len(arguments), _MOST_ARGUMENTS)
        texts = [func.concat(*arguments[at : at + _MOST_ARGUMENTS]) for at in starts]
        return texts[0] if len(texts) == 1 else func.concat(*texts)

    def hole(self, row: Any, hole: Hole) -> Text_:  # noqa: ANN401
        pieces: list[ColumnElement[Any]] = [mark(HOLE + str(hole.number).encode())]
        for asked in hole.columns:
            pieces += [mark(NEXT), need(row, asked)]
        return func.concat(*pieces, mark(HOLE))

    def related(self, parent: Any, part: Related) -> Text_:  # noqa: ANN401
        row, wanted = self.selected(parent, part.number, part.of)
        text = self.body(row, part.body)
        each = wanted.add_columns(text.label("j")).subquery()
        if part.many:
            all_ = select(func.string_agg(each.c.j, quoted(","))).scalar_subquery()
            return func.concat(quoted("["), all_, quoted("]"))
        one = select(each.c.j).limit(ONE).scalar_subquery()
        return func.coalesce(one, quoted("null") if part.optional else mark(MISFIT))

    def selected(self, parent: Any, number: int, of: str | None) -> tuple[Any, Select[Any]]:  # noqa: ANN401
        """The alias of a shape's rows, and the statement that selects from it, without columns."""
        shape, place = self.shape(number), _prefix(number)
        row = aliased(shape.source.model)
        wanted = select().select_from(row).where(*rows.conditions(shape, row, place))
        if of is not None and shape.by is not None:
            wanted = wanted.where(getattr(row, shape.by) == getattr(parent, of))
        wanted = wanted.order_by(*rows.ordering(shape, row, place))
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
                hole = builder.hole(self.row, part.hole) if part.hole else quoted("null")
                return self._outermost(hole, last=part.member == "end_cursor")
            case "has_next_page" | "has_previous_page":
                if self.shape.backwards == (part.member == "has_previous_page"):
                    return boolean(func.count() > self.size)
                ahead = self.shape.from_cursor or self.shape.from_offset
                return quoted("true" if ahead else "false")
            case "page_number":
                return func.coalesce(text_of(self._value("page")), quoted("null"))
            case "total_count":
                return text_of(self._count())
            case "total_pages":
                pages = (self._count() + self.size - ONE) // func.nullif(self.size, ZERO)
                return func.coalesce(text_of(pages), quoted("null"))
            case "cursor":
                raise ValueError("a cursor belongs to an edge: it is a hole there")

    def _all(self, text: Text_) -> Text_:
        separator: Any = quoted(",")
        if self.shape.backwards:
            separator = aggregate_order_by(separator, self.rows.c.n_.desc())
        joined: ColumnElement[str] = func.string_agg(text, separator)
        if self._is_numbered:
            joined = joined.filter(self.rows.c.n_ <= self.size)
        return func.concat(quoted("["), joined, quoted("]"))

    def _outermost(self, text: Text_, *, last: bool) -> Text_:
        """What `text` is for the first or last row of the page, in the list's own order."""
        end = func.least(self.rows.c.t_, self.size)
        place = end if last != self.shape.backwards else ONE
        found = func.max(text).filter(self.rows.c.n_ == place, self.size > ZERO)
        return func.coalesce(found, quoted("null"))

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
