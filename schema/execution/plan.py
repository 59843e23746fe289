"""A selection of a document, understood: what each field is made of, and which columns it needs.

A plan is compiled once for each document (and each way its @skip and @include fall), and is
kept in `Schema.plans`. It holds nothing of a request.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from graphql import GraphQLObjectType
from graphql.execution.collect_fields import FieldDetailsList
from graphql.execution.values import VariableValues

from db import json
from db.models import Base
from db.rows import Asked, Rows
from domain.accounts import Viewer
from resolvers.context import Context
from schema.execution.bounded import Bounded

Row = Sequence[Any]
Object = dict[str, Any]


class Columns:
    """The columns that one statement is asked for, each with its place in a row."""

    def __init__(self) -> None:
        self._places: dict[Asked, int] = {}

    def place(self, asked: Asked) -> int:
        return self._places.setdefault(asked, len(self._places))

    @property
    def asked(self) -> tuple[Asked, ...]:
        return tuple(self._places)


@dataclass(frozen=True, slots=True)
class Typename:
    name: str


@dataclass(frozen=True, slots=True)
class Column:
    """A leaf that is a column; `serialize` is for one that SQL and a subscript cannot write."""

    leaf: json.Leaf
    serialize: Callable[[Any], Any] | None = None


@dataclass(frozen=True, slots=True)
class Computed:
    """A leaf that a function makes of columns."""

    function: Callable[..., Any]
    needs: tuple[Asked, ...]
    with_context: bool
    optional: bool
    serialize: Callable[[Any], Any]


@dataclass(frozen=True, slots=True)
class Inside:
    """An object of the same row; null where the column `present` is."""

    present: Asked
    parts: "Parts"


@dataclass(eq=False, slots=True)
class Related:
    """Rows of another table, or pages of them."""

    wish: Callable[..., Rows | None]
    arguments: Callable[[VariableValues], dict[str, Any]]
    is_constant: bool
    """Whether the arguments are the same for every request."""
    of: Asked | None
    """The parent's column that they refer to; None at the root."""
    selection: "Plan | Kinds | Connection"
    many: bool
    optional: bool
    key: object = field(default_factory=object)
    """Stands for it in caches that outlive the plan, and must not keep it."""
    text: Any = None
    """For a root field, how one statement makes its JSON, once that was found out."""

    def wanted(self, ctx: Context, variables: VariableValues) -> Rows | None:
        if not self.is_constant:
            return self.wish(ctx, **self.arguments(variables))
        key = self.key, ctx.viewer
        wanted = _WISHES.get(key)
        if wanted is None:
            wanted = self.wish(ctx, **self.arguments(variables))
            if wanted is not None:
                _WISHES.put(key, wanted)
        return wanted


_WISHES: Final[Bounded[tuple[object, Viewer | None], Rows]] = Bounded(entries=4_000)
"""Constant wishes of viewers: a wish depends on the viewer and its arguments alone."""


@dataclass(frozen=True, slots=True)
class Other:
    """A field that only graphql-core can execute, object by object."""

    details: FieldDetailsList
    once: bool = False
    """Whether it must not be executed again, whatever becomes of the rest."""


Part = Typename | Column | Computed | Inside | Related | Other
Parts = dict[str, Part]
"""By the names that the fields have in the response."""


@dataclass
class Plan:
    """How to build one selection on one type of object, for any number of rows."""

    kind: GraphQLObjectType
    model: type[Base] | None
    """None for the root of a query, which has no columns."""
    columns: Columns
    parts: Parts
    build: Callable[[Sequence[Row], Context], list[Object]]
    """The response's objects; fields that take more than columns are null in them."""
    records: Callable[[Sequence[Row]], list[Any]]
    """The rows as ordinary resolvers know them."""
    related: list[tuple[str, Related]] = field(init=False)
    others: list[tuple[str, Other]] = field(init=False)

    def __post_init__(self) -> None:
        self.related = [(n, one) for n, one in self.parts.items() if isinstance(one, Related)]
        self.others = [(n, one) for n, one in self.parts.items() if isinstance(one, Other)]

    @property
    def is_worthwhile(self) -> bool:
        """Whether it has rows to read, and may be given up half-way."""
        return bool(self.related) and not any(other.once for _, other in self.others)


@dataclass(frozen=True, slots=True)
class Kinds:
    """A selection on an interface: a plan for each of its types, which a column tells apart."""

    by: Asked
    plans: dict[str, Plan]
    columns: Columns


@dataclass(frozen=True, slots=True)
class Member:
    """A value that belongs to a page, or to a place on it, by its name in Python."""

    name: json.Member


@dataclass(frozen=True, slots=True)
class Nodes:
    selection: Plan | Kinds


@dataclass(frozen=True, slots=True)
class Edges:
    parts: dict[str, Typename | Member | Nodes]
    """The members are cursors, the nodes those of each edge."""


@dataclass(frozen=True, slots=True)
class PageInfo:
    parts: dict[str, Typename | Member]


@dataclass(frozen=True, slots=True)
class Connection:
    """A selection on a connection."""

    columns: Columns
    parts: dict[str, Typename | Member | Nodes | Edges | PageInfo]
    members: frozenset[str]
    """Names of all members that are asked for, wherever they stand."""
