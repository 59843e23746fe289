"""Sums that depend on variables, put together once and worked out for each request.

An `Amount` is a number, plus the value of one step of a `Program`. A step refers only to earlier
ones, so that a part that is used a thousand times is still worked out once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final, NamedTuple, TypeAlias, cast

from graphql import (
    FieldNode,
    GraphQLArgument,
    GraphQLField,
    GraphQLInputField,
    GraphQLInputObjectType,
    GraphQLList,
    GraphQLNonNull,
    IntValueNode,
    ListValueNode,
    NullValueNode,
    ObjectValueNode,
    ValueNode,
    VariableNode,
    get_named_type,
)
from graphql.utilities.coerce_input_value import coerce_default_value

LIST_SIZE: Final = "list_size"
"""Where a field keeps its `ListSize`: among its extensions, or a Strawberry field's metadata."""
SLICING: Final = ("first", "last")


ASSUMED: Final = 10


@dataclass(frozen=True, slots=True)
class ListSize:
    """How many items a field without `first` and `last` is taken to have."""

    assumed: int = ASSUMED
    argument: str | None = None
    """The argument that says it, or a field of one, such as `input.ids`: a number, or a list with
    an element for each item. Of a field
    that is no list itself, it says it for the lists of its object that are `by_parent`."""
    by_parent: bool = False
    """Whether the field that the list's object is the value of knows the number."""


class Size(NamedTuple):
    """A number of items that depends on variables: the largest of what is given."""

    names: tuple[str, ...]
    literal: int | None
    otherwise: int
    """When nothing is given."""

    def of(self, variables: Mapping[str, Any]) -> int:
        found = self.literal
        for name in self.names:
            value = _inside(variables, name)
            if isinstance(value, list):
                value = len(cast("list[object]", value))
            if isinstance(value, int):
                found = max(found or 0, value)
        return self.otherwise if found is None else found


def _inside(found: object, path: str) -> object:
    """What variables have at a place such as `input.ids`; None when there is nothing."""
    for name in path.split("."):
        found = cast("dict[str, object]", found).get(name) if isinstance(found, dict) else None
    return found


class Amount(NamedTuple):
    fixed: int = 0
    step: int = 0
    """0 is the step whose value is 0."""


Term: TypeAlias = tuple[int | Size, Amount]
ZERO: Final = Amount()


@dataclass(slots=True)
class Program:
    """Each step is the sum of its terms, and a term is a size times an amount."""

    steps: list[tuple[Term, ...]] = field(default_factory=lambda: [()])

    def total(self, amounts: Iterable[Amount]) -> Amount:
        fixed, parts = 0, list[Term]()
        for amount in amounts:
            fixed += amount.fixed
            if amount.step:
                parts.append((1, Amount(0, amount.step)))
        if len(parts) > 1:
            return Amount(fixed, self._step(*parts))
        return Amount(fixed, parts[0][1].step if parts else 0)

    def times(self, size: int | Size, amount: Amount) -> Amount:
        if amount == ZERO:
            return ZERO
        if isinstance(size, int) and not amount.step:
            return Amount(size * amount.fixed)
        return Amount(0, self._step((size, amount)))

    def value(self, amount: Amount, variables: Mapping[str, Any]) -> int:
        if not amount.step:
            return amount.fixed
        values = [0]
        for step in self.steps[1 : amount.step + 1]:
            value = 0
            for size, (fixed, at) in step:
                count = size if isinstance(size, int) else size.of(variables)
                value += count * (fixed + values[at])
            values.append(value)
        return amount.fixed + values[amount.step]

    def _step(self, *terms: Term) -> int:
        self.steps.append(terms)
        return len(self.steps) - 1


def is_list(defined: Any) -> bool:  # noqa: ANN401  (fields and arguments have types of their own)
    """Whether the type of a field or an argument is a list, null or not."""
    type_: object = defined.type
    inner = cast("object", type_.of_type) if isinstance(type_, GraphQLNonNull) else type_
    return isinstance(inner, GraphQLList)


def size_of(definition: GraphQLField, node: FieldNode) -> int | Size | None:
    """How many items a field is asked for; None when it does not say.

    What is above the limit of the resolver counts as it is given: the resolver refuses it.
    """
    declared = _declared(definition)
    names = (declared.argument,) if declared and declared.argument else SLICING
    arguments = {
        name: definition.args[_top(name)] for name in names if _top(name) in definition.args
    }
    if not arguments:
        return declared.assumed if declared else None
    otherwise = _default(arguments.values(), declared or ListSize())
    nodes = {one.name.value: one.value for one in node.arguments or ()}
    given = [
        _given(nodes[_top(name)], argument, name.split(".")[1:])
        for name, argument in arguments.items()
        if _top(name) in nodes
    ]
    variables = tuple(one for one in given if isinstance(one, str))
    literal = max((one for one in given if isinstance(one, int)), default=None)
    if variables:
        return Size(variables, literal, otherwise)
    return otherwise if literal is None else literal


def _top(name: str) -> str:
    return name.partition(".")[0]


def _given(
    value: ValueNode, defined: GraphQLArgument | GraphQLInputField, below: Sequence[str]
) -> int | str | None:
    """How many items a value says, or the place among the variables that does."""
    if isinstance(value, VariableNode):
        return ".".join((value.name.value, *below))
    if not below:
        return _count(value, defined)
    if not isinstance(value, ObjectValueNode):
        return None
    fields = cast("GraphQLInputObjectType", get_named_type(cast("Any", defined).type)).fields
    inner = {one.name.value: one.value for one in value.fields}.get(below[0])
    return None if inner is None else _given(inner, fields[below[0]], below[1:])


def is_sized_above(definition: GraphQLField) -> bool:
    """Whether a list is as long as the field says that its object is the value of."""
    declared = _declared(definition)
    return declared is not None and declared.by_parent


def _declared(definition: GraphQLField) -> ListSize | None:
    field: Any = definition.extensions.get("strawberry-definition")
    places: list[Mapping[str, Any]] = [definition.extensions, field.metadata if field else {}]
    return next((place[LIST_SIZE] for place in places if LIST_SIZE in place), None)


def _default(arguments: Iterable[GraphQLArgument], size: ListSize) -> int:
    defaults = [coerce_default_value(argument) for argument in arguments]
    return max((one for one in defaults if isinstance(one, int)), default=size.assumed)


def _count(value: ValueNode, argument: GraphQLArgument | GraphQLInputField) -> int | None:
    if isinstance(value, NullValueNode):
        return None
    if isinstance(value, ListValueNode):
        return len(value.values)
    if is_list(argument):
        return 1  # a single value stands for a list of it
    return max(0, int(value.value)) if isinstance(value, IntValueNode) else None
