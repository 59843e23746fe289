"""The top-level `errors` of a response: every one has a code, and none tells of our insides."""

import logging
import uuid
from typing import Any, Final

from graphql import GraphQLError

from domain.errors import DomainError, LimitExceeded

log = logging.getLogger(__name__)

PARSE_FAILED: Final = "GRAPHQL_PARSE_FAILED"
VALIDATION_FAILED: Final = "GRAPHQL_VALIDATION_FAILED"
BAD_USER_INPUT: Final = "BAD_USER_INPUT"
TOO_COMPLEX: Final = "QUERY_TOO_COMPLEX"
REQUEST_ERRORS: Final = frozenset({PARSE_FAILED, VALIDATION_FAILED, BAD_USER_INPUT, TOO_COMPLEX})
"""Codes of errors that keep a request from being executed at all."""


def reported(errors: list[GraphQLError]) -> list[GraphQLError]:
    """The errors as callers get them, in the order of their places in the response.

    A bug is replaced by an id under which it is logged.
    """
    return sorted(map(_translated, errors), key=_place)


def _place(error: GraphQLError) -> list[tuple[bool, str | int]]:
    return [(isinstance(one, str), one) for one in error.path or ()]


def _translated(error: GraphQLError) -> GraphQLError:
    cause = error.original_error
    while isinstance(cause, GraphQLError):
        cause = cause.original_error
    if isinstance(cause, DomainError):
        return _again(error, str(cause), _details(cause))
    if cause is not None:
        return _masked(error, cause)
    if error.extensions and "code" in error.extensions:
        # Transports tell errors apart by their class; ours differ by their code.
        plain = type(error) is GraphQLError
        return error if plain else _again(error, error.message, error.extensions)
    return _again(error, error.message, {"code": BAD_USER_INPUT})


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
