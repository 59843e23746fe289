"""All that can be selected of a type, some levels deep."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final

from graphql import (
    GraphQLInterfaceType,
    GraphQLNamedType,
    GraphQLObjectType,
    GraphQLSchema,
    GraphQLUnionType,
    get_named_type,
    is_leaf_type,
)

from tests.equivalence.arguments import is_required

Parent = GraphQLObjectType | GraphQLInterfaceType | GraphQLUnionType
PAGE: Final = 3
"""Items of a list in a list; those at the top are as many as may be."""


@dataclass(frozen=True)
class Selections:
    schema: GraphQLSchema
    unasked: Collection[str]
    """`Type.field` of what is left out."""

    def of(self, kind: GraphQLNamedType, depth: int) -> str:
        """Braces with all leaves, and with all objects `depth` levels down; nothing for a leaf.

        The parts of a connection are no level of their own.
        """
        if is_leaf_type(kind):
            return ""
        assert isinstance(kind, Parent)
        if isinstance(kind, GraphQLObjectType):
            return f"{{ __typename {self._fields(kind, set(kind.fields), depth)} }}"
        own = {} if isinstance(kind, GraphQLUnionType) else kind.fields
        shared = "" if isinstance(kind, GraphQLUnionType) else self._fields(kind, set(own), depth)
        more = " ".join(
            f"... on {one.name} {{ {self._fields(one, set(one.fields) - set(own), depth)} }}"
            for one in self.schema.get_possible_types(kind)
            if set(one.fields) - set(own)
        )
        return f"{{ __typename {shared} {more} }}"

    def _fields(
        self, kind: GraphQLObjectType | GraphQLInterfaceType, names: set[str], depth: int
    ) -> str:
        return " ".join(filter(None, (self._field(kind, name, depth) for name in sorted(names))))

    def _field(
        self, kind: GraphQLObjectType | GraphQLInterfaceType, name: str, depth: int
    ) -> str | None:
        field = kind.fields[name]
        inner = get_named_type(field.type)
        if f"{kind.name}.{name}" in self.unasked or any(map(is_required, field.args.values())):
            return None
        if is_leaf_type(inner):
            return f"{self._alias(kind, name)}{name}"
        level = depth if is_part_of_page(kind, name) else depth - 1
        if level < 0:
            return None
        level = 0 if name == "edges" else level  # the same objects are in `nodes`
        pages = f"(first: {PAGE})" if "first" in field.args else ""
        return f"{self._alias(kind, name)}{name}{pages} {self.of(inner, level)}"

    def _alias(self, kind: GraphQLNamedType, name: str) -> str:
        """Of errors, fields of one name are of several types."""
        return f"{kind.name}_{name}: " if (kind.name, name) in AMBIGUOUS else ""


AMBIGUOUS: Final = {("ChecksumMismatchError", "actual")}


def is_part_of_page(kind: GraphQLNamedType, name: str) -> bool:
    parts = {"nodes", "pageInfo"} if kind.name.endswith("Connection") else {"node"}
    return kind.name.endswith(("Connection", "Edge")) and name in parts
