"""Everything with a global id, and which type of the API a row is of."""

from collections.abc import Callable
from typing import Any, ClassVar, Final

import strawberry

from db.models import Base
from schema import ids
from schema.execution.fields import global_id

Kind = tuple[str, dict[str, str]]
"""A column that tells the types of one table apart: its name, and the type by its value."""


@strawberry.interface(description="A thing with a global id; `node` finds it again.")
class Node:
    """A type whose objects are rows of the table `model`."""

    model: ClassVar[type[Base]]
    kinds: ClassVar[Kind | None] = None

    id: strawberry.ID = global_id(ids.encode, description="Opaque, and unique over all types.")

    @classmethod
    def resolve_type(cls, row: object, *_: object) -> str:
        return _name_of(row)

    @classmethod
    def is_type_of(cls, row: object, _info: object) -> bool:
        return _type_name(cls) == _name_of(row)


_NAMES: Final[dict[type[Base], Callable[[Any], str]]] = {}


def register(kind: type[Node]) -> None:
    """Make known of which type the rows of the type's table are."""
    if kind.kinds is not None:
        column, names = kind.kinds
        _NAMES[kind.model] = lambda row: names[str(getattr(row, column))]
    else:
        name = _type_name(kind)
        _NAMES[kind.model] = lambda _row: name


def _type_name(kind: type[Node]) -> str:
    return vars(kind)["__strawberry_definition__"].name


def _name_of(row: object) -> str:
    """Rows are records, which know their table, or objects of the ORM."""
    return _NAMES[getattr(row, "model", None) or type(row)](row)  # pyright: ignore[reportArgumentType]
