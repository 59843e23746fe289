"""What may be selected of a type: its fields, and fragments on other types."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from functools import cache

from graphql import (
    GraphQLInterfaceType,
    GraphQLObjectType,
    GraphQLSchema,
    get_named_type,
    is_abstract_type,
    is_introspection_type,
    is_leaf_type,
)

from tests.equivalence.arguments import Material

Parent = GraphQLObjectType | GraphQLInterfaceType


@dataclass(frozen=True)
class Place:
    """Where in a document something is selected."""

    parent: Parent
    depth: int
    """How many more levels of fields there may be."""
    times: int
    """About how many objects there are."""
    likely: Collection[str] = ()
    """The names of the types that the objects are of, if so much is known."""

    @property
    def is_abstract(self) -> bool:
        return isinstance(self.parent, GraphQLInterfaceType)


@dataclass(frozen=True)
class Fields:
    """The fields of a type, by what may be selected of them."""

    leaves: Sequence[str]
    composites: Sequence[str]
    risky: Sequence[str]
    together: Sequence[str]
    """Leaves that can be asked for at once: they need no arguments, and are not risky."""


@cache
def fields_of(
    schema: GraphQLSchema,
    parent: Parent,
    roots: tuple[str, ...],
    material: Material,
    *,
    risky: bool,
    unplanned: bool,
) -> Fields:
    """The fields to choose from: `risky` and `unplanned` ones only if they are wanted.

    The roots that a shape names are not left out for being unplanned.
    """

    def is_risky(name: str) -> bool:
        return f"{parent.name}.{name}" in material.risky

    def is_leaf(name: str) -> bool:
        return is_leaf_type(get_named_type(parent.fields[name].type))

    some = roots if roots and parent is schema.query_type else parent.fields
    asked = [name for name in some if f"{parent.name}.{name}" not in material.never]
    if not unplanned and some is not roots:
        asked = [name for name in asked if f"{parent.name}.{name}" not in material.unplanned]
    names = [name for name in asked if risky or not is_risky(name)]
    leaves = [name for name in names if is_leaf(name)]
    composites = [name for name in names if name not in leaves]
    together = [name for name in leaves if not is_risky(name) and not parent.fields[name].args]
    return Fields(["__typename", *leaves], composites, list(filter(is_risky, names)), together)


@cache
def conditions_of(schema: GraphQLSchema, parent: Parent) -> Sequence[Parent]:
    """The types that an object of this type may be of; concrete ones first."""
    possible = {one.name for one in _concrete(schema, parent)}
    found = [
        kind
        for kind in schema.type_map.values()
        if isinstance(kind, Parent)
        and not is_introspection_type(kind)
        and possible & {one.name for one in _concrete(schema, kind)}
    ]
    return sorted(found, key=is_abstract_type)


def _concrete(schema: GraphQLSchema, kind: Parent) -> Sequence[GraphQLObjectType]:
    return schema.get_possible_types(kind) if isinstance(kind, GraphQLInterfaceType) else [kind]
