"""A root field as JSON text that PostgreSQL makes, in place of rows that we make it of."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

import orjson
from graphql.execution.values import VariableValues

from db import json
from db.json import MISFIT, Joint
from db.models import Base
from db.paging import Order
from db.rows import Asked, Shape
from domain.accounts import Viewer
from resolvers.context import Context
from schema.execution.bounded import Bounded
from schema.execution.code import Misfit
from schema.execution.plan import (
    Column,
    Computed,
    Connection,
    Edges,
    Inside,
    Kinds,
    Member,
    Nodes,
    PageInfo,
    Parts,
    Plan,
    Related,
    Typename,
)

Fill = Callable[[bytes], bytes]
Filler = Callable[[Context], Fill]

_CURSORS: Final = {"cursor", "start_cursor", "end_cursor"}


class Written:
    """The value of a field as JSON text."""

    __slots__ = ("text",)

    def __init__(self, text: bytes) -> None:
        self.text = text


class NotPure(Exception):
    """Something of the selection cannot be said in SQL."""


@dataclass(frozen=True, slots=True)
class Made:
    """A statement, and how its holes are filled."""

    statement: Joint
    fillers: dict[bytes, Filler]


Shapes = tuple[Shape | None, ...]
Ready = tuple[Made, list[Any]]
"""A statement and its arguments."""


class Text:
    """How a root field becomes text. What statement that takes depends on the wishes' shapes."""

    def __init__(self, root: Related, others: list[Related] | None) -> None:
        self._root = root
        self._key = root.key
        self._others = others
        """The relations below, in the order of the walk; None: it cannot be done."""
        self._is_constant = root.is_constant and all(one.is_constant for one in others or ())

    @classmethod
    def of(cls, root: Related) -> "Text":
        try:
            return cls(root, list(_below(root.selection)))
        except NotPure:
            return cls(root, None)

    async def read(self, ctx: Context, variables: VariableValues) -> bytes | None:
        """None where only rows will do."""
        if self._others is None:
            return None
        ready = _READY.get((self._key, ctx.viewer)) if self._is_constant else None
        if ready is None:
            ready = self._prepare(ctx, variables)
            if ready is None:
                return None
        made, arguments = ready
        text = await ctx.services.reader.text(made.statement.sql, arguments)
        if text is None or MISFIT in text:
            return None
        if not made.fillers:
            return text
        try:
            return json.filled(text, {number: make(ctx) for number, make in made.fillers.items()})
        except Exception as failure:
            raise Misfit(str(failure)) from failure

    def _prepare(self, ctx: Context, variables: VariableValues) -> Ready | None:
        wishes = [one.wanted(ctx, variables) for one in (self._root, *(self._others or ()))]
        if wishes[0] is None:
            return None
        shapes = tuple(one and one.shape for one in wishes)
        made = _STATEMENTS.get((self._key, shapes))
        if made is None:
            made = _Writer(shapes).made(self._root)
            _STATEMENTS.put((self._key, shapes), made, bytes=len(made.statement.sql))
        ready = made, made.statement.arguments([one.values() if one else {} for one in wishes])
        if self._is_constant:
            _READY.put((self._key, ctx.viewer), ready, bytes=len(made.statement.sql))
        return ready


_STATEMENTS: Final[Bounded[tuple[object, Shapes], Made]] = Bounded(entries=2_000, bytes=16 << 20)
"""What each root field came to. Clients choose the shapes: how many rows, which filters."""
_READY: Final[Bounded[tuple[object, Viewer | None], Ready]] = Bounded(entries=2_000, bytes=16 << 20)
"""What constant wishes come to, for the viewers that asked last."""


def _below(selection: Plan | Kinds | Connection) -> "list[Related]":
    """All relations of a selection, as `_Writer` comes upon them. Raises `NotPure`."""
    found: list[Related] = []
    if isinstance(selection, Connection):
        for part in selection.parts.values():
            inner = part.parts.values() if isinstance(part, Edges) else [part]
            for one in inner:
                if isinstance(one, Nodes):
                    found += _below(one.selection)
        return found
    plans = selection.plans.values() if isinstance(selection, Kinds) else [selection]
    for plan in plans:
        if plan.others:
            raise NotPure
        for _, one in plan.related:
            found += [one, *_below(one.selection)]
    return found


