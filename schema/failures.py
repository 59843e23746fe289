"""The top-level `errors` of a response: every one has a code, and none tells of our insides."""

import logging
import uuid
from collections.abc import Iterator
from typing import Any, Final

from graphql import ExecutionResult as CoreResult
from graphql import GraphQLError, GraphQLSyntaxError
from strawberry.exceptions import MissingQueryError
from strawberry.extensions import SchemaExtension
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionResult, StreamExecutionResult
from strawberry.types.execution import PreExecutionError

from domain.errors import DomainError, LimitExceeded

log = logging.getLogger(__name__)

PARSE_FAILED: Final = "GRAPHQL_PARSE_FAILED"
VALIDATION_FAILED: Final = "GRAPHQL_VALIDATION_FAILED"
BAD_USER_INPUT: Final = "BAD_USER_INPUT"
REQUEST_ERRORS: Final = frozenset({PARSE_FAILED, VALIDATION_FAILED, BAD_USER_INPUT})
"""Codes of errors that keep a request from being executed at all."""

_REFUSALS: Final = (MissingQueryError, CannotGetOperationTypeError, InvalidOperationTypeError)
"""How Strawberry says that no operation of the document can be run, or not in this way."""


class Failures(SchemaExtension):
    """Gives each error its code, and replaces a bug by an id under which it is logged."""

    _streamed = False

    def on_operation(self) -> Iterator[None]:
        yield
        if not self._streamed:
            self._translate(self.execution_context.result)

    def on_stream_result(self, result: StreamExecutionResult) -> Iterator[None]:
        self._streamed = True
        self._translate(result)
        yield

    def _translate(self, result: object) -> None:
        if isinstance(result, (CoreResult, ExecutionResult)) and result.errors:
            validated = not isinstance(result, PreExecutionError)
            result.errors = [_translated(error, validated=validated) for error in result.errors]


def _translated(error: GraphQLError, *, validated: bool) -> GraphQLError:
    cause = error.original_error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    if isinstance(cause, DomainError):
        return _again(error, str(cause), _details(cause))
    if isinstance(cause, _REFUSALS):
        return _again(error, error.message, {"code": BAD_USER_INPUT})
    if cause is not None:
        return _masked(error, cause)
    if error.extensions and "code" in error.extensions:
        return error
    return _again(error, error.message, {"code": _code(error, validated=validated)})


def _code(error: GraphQLError, *, validated: bool) -> str:
    """Whose fault it is when no resolver raised it."""
    if isinstance(error, GraphQLSyntaxError):
        return PARSE_FAILED
    return BAD_USER_INPUT if validated else VALIDATION_FAILED


def _details(cause: DomainError) -> dict[str, Any]:
    details: dict[str, Any] = {"code": cause.code.value}
    if isinstance(cause, LimitExceeded):
        details |= {"limit": cause.limit, "actual": cause.actual}
    return details


def _masked(error: GraphQLError, cause: Exception) -> GraphQLError:
    error_id = uuid.uuid4().hex[:12]
    where = ".".join(map(str, error.path or ()))
    log.error("internal error %s at %s", error_id, where or "the request", exc_info=cause)
    return _again(error, "Internal error.", {"code": "INTERNAL", "errorId": error_id})


def _again(error: GraphQLError, message: str, extensions: dict[str, Any]) -> GraphQLError:
    return GraphQLError(
        message,
        nodes=error.nodes,
        source=error.source,
        positions=error.positions,
        path=error.path,
        extensions=extensions,
    )
