"""GraphQL over HTTP, whichever way a request came: what it asks, what it gets, what it may not.

The statuses are those of the GraphQL-over-HTTP draft: a request that cannot be executed is 400
in the new media type and 200 in the old one, and every refusal has a JSON body.
"""

import logging
from typing import Any, Final, TypeVar, cast

import orjson
from cross_web import HTTPException
from graphql import GraphQLError
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Message, Receive
from strawberry.http import GraphQLHTTPResponse, GraphQLRequestData, GraphQLRequestProtocol
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType

from domain.accounts import Viewer
from domain.errors import Unauthenticated
from resolvers.context import Context, Services
from schema.execution.engine import JsonText
from schema.failures import REQUEST_ERRORS
from schema.root import schema
from server.negotiation import GRAPHQL_RESPONSE, JSON, content_type
from server.patience import Patience, TookTooLong

log = logging.getLogger(__name__)

MAX_BODY: Final = 1 << 20
"""Bytes of a request's JSON."""

OPERATION_TIMEOUT_S: Final = 10.0
TIMEOUT: Final = "TIMEOUT"

T = TypeVar("T")
_OBJECT: Final[type[dict[str, Any]]] = dict

_BY_POST: Final = (OperationType.QUERY, OperationType.MUTATION)
_BY_GET: Final = (OperationType.QUERY,)


def limited(receive: Receive, most: int = MAX_BODY) -> Receive:
    """Refuse a body above `most` bytes, whatever its Content-Length says."""
    received = 0

    async def receive_limited() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > most:
            raise HTTPException(413, f"A request has at most {most} bytes.")
        return message

    return receive_limited


async def body_of(receive: Receive) -> bytes:
    """The whole body; raises `ClientDisconnect` when it will never be whole."""
    blocks: list[bytes] = []
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        blocks.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(blocks)


def parse_json(text: str | bytes) -> dict[str, Any] | list[Any]:
    try:
        parsed: object = orjson.loads(text)
    except orjson.JSONDecodeError:
        raise HTTPException(400, "Unable to parse request body as JSON") from None
    if not isinstance(parsed, (dict, list)):
        raise HTTPException(400, "A JSON object is needed here.")
    return cast("dict[str, Any] | list[Any]", parsed)


def asked_by(
    parameters: dict[str, Any] | list[Any], protocol: GraphQLRequestProtocol = "http"
) -> GraphQLRequestData:
    """Check the parts of a request; absent and null are the same."""
    if isinstance(parameters, list):
        raise HTTPException(400, "Batching is not enabled")
    query = _part(parameters, "query", str, "a string")
    variables = _part(parameters, "variables", _OBJECT, "an object")
    extensions = _part(parameters, "extensions", _OBJECT, "an object")
    name = parameters.get("operationName")
    if not isinstance(name, (str, type(None))):
        raise HTTPException(400, "`operationName` must be a string or null.")
    if not query:
        raise HTTPException(400, "The request has no `query`.")
    return GraphQLRequestData(query, variables, name, extensions, protocol)


def _part(parameters: dict[str, Any], name: str, kind: type[T], described: str) -> T | None:
    value: object = parameters.get(name)
    if value is None or isinstance(value, kind):
        return value
    message = f"The GraphQL operation's `{name}` must be {described} or null, if provided."
    raise HTTPException(400, message)


async def viewer_of(services: Services, authorization: str | None) -> Viewer | None:
    try:
        return await services.viewers.of(authorization)
    except Unauthenticated as failure:
        raise HTTPException(401, str(failure)) from None


async def execute(
    asked: GraphQLRequestData, context: Context, *, method: str, receive: Receive, limit_s: float
) -> ExecutionResult:
    """Run a query or a mutation; raises `ClientDisconnect` when nobody waits for it any more.

    Being stopped rolls back the transaction that is open, also one of a mutation.
    """
    try:
        with Patience(receive, limit_s):
            return await schema.execute(
                asked.query,
                variable_values=asked.variables,
                context_value=context,
                operation_name=asked.operation_name,
                allowed_operation_types=_BY_GET if method == "GET" else _BY_POST,
                mode="text" if context.services.json_in_sql else "rows",
            )
    except CannotGetOperationTypeError:
        raise HTTPException(400, "`operationName` must name an operation.") from None
    except InvalidOperationTypeError:
        if method == "GET":
            raise HTTPException(405, "GET is for queries; use POST.") from None
        message = "Subscriptions need a WebSocket, or `Accept: text/event-stream`."
        raise HTTPException(400, message) from None
    except TookTooLong as failure:
        log.warning("%s (operation %s)", failure, asked.operation_name or "without a name")
        error = GraphQLError(str(failure), extensions={"code": TIMEOUT})
        return ExecutionResult(data=None, errors=[error])


def encode(response: GraphQLHTTPResponse, media_type: str) -> tuple[int, bytes]:
    """The status and the body of what was executed, or could not be."""
    status = 200
    if response.get("errors") and _was_not_executed(response):
        del response["data"]
        status = 400 if media_type == GRAPHQL_RESPONSE else 200
    data: object = response.get("data")
    if isinstance(data, JsonText):
        del response["data"]
        rest = orjson.dumps(response)
        return status, b"".join((b'{"data":', *data.pieces, b"," if response else b"", rest[1:]))
    return status, orjson.dumps(response)


def _was_not_executed(response: GraphQLHTTPResponse) -> bool:
    errors = cast("list[dict[str, Any]]", response.get("errors") or [])
    codes = {error.get("extensions", {}).get("code") for error in errors if "path" not in error}
    return response.get("data") is None and bool(codes & REQUEST_ERRORS)


_CODES: Final = {401: "UNAUTHENTICATED", 507: "STORAGE_FULL"}


def refusal(failure: HTTPException) -> Response:
    status = failure.status_code
    code = _CODES.get(status, "BAD_REQUEST")
    error = {"message": failure.reason, "extensions": {"code": code}}
    response = Response(orjson.dumps({"errors": [error]}), status, media_type=content_type(JSON))
    if status == 405:  # noqa: PLR2004
        response.headers["Allow"] = "GET, POST"
    if status == 401:  # noqa: PLR2004
        response.headers["WWW-Authenticate"] = "Bearer"
    if status == 507:  # noqa: PLR2004
        response.headers["Retry-After"] = "60"
    return response
