"""What a document must be like before it is executed: readable, not too deep, unambiguous."""

from collections.abc import Iterator
from contextlib import suppress
from graphlib import CycleError, TopologicalSorter
from typing import Any, Final

from graphql import (
    FieldNode,
    FragmentDefinitionNode,
    FragmentSpreadNode,
    GraphQLError,
    GraphQLSyntaxError,
    InlineFragmentNode,
    OperationDefinitionNode,
    SelectionSetNode,
    ValidationContext,
    ValidationRule,
)
from strawberry.extensions import ParserCache, SchemaExtension
from typing_extensions import override

from schema.failures import BAD_USER_INPUT

MAX_DEPTH: Final = 12


class Documents(ParserCache):
    """Parses each document once. Strawberry's own cache turns a syntax error into a bug."""

    @override
    def on_parse(self) -> Iterator[None]:
        # Without a document Strawberry parses for itself, and reports what is wrong.
        with suppress(GraphQLSyntaxError):
            self.execution_context.graphql_document = self.cached_parse_document(
                self.execution_context.query, **self.execution_context.parse_options
            )
        yield


class OperationChosen(SchemaExtension):
    """Refuses a document of several operations without a name; Strawberry would run the first.

    It stands after what validates, since it only adds to a valid document's errors.
    """

    def on_validate(self) -> Iterator[None]:
        context = self.execution_context
        document = context.graphql_document
        named = context._provided_operation_name  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - the public name is never absent
        if document is not None and named is None and not context.pre_execution_errors:
            definitions = document.definitions
            if sum(isinstance(one, OperationDefinitionNode) for one in definitions) > 1:
                message = "The document has several operations: choose one with `operationName`."
                error = GraphQLError(message, extensions={"code": BAD_USER_INPUT})
                context.pre_execution_errors = [error]
        yield


class DepthRule(ValidationRule):
    """Fields in fields, at most `MAX_DEPTH` of them; introspection is left out.

    Each fragment is measured once, however often it is spread. Following every spread instead
    doubles the work with each fragment that spreads another one twice.
    """

    def __init__(self, context: ValidationContext) -> None:
        super().__init__(context)
        self._fragments = _depths(context)

    def enter_operation_definition(self, node: OperationDefinitionNode, *_args: Any) -> None:  # noqa: ANN401  (the signature is graphql-core's)
        depth = _depth(node.selection_set, self._fragments)
        if depth > MAX_DEPTH:
            message = f"The operation is {depth} fields deep; the limit is {MAX_DEPTH}."
            self.report_error(GraphQLError(message, [node]))


def _depths(context: ValidationContext) -> dict[str, int]:
    """The depth of each fragment; none when fragments are in a circle, which is an error itself."""
    fragments = {
        one.name.value: one
        for one in context.document.definitions
        if isinstance(one, FragmentDefinitionNode)
    }
    spreads = {
        name: {spread.name.value for spread in context.get_fragment_spreads(one.selection_set)}
        for name, one in fragments.items()
    }
    depths: dict[str, int] = {}
    with suppress(CycleError):
        for name in TopologicalSorter(spreads).static_order():
            one = fragments.get(name)
            depths[name] = _depth(one.selection_set, depths) if one else 0
    return depths


def _depth(selections: SelectionSetNode, fragments: dict[str, int]) -> int:
    deepest = 0
    for one in selections.selections:
        if isinstance(one, FragmentSpreadNode):
            deepest = max(deepest, fragments.get(one.name.value, 0))
        elif isinstance(one, FieldNode):
            if one.selection_set and not one.name.value.startswith("__"):
                deepest = max(deepest, 1 + _depth(one.selection_set, fragments))
        elif isinstance(one, InlineFragmentNode):
            deepest = max(deepest, _depth(one.selection_set, fragments))
    return deepest