class _Writer:
    """Turns a plan into the tree that db/json/ makes a statement of."""

    def __init__(self, shapes: tuple[Shape | None, ...]) -> None:
        self._shapes = shapes
        self._next = 0
        self._fillers: dict[bytes, Filler] = {}

    def made(self, root: Related) -> Made:
        part = self._related(root)
        if not isinstance(part, (json.Related, json.Paged)):
            raise TypeError(part)
        return Made(json.statement(part, self._shapes), self._fillers)

    def _related(self, one: Related) -> json.Part:
        number = self._next
        self._next += 1
        shape = self._shapes[number]
        if shape is None:
            return json.Constant("[]" if one.many else "null")
        of = one.of.column if one.of else None
        model, selection = shape.source.model, one.selection
        if isinstance(selection, Connection):
            return json.Paged(number, of, self._connection(selection, model, shape))
        body = self._body(selection, model)
        return json.Related(number, of, body, many=one.many, optional=one.optional)

    def _body(self, selection: Plan | Kinds, model: type[Base]) -> json.Body:
        if isinstance(selection, Plan):
            return self._parts(selection.parts, model)
        cases = ((kind, self._parts(one.parts, model)) for kind, one in selection.plans.items())
        return json.Cases(selection.by.column, tuple(cases))

    def _parts(self, parts: Parts, model: type[Base]) -> json.Parts:
        return tuple((name, self._part(one, model)) for name, one in parts.items())

    def _part(self, part: Any, model: type[Base]) -> json.Part:  # noqa: ANN401
        match part:
            case Typename():
                return json.Constant(f'"{part.name}"')
            case Column() if part.leaf.kind is json.Kind.OTHER:
                return self._computed(_as_computed(part), model)
            case Column():
                return part.leaf
            case Computed():
                return self._computed(part, model)
            case Inside():
                return json.Inside(self._parts(part.parts, model), part.present.column)
            case Related():
                return self._related(part)
            case _:
                raise TypeError(part)

    def _computed(self, part: Computed, model: type[Base]) -> json.Hole:
        def make(ctx: Context) -> Fill:
            def write(*values: Any) -> bytes:  # noqa: ANN401
                found = part.function(ctx, *values) if part.with_context else part.function(*values)
                if found is not None:
                    return orjson.dumps(part.serialize(found))
                if not part.optional:
                    raise Misfit("a computed field is null")
                return b"null"

            return json.filler(model, part.needs, write)

        return self._hole(part.needs, make)

    def _hole(self, needs: tuple[Asked, ...], make: Filler) -> json.Hole:
        number = len(self._fillers)
        self._fillers[str(number).encode()] = make
        return json.Hole(number, needs)

    def _connection(self, one: Connection, model: type[Base], shape: Shape) -> json.Parts:
        found: list[tuple[str, json.Part]] = []
        for name, part in one.parts.items():
            match part:
                case Nodes():
                    written: json.Part = json.OfPage("nodes", self._body(part.selection, model))
                case Edges():
                    written = json.OfPage("edges", self._edge(part, model, shape))
                case PageInfo():
                    members = (
                        (key, self._member(p, model, shape)) for key, p in part.parts.items()
                    )
                    written = json.Group(tuple(members))
                case _:
                    written = self._member(part, model, shape)
            found.append((name, written))
        return tuple(found)

    def _edge(self, edges: Edges, model: type[Base], shape: Shape) -> json.Parts:
        found: list[tuple[str, json.Part]] = []
        for name, part in edges.parts.items():
            match part:
                case Nodes():
                    found.append((name, json.Inside(self._body(part.selection, model))))
                case Typename():
                    found.append((name, json.Constant(f'"{part.name}"')))
                case Member():
                    found.append((name, self._cursor(model, shape)))
        return tuple(found)

    def _member(self, part: Typename | Member, model: type[Base], shape: Shape) -> json.Part:
        if isinstance(part, Typename):
            return json.Constant(f'"{part.name}"')
        hole = self._cursor(model, shape) if part.name in _CURSORS else None
        return json.OfPage(part.name, hole=hole)

    def _cursor(self, model: type[Base], shape: Shape) -> json.Hole:
        needs = (Asked(shape.order.column if shape.order else "id"), Asked("id"))

        def make(_ctx: Context) -> Fill:
            return json.filler(model, needs, _cursor_text)

        return self._hole(needs, make)


def _cursor_text(value: object, id: object) -> bytes:
    return orjson.dumps(Order.cursor(value, id).encode())


def _as_computed(part: Column) -> Computed:
    """A column that only Python can write."""
    serialize = part.serialize or _same
    needs = (part.leaf.asked,)
    return Computed(
        _same, needs, with_context=False, optional=part.leaf.optional, serialize=serialize
    )


def _same(value: Any) -> Any:  # noqa: ANN401
    return value
