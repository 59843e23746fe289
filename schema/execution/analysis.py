"""What an operation is, seen from its document: how deep, how many aliases, how costly.

Cost is the number of objects that an answer may have: a scalar is 0, `totalCount` 5, an object 1,
a mutation 10, and a list as many times what it holds as it is asked to have items. It is an upper
bound: what @skip and @include leave out counts, fields of one name that are merged count each,
and of an interface or a union every alternative counts.
"""

from collections.abc import Iterable, Iterator
from typing import Any, Final, NamedTuple, cast

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLCompositeType,
    GraphQLField,
    GraphQLSchema,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionNode,
    SelectionSetNode,
    VariableNode,
    get_named_type,
)

from schema.execution.costs import ZERO, Amount, ListSize, Program, is_list, is_sized_above, size_of

OBJECT: Final = Amount(1)
MUTATION: Final = Amount(10)
SCALARS: Final = {"totalCount": Amount(5)}
CONNECTION: Final = "Connection"
"""How the type of a page ends, by the Relay specification."""
ASSUMED: Final = ListSize().assumed
NONE: Final[frozenset[str]] = frozenset()


class Measure(NamedTuple):
    depth: int = 0
    aliases: int = 0
    conditions: frozenset[str] = NONE
    """The variables of @skip and @include."""
    cost: Amount = ZERO
    items: Amount = ZERO
    """For a list whose size the field above knows: the cost of one item; not part of `cost`."""


class Analysis:
    """Measures the parts of one valid document, each fragment once."""

    def __init__(self, schema: GraphQLSchema, fragments: dict[str, FragmentDefinitionNode]) -> None:
        self.program = Program()
        self._schema = schema
        self._fragments = fragments
        self._measured: dict[str, Measure] = {}

    def operation(self, node: OperationDefinitionNode) -> Measure:
        root = cast("Any", self._schema.get_root_type(node.operation))
        return self._selections(node.selection_set, root)

    def _selections(self, selections: SelectionSetNode, parent: GraphQLCompositeType) -> Measure:
        parts: list[Measure] = []
        for one in selections.selections:
            if isinstance(one, FieldNode):
                part = self._field(one, parent)
            elif isinstance(one, FragmentSpreadNode):
                part = self._fragment(one.name.value)
            else:
                part = self._inline(cast("InlineFragmentNode", one), parent)
            names = _conditions(one)
            parts.append(part._replace(conditions=part.conditions | names) if names else part)
        return self._together(parts)

    def _fragment(self, name: str) -> Measure:
        measure = self._measured.get(name)
        if measure is None:
            fragment = self._fragments[name]
            on = self._composite(fragment.type_condition.name.value)
            measure = self._measured[name] = self._selections(fragment.selection_set, on)
        return measure

    def _inline(self, node: InlineFragmentNode, parent: GraphQLCompositeType) -> Measure:
        condition = node.type_condition
        on = self._composite(condition.name.value) if condition else parent
        return self._selections(node.selection_set, on)

    def _field(self, node: FieldNode, parent: GraphQLCompositeType) -> Measure:
        aliases = 1 if node.alias else 0
        name = node.name.value
        if not node.selection_set:
            return Measure(aliases=aliases, cost=SCALARS.get(name, ZERO))
        definition = cast("Any", self._schema.get_field(parent, name))
        below = self._selections(node.selection_set, cast("Any", get_named_type(definition.type)))
        if name.startswith("__"):
            return Measure(aliases=aliases + below.aliases, conditions=below.conditions)
        cost, items = self._cost(node, definition, parent, below)
        return Measure(1 + below.depth, aliases + below.aliases, below.conditions, cost, items)

    def _cost(
        self,
        node: FieldNode,
        definition: GraphQLField,
        parent: GraphQLCompositeType,
        below: Measure,
    ) -> tuple[Amount, Amount]:
        """The `cost` and `items` of a field."""
        program, size = self.program, size_of(definition, node)
        own = MUTATION if parent is self._schema.mutation_type else OBJECT
        asked = ASSUMED if size is None else size
        cost = program.total([own, below.cost, program.times(asked, below.items)])
        if not is_list(definition):
            return cost, ZERO
        if is_sized_above(definition) or (size is None and parent.name.endswith(CONNECTION)):
            return ZERO, cost
        return program.times(asked, cost), ZERO

    def _together(self, parts: Iterable[Measure]) -> Measure:
        parts = list(parts)
        if len(parts) == 1:
            return parts[0]
        return Measure(
            max((part.depth for part in parts), default=0),
            sum(part.aliases for part in parts),
            NONE.union(*(part.conditions for part in parts)),
            self.program.total(part.cost for part in parts),
            self.program.total(part.items for part in parts),
        )

    def _composite(self, name: str) -> GraphQLCompositeType:
        return cast("GraphQLCompositeType", self._schema.type_map[name])


def _conditions(node: SelectionNode) -> frozenset[str]:
    return frozenset(_condition_variables(node)) if node.directives else NONE


def _condition_variables(node: SelectionNode) -> Iterator[str]:
    for directive in node.directives or ():
        if directive.name.value in {"skip", "include"}:
            for argument in directive.arguments or ():
                if isinstance(argument.value, VariableNode):
                    yield argument.value.name.value
