"""Prepared documents: each is parsed, validated and measured once, and kept while it is used."""

import sys
from collections.abc import Mapping
from typing import Any, Final, TypeAlias

from graphql import (
    DocumentNode,
    FragmentDefinitionNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
)
from graphql.execution.collect_fields import FragmentDetails

from schema.execution.analysis import Analysis, Measure
from schema.execution.bounded import Bounded
from schema.execution.costs import Program
from schema.execution.limits import Limits, NoSuchOperation, Refused, above
from schema.execution.reading import read, rules, settled
from schema.failures import BAD_USER_INPUT, VALIDATION_FAILED

MAX_DOCUMENTS: Final = 1_000
MAX_BYTES: Final = 24 << 20
MAX_SHARE: Final = 8
"""A document that needs more than this part of all bytes is not kept."""
BYTES_PER_TOKEN: Final = 500
"""Measured: up to 460, in usual documents as well as in those made to be large."""
BYTES_PER_DOCUMENT: Final = 4_000
BYTES_PER_ERROR: Final = 1_000
MOST: Final = 2**31 - 1
"""Counts end here: fragments can multiply them beyond what JSON can carry."""


class Operation:
    """One operation of a prepared document."""

    __slots__ = (
        "_measure", "_program", "aliases", "condition_variables", "depth", "kind", "node",
    )  # fmt: skip

    def __init__(self, node: OperationDefinitionNode, measure: Measure, program: Program) -> None:
        self.node = node
        self.kind: OperationType = node.operation
        self.depth = min(measure.depth, MOST)
        self.aliases = min(measure.aliases, MOST)
        self.condition_variables = tuple(sorted(measure.conditions))
        """Those of @skip and @include, anywhere in the operation."""
        self._measure = measure
        self._program = program

    def conditions(self, variables: Mapping[str, Any]) -> tuple[object, ...]:
        """What decides which fields are there: the coerced values of `condition_variables`."""
        return tuple(variables.get(name) for name in self.condition_variables)

    def cost(self, variables: Mapping[str, Any]) -> int:
        """With coerced variables. Never more than `MOST`."""
        return min(self._program.value(self._measure.cost, variables), MOST)

    def charge(self, variables: Mapping[str, Any], *, limit: int) -> int:
        """The cost; raises `Refused` when it is above the limit."""
        cost = self.cost(variables)
        if cost > limit:
            sentence = f"The operation costs {cost}"
            raise Refused([above(sentence, limit=limit, actual=cost, node=self.node)])
        return cost


class Prepared:
    """A valid document, and what `Executor.build` would find out about it each time."""

    __slots__ = ("_operations", "document", "fragment_definitions", "fragments")

    def __init__(self, schema: GraphQLSchema, document: DocumentNode) -> None:
        self.document = document
        self.fragment_definitions = {
            one.name.value: one
            for one in document.definitions
            if isinstance(one, FragmentDefinitionNode)
        }
        # Variables of fragments are an experiment that the parser does not allow.
        self.fragments = {
            name: FragmentDetails(one) for name, one in self.fragment_definitions.items()
        }
        analysis = Analysis(schema, self.fragment_definitions)
        self._operations = {
            one.name.value if one.name else None: Operation(
                one, analysis.operation(one), analysis.program
            )
            for one in document.definitions
            if isinstance(one, OperationDefinitionNode)
        }

    @property
    def operations(self) -> tuple[Operation, ...]:
        return tuple(self._operations.values())

    def operation(self, name: str | None) -> Operation:
        """Raises `Refused`, or `NoSuchOperation`."""
        if name is None:
            return self._only()
        if name not in self._operations:
            raise NoSuchOperation([_misused(f"Unknown operation named '{name}'.")])
        return self._operations[name]

    def _only(self) -> Operation:
        if not self._operations:
            raise NoSuchOperation([_misused("Must provide an operation.")])
        if len(self._operations) > 1:
            message = "The document has several operations: choose one with `operationName`."
            raise Refused([_misused(message)])
        return next(iter(self._operations.values()))


Errors: TypeAlias = tuple[GraphQLError, ...]


class Documents:
    """Prepared documents by their text, and refused ones: a client may not stop to send one."""

    def __init__(
        self,
        schema: GraphQLSchema,
        *,
        limits: Limits = Limits(),  # noqa: B008  (it cannot be changed)
        max_documents: int = MAX_DOCUMENTS,
        max_bytes: int = MAX_BYTES,
    ) -> None:
        self.limits = limits
        self._schema = schema
        self._rules = rules(limits.comparisons)
        self._max_share = max_bytes // MAX_SHARE
        self._kept: Bounded[str, Prepared | Errors] = Bounded(
            entries=max_documents, bytes=max_bytes
        )

    def __len__(self) -> int:
        return len(self._kept)

    @property
    def bytes(self) -> int:
        """About how much memory the kept documents take, without the plans of the executor."""
        return self._kept.bytes

    def prepare(self, query: str) -> Prepared:
        """Raises `Refused`: not GraphQL, not of this schema, or above a limit."""
        known = self._kept.get(query)
        if known is None:
            known = self._read(query)
            size = _size(query, known)
            if size <= self._max_share:
                self._kept.put(query, known, bytes=size)
        if isinstance(known, Prepared):
            return known
        raise Refused(known)

    def _read(self, query: str) -> Prepared | Errors:
        try:
            document = read(self._schema, query, self.limits, self._rules)
            prepared = Prepared(self._schema, document)
        except Refused as refusal:
            return tuple(refusal.errors)
        except RecursionError:
            # Validation lets through 200 levels, more than our own stack may have room for.
            error = GraphQLError("The document is nested too deeply.")
            return tuple(settled([error], VALIDATION_FAILED))
        for operation in prepared.operations:
            if errors := _excesses(operation, self.limits):
                return tuple(settled(errors, VALIDATION_FAILED))
        return prepared


def _excesses(operation: Operation, limits: Limits) -> list[GraphQLError]:
    errors: list[GraphQLError] = []
    if operation.depth > limits.depth:
        message = f"The operation is {operation.depth} fields deep; the limit is {limits.depth}."
        errors.append(GraphQLError(message, operation.node))
    if operation.aliases > limits.aliases:
        limit, actual = limits.aliases, operation.aliases
        sentence = f"The operation has {actual} aliases"
        errors.append(above(sentence, limit=limit, actual=actual, node=operation.node))
    return errors


def _misused(message: str) -> GraphQLError:
    return GraphQLError(message, extensions={"code": BAD_USER_INPUT})


def _size(query: str, known: Prepared | Errors) -> int:
    """Bytes, within a fifth. The text counts twice: its strings may be all of it once more."""
    size = BYTES_PER_DOCUMENT + 2 * sys.getsizeof(query)
    if isinstance(known, Prepared):
        return size + BYTES_PER_TOKEN * known.document.token_count
    return size + sum(BYTES_PER_ERROR + sys.getsizeof(error.message) for error in known)
