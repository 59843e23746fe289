"""How operations are executed: prepared, then by plan where that can be, else the standard way."""

# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# graphql-core's types depend on a type of contexts that it does not name.

import logging
from collections.abc import AsyncGenerator, Iterable
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, Final, Literal, cast

import strawberry
from graphql import ExecutionResult as CoreResult
from graphql import (
    GraphQLError,
    GraphQLLeafType,
    GraphQLObjectType,
    default_field_resolver,
    default_type_resolver,
)
from graphql import OperationType as CoreType
from graphql.execution import Executor, create_source_event_stream, map_source_to_response_event
from graphql.execution.values import VariableValues, get_variable_values
from orjson import Fragment
from strawberry.execution import optimized_is_awaitable
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.schema.schema import StrawberryGraphQLCoreExecutionContext
from strawberry.types import ExecutionResult
from strawberry.types.execution import PreExecutionError
from strawberry.types.graphql import OperationType
from strawberry.utils.await_maybe import await_maybe
from typing_extensions import override

from domain.errors import DomainError
from resolvers.context import Admit, Context
from schema.execution.bounded import Bounded
from schema.execution.code import Misfit
from schema.execution.compiler import Compiler
from schema.execution.documents import Documents, Operation, Prepared
from schema.execution.levels import Failed, Levels
from schema.execution.limits import Limits, NoSuchOperation, Refused
from schema.execution.plan import Object, Plan
from schema.execution.sharing import Sharing, key_of
from schema.execution.text import Written
from schema.failures import BAD_USER_INPUT, reported

log = logging.getLogger(__name__)

Mode = Literal["standard", "rows", "text"]
"""The ways to execute a query, each an exact fallback of the next."""

_PLANS: Final = 1_000
_PLANS_BYTES: Final = 24 << 20
_PLAN_BYTES: Final = 20_000
_TOKEN_BYTES: Final = 600
"""Measured: a plan takes 470 to 590 for each token of its document, and 20,000 by itself."""

_ALL: Final = frozenset(OperationType)
_QUERY: Final = OperationType.QUERY
_KINDS: Final = {CoreType(kind.value): kind for kind in OperationType}
_PLANLESS: Final = (DomainError, GraphQLError, Misfit, Failed)
"""What ends the run of a plan without being a fault of it."""


class JsonText:
    """Data that are JSON already, in pieces to be joined."""

    __slots__ = ("pieces",)

    def __init__(self, pieces: list[bytes]) -> None:
        self.pieces = pieces


@dataclass
class Answer(ExecutionResult):
    """The result of an operation that was executed. Its data may be, or hold, JSON."""

    mode: Mode = "standard"


class Schema(strawberry.Schema):
    """Strawberry's schema, executed by plans. All transports come through `execute` or `stream`."""

    def __init__(self, *args: Any, limits: Limits = Limits(), **kwargs: Any) -> None:  # noqa: ANN401, B008
        super().__init__(*args, execution_context_class=StandardExecution, **kwargs)
        self.documents = Documents(self._schema, limits=limits)
        self.plans: Bounded[tuple[Operation, tuple[object, ...]], Plan] = Bounded(
            entries=_PLANS, bytes=_PLANS_BYTES
        )
        """By operation, and by the values that decide what of it is skipped."""
        self._sharing = Sharing()

    @override
    async def execute(
        self,
        query: str | None,
        variable_values: dict[str, Any] | None = None,
        context_value: Any = None,
        root_value: object = None,
        operation_name: str | None = None,
        allowed_operation_types: Iterable[OperationType] | None = None,
        operation_extensions: dict[str, Any] | None = None,
        mode: Mode = "rows",
    ) -> ExecutionResult:
        """Execute a query or a mutation. Its data are Python's values, unless `mode` is "text".

        Raises `CannotGetOperationTypeError` and `InvalidOperationTypeError`.
        """
        try:
            prepared = self.documents.prepare(query or "")
            operation = _operation(prepared, operation_name)
            kind = _KINDS[operation.kind]
            if allowed_operation_types is not None and kind not in allowed_operation_types:
                raise InvalidOperationTypeError(kind)
            run = _Run(self, prepared, operation, context_value, variable_values)
            cost = operation.charge(run.variables.coerced, limit=self.documents.limits.cost)
        except Refused as refused:
            return PreExecutionError(None, reported(refused.errors))
        answer = await run.answer(mode if kind is _QUERY else "standard")
        if answer.errors:
            answer.errors = reported(answer.errors)
        answer.extensions = {"cost": {"requested": cost, "maximum": self.documents.limits.cost}}
        return answer

    @override
    async def stream(
        self,
        query: str | None,
        variable_values: dict[str, Any] | None = None,
        context_value: Any = None,
        root_value: object = None,
        operation_name: str | None = None,
        operation_extensions: dict[str, Any] | None = None,
        allowed_operation_types: Iterable[OperationType] | None = None,
    ) -> AsyncGenerator[ExecutionResult, None]:
        """Execute any operation: a subscription has many results, all others one."""
        allowed = _ALL if allowed_operation_types is None else frozenset(allowed_operation_types)
        return self._results(query, variable_values, context_value, operation_name, allowed)

    async def _results(
        self,
        query: str | None,
        variable_values: dict[str, Any] | None,
        context: Context,
        operation_name: str | None,
        allowed: frozenset[OperationType],
    ) -> AsyncGenerator[ExecutionResult, None]:
        try:
            prepared = self.documents.prepare(query or "")
            operation = prepared.operation(operation_name)
            kind = _KINDS[operation.kind]
            _check_allowed(kind, allowed)
            if kind is not OperationType.SUBSCRIPTION:
                yield await self.execute(
                    query, variable_values, context, None, operation_name, allowed
                )
                return
            run = _Run(self, prepared, operation, context, variable_values)
            operation.charge(run.variables.coerced, limit=self.documents.limits.cost)
        except Refused as refused:
            yield PreExecutionError(None, reported(refused.errors))
            return

        def start(admit: Admit) -> AsyncGenerator[ExecutionResult, None]:
            of_all = replace(context, admit=admit)
            return _Run(self, prepared, operation, of_all, variable_values).events()

        key = key_of(query or "", operation_name, variable_values, context)
        async with aclosing(self._sharing.join(key, start)) as results:
            async for result in results:
                yield result


