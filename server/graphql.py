"""The one GraphQL endpoint: POST and GET, graphql-transport-ws, server-sent events.

Strawberry's view does the work. What differs here is what the GraphQL-over-HTTP draft asks
for: the response's media type is negotiated, a request that cannot be executed is 400 in the
new type and 200 in the old one, and every refusal has a JSON body.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Final, cast

import orjson
from cross_web import AsyncHTTPRequestAdapter, HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.http import GraphQLHTTPResponse, GraphQLRequestData
from strawberry.schema.exceptions import CannotGetOperationTypeError, InvalidOperationTypeError
from strawberry.subscriptions import GRAPHQL_SSE_PROTOCOL, GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types import ExecutionResult
from strawberry.types.graphql import OperationType
from strawberry.types.unset import UnsetType
from typing_extensions import override

from domain.errors import Unauthenticated
from resolvers.context import Context
from schema.failures import REQUEST_ERRORS
from schema.root import schema
from server import requests
from server.negotiation import GRAPHQL_RESPONSE, JSON, media_type
from server.sockets import SocketHandler

MAX_BODY: Final = 1 << 20
"""Bytes of a request's JSON."""


@dataclass
class ConnectionContext(Context):
    """The context of a WebSocket; its first message says who is calling."""

    connection_params: Mapping[str, Any] = field(default_factory=dict[str, Any])


class GraphQLEndpoint(GraphQL[Context, None]):
    graphql_transport_ws_handler_class = SocketHandler

    def __init__(self) -> None:
        super().__init__(
            schema,
            subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL, GRAPHQL_SSE_PROTOCOL],
            connection_init_wait_timeout=timedelta(seconds=3),
            # Callers prove themselves with a key, never with a cookie, so any page may connect.
            allowed_origins=["*"],
        )

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        request = Request(scope, _limited(receive))
        try:
            response = await self.run(request)
        except HTTPException as refusal:
            response = _refusal(refusal)
        await response(scope, receive, send)

    @override
    async def get_sub_response(self, request: Request | WebSocket) -> Response:
        """Carries what was negotiated to `create_response`; called once for each request."""
        response = await super().get_sub_response(request)
        response.media_type = media_type(request.headers.get("accept"))
        if response.media_type is None:
            raise HTTPException(406, f"We answer with {GRAPHQL_RESPONSE} or {JSON}.")
        if isinstance(request, Request) and request.method == "POST" and not _is_json(request):
            raise HTTPException(415, f"Send the request as {JSON}.")
        return response

    @override
    async def get_context(
        self, request: Request | WebSocket, response: Response | WebSocket
    ) -> Context:
        services, base_url = requests.services(request), requests.base_url(request)
        if isinstance(request, WebSocket):
            return ConnectionContext(services, base_url)
        try:
            viewer = await services.viewers.of(request.headers.get("authorization"))
        except Unauthenticated as failure:
            raise HTTPException(401, str(failure)) from None
        return Context(services, base_url, viewer)

    @override
    async def on_ws_connect(self, context: Context) -> UnsetType | dict[str, object] | None:
        params = cast("ConnectionContext", context).connection_params
        given = params.get("authorization", params.get("Authorization"))
        try:
            context.viewer = await context.services.viewers.of(
                None if given is None else str(given)
            )
        except Unauthenticated as failure:
            raise ConnectionRejectionError from failure
        return await super().on_ws_connect(context)

    @override
    async def parse_http_body(
        self, request: AsyncHTTPRequestAdapter
    ) -> GraphQLRequestData | list[GraphQLRequestData]:
        parsed = await super().parse_http_body(request)
        if isinstance(parsed, list):
            return parsed
        if not isinstance(cast("object", parsed.operation_name), (str, type(None))):
            raise HTTPException(400, "`operationName` must be a string or null.")
        if not parsed.query:
            raise HTTPException(400, "The request has no `query`.")
        return parsed

    @override
    def parse_json(self, data: str | bytes) -> Any:
        parsed: object = super().parse_json(data)
        if not isinstance(parsed, (dict, list)):
            raise HTTPException(400, "A JSON object is needed here.")
        return cast("object", parsed)

    @override
    def decode_json(self, data: str | bytes) -> object:
        return orjson.loads(data)

    @override
    def encode_json(self, data: object) -> str:
        # Bytes would be sent as binary frames over a WebSocket.
        return orjson.dumps(data).decode()

    @override
    async def execute_single(
        self,
        request: Request,
        request_adapter: AsyncHTTPRequestAdapter,
        sub_response: Response,
        context: Context,
        root_value: None,
        request_data: GraphQLRequestData,
    ) -> ExecutionResult:
        is_get = request.method == "GET"
        allowed = {OperationType.QUERY, *([] if is_get else [OperationType.MUTATION])}
        try:
            return await self.schema.execute(
                request_data.query,
                root_value=root_value,
                variable_values=request_data.variables,
                context_value=context,
                operation_name=request_data.operation_name,
                allowed_operation_types=allowed,
                operation_extensions=request_data.extensions,
            )
        except CannotGetOperationTypeError:
            raise HTTPException(400, "`operationName` must name an operation.") from None
        except InvalidOperationTypeError:
            if is_get:
                raise HTTPException(405, "GET is for queries; use POST.") from None
            raise HTTPException(
                400, "Subscriptions need a WebSocket, or `Accept: text/event-stream`."
            ) from None

    @override
    def create_response(
        self,
        response_data: GraphQLHTTPResponse | list[GraphQLHTTPResponse],
        sub_response: Response,
    ) -> Response:
        status = 200
        if isinstance(response_data, dict) and _was_not_executed(response_data):
            del response_data["data"]
            status = 400 if sub_response.media_type == GRAPHQL_RESPONSE else 200
        body = self.encode_json(response_data)
        return Response(body, status, media_type=f"{sub_response.media_type}; charset=utf-8")


def _was_not_executed(response: GraphQLHTTPResponse) -> bool:
    errors = cast("list[dict[str, Any]]", response.get("errors") or [])
    codes = {error.get("extensions", {}).get("code") for error in errors if "path" not in error}
    return response.get("data") is None and bool(codes & REQUEST_ERRORS)


def _is_json(request: Request) -> bool:
    return request.headers.get("content-type", "").partition(";")[0].strip() == JSON


def _limited(receive: Receive) -> Receive:
    """Refuse a body above `MAX_BODY`, whatever its Content-Length says."""
    received = 0

    async def limited() -> Message:
        nonlocal received
        message = await receive()
        received += len(message.get("body", b""))
        if received > MAX_BODY:
            raise HTTPException(413, f"A request has at most {MAX_BODY} bytes.")
        return message

    return limited


def _refusal(refusal: HTTPException) -> Response:
    code = "UNAUTHENTICATED" if refusal.status_code == 401 else "BAD_REQUEST"  # noqa: PLR2004
    error = {"message": refusal.reason, "extensions": {"code": code}}
    response = Response(
        orjson.dumps({"errors": [error]}), refusal.status_code, media_type=f"{JSON}; charset=utf-8"
    )
    if refusal.status_code == 405:  # noqa: PLR2004
        response.headers["Allow"] = "GET, POST"
    if refusal.status_code == 401:  # noqa: PLR2004
        response.headers["WWW-Authenticate"] = "Bearer"
    return response
