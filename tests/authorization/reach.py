"""Which fields can be asked for, and which of them an answer has."""

from collections.abc import Collection, Generator, Iterable
from typing import Any

from graphql import (
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLUnionType,
    get_named_type,
)

from tests.authorization.documents import CORE


def shown(found: Any) -> Generator[str]:
    """`Type.field` of all that is not null; the types are those that the answer names."""
    if isinstance(found, list):
        for one in found:
            yield from shown(one)
    if isinstance(found, dict):
        for name, value in found.items():
            if value is not None:
                yield f"{found.get('__typename', 'Query')}.{name}"
                yield from shown(value)


def reachable(kinds: Iterable[GraphQLNamedType], closed: Collection[str]) -> set[str]:
    """`Type.field` of all fields of these types, and of what is behind those not closed."""
    found: set[str] = set()
    known: set[str] = set()
    waiting = list(kinds)
    while waiting:
        for kind in _objects(waiting.pop()):
            if kind.name not in known:
                known.add(kind.name)
                for name, field in kind.fields.items():
                    found.add(f"{kind.name}.{name}")
                    if f"{kind.name}.{name}" not in closed:
                        waiting.append(get_named_type(field.type))
    return found


def _objects(kind: GraphQLNamedType) -> list[GraphQLObjectType]:
    """The type's own fields are asked of each of its types."""
    if isinstance(kind, GraphQLInterfaceType | GraphQLUnionType):
        return list(CORE.get_possible_types(kind))
    return [kind] if isinstance(kind, GraphQLObjectType) else []