class StandardExecution(StrawberryGraphQLCoreExecutionContext):
    """Execution object by object. A value that does not fit its field is our fault, and says so."""

    @staticmethod
    @override
    def complete_leaf_value(return_type: GraphQLLeafType, result: Any) -> Any:
        try:
            return Executor.complete_leaf_value(return_type, result)
        except Exception as failure:
            raise Misfit(str(failure)) from failure


_NONE: Final = VariableValues({}, {})


class _Run:
    """One execution of an operation."""

    def __init__(
        self,
        schema: Schema,
        prepared: Prepared,
        operation: Operation,
        context: Any,  # noqa: ANN401
        variables: dict[str, Any] | None,
    ) -> None:
        self._schema = schema
        self._prepared = prepared
        self._operation = operation
        self._context = context
        core = schema._schema  # noqa: SLF001  # pyright: ignore[reportPrivateUsage] - Strawberry's own name
        definitions = operation.node.variable_definitions
        found = get_variable_values(core, definitions, variables or {}) if definitions else _NONE
        if isinstance(found, list):
            raise Refused([_bad_variable(error) for error in found])
        self.variables = found

    async def answer(self, mode: Mode) -> Answer:
        if mode != "standard":
            plan = self._plan()
            if plan.is_worthwhile:
                answer = await self._by_plan(plan, mode)
                if answer is not None:
                    return answer
        result = await await_maybe(self._executor().execute_operation())
        return Answer(result.data, result.errors)

    async def events(self) -> AsyncGenerator[ExecutionResult, None]:
        """The results of a subscription."""
        executor = self._executor()
        source = await await_maybe(create_source_event_stream(executor))
        if isinstance(source, CoreResult):
            yield PreExecutionError(None, reported(source.errors or []))
            return
        stream = map_source_to_response_event(executor, source)
        try:
            async with aclosing(stream) as results:
                async for result in results:
                    errors = reported(result.errors) if result.errors else None
                    yield ExecutionResult(result.data, errors)
        except Exception as failure:  # noqa: BLE001  (the stream has failed, and says so)
            error = GraphQLError(str(failure), original_error=failure)
            yield ExecutionResult(None, reported([error]))

    def _executor(self) -> Any:  # noqa: ANN401  (Strawberry's class of graphql-core's executor)
        make: Any = self._schema.execution_context_class
        return make(
            self._schema._schema,  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
            self._prepared.fragment_definitions,
            self._prepared.fragments,
            None,
            self._context,
            self._operation.node,
            self.variables,
            default_field_resolver,
            default_type_resolver,
            default_field_resolver,
            is_awaitable=optimized_is_awaitable,
            operation_extensions=None,
        )

    def _plan(self) -> Plan:
        key = self._operation, self._operation.conditions(self.variables.coerced)
        plan = self._schema.plans.get(key)
        if plan is None:
            compiler = Compiler(
                self._executor(), self._schema.config, self._schema.schema_converter.scalar_registry
            )
            query_type = self._schema._schema.query_type  # noqa: SLF001  # pyright: ignore[reportPrivateUsage]
            plan = compiler.root(cast("GraphQLObjectType", query_type))
            size = _PLAN_BYTES + _TOKEN_BYTES * (self._prepared.document.token_count or 0)
            self._schema.plans.put(key, plan, bytes=size)
        return plan

    async def _by_plan(self, plan: Plan, mode: Mode) -> Answer | None:
        """None when the plan did not come to an end: the standard way will say why."""
        levels = Levels(self._context, self.variables, self._executor, as_text=mode == "text")
        try:
            [data] = await levels.objects(plan, [()])
        except _PLANLESS:
            return None
        except Exception:
            log.warning("a plan failed; the operation is executed again", exc_info=True)
            return None
        if not any(isinstance(value, Written) for value in data.values()):
            return Answer(data, None, mode="rows")
        return Answer(_spliced(data), None, mode="text")


def _spliced(data: Object) -> Any:  # noqa: ANN401  (the object, or `JsonText`)
    """The data as text, if PostgreSQL made all of it."""
    pieces: list[bytes] = []
    opening = b'{"'
    for name, value in data.items():
        if not isinstance(value, Written):
            return {
                name: Fragment(one.text) if isinstance(one, Written) else one
                for name, one in data.items()
            }
        pieces += (opening, name.encode(), b'":', value.text)
        opening = b',"'
    return JsonText([*pieces, b"}"])


def _operation(prepared: Prepared, name: str | None) -> Operation:
    try:
        return prepared.operation(name)
    except NoSuchOperation:
        raise CannotGetOperationTypeError(name) from None


def _check_allowed(kind: OperationType, allowed: frozenset[OperationType]) -> None:
    if kind not in allowed:
        plural = {"query": "queries", "mutation": "mutations", "subscription": "subscriptions"}
        message = f"{plural[kind.value]} are not allowed"
        raise Refused([GraphQLError(message, extensions={"code": BAD_USER_INPUT})])


def _bad_variable(error: GraphQLError) -> GraphQLError:
    error.extensions = {"code": BAD_USER_INPUT, **(error.extensions or {})}
    return error
