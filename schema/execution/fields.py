"""How a type says what its fields are made of: see docs/development/fields.md.

A field without a word from here is a column if it has no resolver, and an ordinary resolver
if it has one. The functions here also give each field a resolver, which works one object at
a time, for execution the standard way: the same rows, asked for by the same wishes.
"""

import inspect
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import strawberry
from strawberry.types.field import StrawberryField

from db.rows import Asked, Form, Rows
from domain.paging import Window
from resolvers.context import Context
from schema.execution.costs import ASSUMED, LIST_SIZE, ListSize
from schema.info import Info

EXECUTION: Final = "execution"
"""Where a field's metadata holds its declaration."""

ONCE: Final = "once"
"""In the metadata of a field of `Query` that must not be executed twice: it counts its callers'
tries, say. An operation that has one goes the standard way, which is never begun anew."""

Wish = Callable[..., Rows | None]
"""Says which rows a field wants: `(ctx, **arguments) -> Rows`; None: there are none."""


@dataclass(frozen=True, slots=True)
class Column:
    """A leaf that is a column of another name than the field's."""

    name: str


@dataclass(frozen=True, slots=True)
class GlobalId:
    """The object's id: its key, opaque, with the name of its type."""

    column: str = "id"


@dataclass(frozen=True, slots=True)
class Computed:
    """A leaf that a plain function makes of a few columns' values."""

    function: Callable[..., object]
    needs: tuple[Asked, ...]
    with_context: bool


@dataclass(frozen=True, slots=True)
class Inside:
    """An object made of the same row's columns; null where the column `present` is."""

    present: str


@dataclass(frozen=True, slots=True)
class Relation:
    """Rows of a table: of the parent whose column `of` they refer to, or the root's."""

    wish: Wish
    of: str | None


@dataclass(frozen=True, slots=True)
class Paged:
    """A connection: pages of rows. The wish is also given the window."""

    wish: Wish
    of: str | None


Declaration = Column | GlobalId | Computed | Inside | Relation | Paged


def declaration(field: StrawberryField) -> Declaration | None:
    return field.metadata.get(EXECUTION)


def column(name: str, *, description: str) -> Any:  # noqa: ANN401  (a field, whose type the class says)
    """A leaf that is the column `name`. One of the field's own name needs no more than a field."""

    def resolve(root: Any) -> Any:  # noqa: ANN401
        return getattr(root, name)

    return _field(resolve, Column(name), description)


def computed(
    function: Callable[..., object], *needs: str | Asked, description: str, context: bool = False
) -> Any:  # noqa: ANN401
    """A leaf that `function` makes of the values of the columns it needs, in this order.

    With `context` its first argument is the request's context. It must be quick and free of
    side effects: it is called for every row.
    """
    asked = tuple(need if isinstance(need, Asked) else Asked(need) for need in needs)

    def resolve(root: Any, info: Info) -> Any:  # noqa: ANN401
        values = [value_of(root, one) for one in asked]
        return function(info.context, *values) if context else function(*values)

    return _field(resolve, Computed(function, asked, context), description)


def as_text(name: str) -> Asked:
    """A key needed as text only: cheaper than as a UUID."""
    return Asked(name, Form.TEXT)


def inside(present: str, *, description: str) -> Any:  # noqa: ANN401
    """An object of the same row's columns; null where the column `present` is null."""

    def resolve(root: Any) -> Any:  # noqa: ANN401
        return root if getattr(root, present) is not None else None

    return _field(resolve, Inside(present), description)


def global_id(encode: Callable[[str, Any], str], *, description: str, column: str = "id") -> Any:  # noqa: ANN401
    """The id of an object by its type and the key that `column` holds."""

    def resolve(root: Any, info: Info) -> Any:  # noqa: ANN401
        key = getattr(root, column)
        return encode(info._raw_info.parent_type.name, key)  # noqa: SLF001  # pyright: ignore[reportPrivateUsage, reportUnknownMemberType] - the type that is executed has no public name

    return _field(resolve, GlobalId(column), description)


