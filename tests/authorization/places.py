"""Every place in the schema's arguments, and how a value is put there."""

from collections.abc import Collection, Generator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from graphql import (
    GraphQLArgument,
    GraphQLEnumType,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLObjectType,
    get_named_type,
    get_nullable_type,
)

from tests.equivalence.arguments import is_one_of, is_required

Slot = GraphQLArgument | GraphQLInputField
Given = dict[str, Any]

SAYS_WHOSE: Final = frozenset({"ID", "SHA256", "String", "EventCursor"})
"""Scalars that can name a thing, or say something that only one tenant knows."""


@dataclass(frozen=True)
class Place:
    """A scalar within the arguments of a field."""

    parent: str
    """The type that has the field."""
    field: str
    path: tuple[str, ...]
    """From the argument inwards."""
    key: str
    """`Type.field.argument`, or `Input.field`: the same place may be in several arguments."""
    scalar: str

    def __str__(self) -> str:
        return f"{self.parent}.{self.field}({'.'.join(self.path)})"


def places(parent: GraphQLObjectType) -> list[Place]:
    """Of all fields of the type, those whose scalar can tell whose a thing is."""
    return [
        Place(parent.name, name, path, key, scalar)
        for name, field in parent.fields.items()
        for argument, slot in field.args.items()
        for path, key, scalar in _inside(slot, (argument,), f"{parent.name}.{name}.{argument}")
        if scalar in SAYS_WHOSE
    ]


def _inside(
    slot: Slot, path: tuple[str, ...], key: str
) -> Generator[tuple[tuple[str, ...], str, str]]:
    kind = get_named_type(slot.type)
    if not isinstance(kind, GraphQLInputObjectType):
        yield path, key, kind.name
        return
    for name, one in kind.fields.items():
        yield from _inside(one, (*path, name), f"{kind.name}.{name}")


@dataclass(frozen=True)
class Filling:
    """Good values for what must be given beside the value in question."""

    of_place: Mapping[str, Any]
    """By the key of a place; others get that of their type."""
    of_type: Mapping[str, Any]
    also: Collection[str] = ()
    """Keys of places that are filled although they may be left out."""

    def arguments(self, slots: Mapping[str, Slot], place: Place, value: object) -> Given:
        """The arguments of a field: the value in this place, and whatever is required."""
        return self._fields(slots, f"{place.parent}.{place.field}", place.path, value)

    def good(self, slots: Mapping[str, Slot], of: str) -> Given:
        """The arguments of the field `of`, which is `Type.field`: whatever is required."""
        return self._fields(slots, of, (), None)

    def _fields(
        self, slots: Mapping[str, Slot], of: str, path: tuple[str, ...], value: object
    ) -> Given:
        given: Given = {}
        for name, slot in slots.items():
            key = f"{of}.{name}"
            if path and name == path[0]:
                given[name] = _in_list(slot, self._led(slot, path[1:], value))
            elif key in self.also or is_required(slot):
                given[name] = _in_list(slot, self._good(slot, key))
        return given

    def _led(self, slot: Slot, path: tuple[str, ...], value: object) -> object:
        """What is in the slot when the path goes on in it, or ends there."""
        kind = get_named_type(slot.type)
        if not path or not isinstance(kind, GraphQLInputObjectType):
            return value
        slots = {path[0]: kind.fields[path[0]]} if is_one_of(kind) else kind.fields
        return self._fields(slots, kind.name, path, value)

    def _good(self, slot: Slot, key: str) -> object:
        kind = get_named_type(slot.type)
        if key in self.of_place:
            return self.of_place[key]
        if isinstance(kind, GraphQLEnumType):
            return next(iter(kind.values))
        if isinstance(kind, GraphQLInputObjectType) and is_one_of(kind):
            name, one = next(iter(kind.fields.items()))
            return {name: _in_list(one, self._good(one, f"{kind.name}.{name}"))}
        if isinstance(kind, GraphQLInputObjectType):
            return self._fields(kind.fields, kind.name, (), None)
        return self.of_type[kind.name]


def _in_list(slot: Slot, value: object) -> object:
    """A list of one, where a list is wanted and this is none."""
    wanted = isinstance(get_nullable_type(slot.type), GraphQLList)
    return [value] if wanted and not isinstance(value, list) else value