def relation(
    kind: object, *, of: str | None = None, description: str, assumed: int = ASSUMED
) -> Callable[[Any], StrawberryField]:
    """A field whose value is rows: a list of `kind`, or one that may be absent.

    The decorated static method says which rows: `(ctx, **arguments) -> Rows`. Its parameters
    are the field's arguments. `of` is the parent's column whose value `Rows.by` refers to.
    `assumed` is how many there are when the cost of a document is reckoned.
    """
    many = _is_list(kind)

    def declare(method: Any) -> StrawberryField:  # noqa: ANN401
        wish = _function(method)

        async def resolve(root: Any, info: Info, **arguments: Any) -> Any:  # noqa: ANN401
            wanted = wish(info.context, **arguments)
            rows = await info.context.load.rows(wanted, _key(root, of)) if wanted else []
            return rows if many else rows[0] if rows else None

        parameters = list(inspect.signature(wish).parameters.values())[1:]
        _takes(resolve, wish, parameters)
        return _field(resolve, Relation(wish, of), description, kind, assumed)

    return declare


def paged(
    connection: object,
    *,
    of: str | None = None,
    description: str,
    arguments: Sequence[inspect.Parameter],
    window: Callable[..., Window],
    make: Callable[[Context, Rows, object], Any],
) -> Callable[[Any], StrawberryField]:
    """A field that is a connection; schema/connections.py gives it its arguments and pages."""
    names = {one.name for one in arguments}

    def declare(method: Any) -> StrawberryField:  # noqa: ANN401
        own = _function(method)

        def wish(ctx: Context, **given: Any) -> Rows:  # noqa: ANN401  (what the field takes)
            place = window(**{name: given[name] for name in given if name in names})
            rest = {name: given[name] for name in given if name not in names}
            return own(ctx, place, **rest)

        async def resolve(root: Any, info: Info, **given: Any) -> Any:  # noqa: ANN401
            return await make(info.context, wish(info.context, **given), _key(root, of))

        parameters = [*arguments, *list(inspect.signature(own).parameters.values())[2:]]
        _takes(resolve, own, parameters)
        return _field(resolve, Paged(wish, of), description, connection)

    return declare


def value_of(root: Any, asked: Asked) -> Any:  # noqa: ANN401
    value = getattr(root, asked.column)
    return str(value) if asked.form is Form.TEXT and value is not None else value


def _key(root: Any, of: str | None) -> Any:  # noqa: ANN401
    return None if of is None else getattr(root, of)


def _function(method: Any) -> Callable[..., Any]:  # noqa: ANN401
    return method.__func__ if isinstance(method, staticmethod) else method


def _is_list(kind: object) -> bool:
    return getattr(kind, "__origin__", None) is list


def _takes(
    resolve: Callable[..., Any], like: Callable[..., Any], parameters: list[inspect.Parameter]
) -> None:
    """Give a resolver the arguments that Strawberry shall publish, as `like` spells them."""
    by_name = [one.replace(kind=inspect.Parameter.KEYWORD_ONLY) for one in parameters]
    first = [
        inspect.Parameter("root", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Any),
        inspect.Parameter("info", inspect.Parameter.POSITIONAL_OR_KEYWORD, annotation=Info),
    ]
    resolve.__signature__ = inspect.Signature([*first, *by_name])
    resolve.__annotations__ = {one.name: one.annotation for one in [*first, *by_name]}
    resolve.__module__, resolve.__name__ = like.__module__, like.__name__


def _field(
    resolve: Callable[..., Any],
    what: Declaration,
    description: str,
    kind: object = None,
    assumed: int = ASSUMED,
) -> Any:  # noqa: ANN401
    metadata = {EXECUTION: what, LIST_SIZE: ListSize(assumed)}
    return strawberry.field(
        resolver=resolve, description=description, metadata=metadata, graphql_type=kind
    )
