"""The one GraphQL endpoint: POST and GET, graphql-transport-ws, server-sent events.

Strawberry's view does the work; the rules of the draft for HTTP are in `operations`. A plain
POST does not come here: see `posts`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

import orjson
from cross_web import AsyncHTTPRequestAdapter, HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from strawberry.asgi import GraphQL
from strawberry.exceptions import ConnectionRejectionError
from strawberry.http import GraphQLHTTPResponse, GraphQLRequestData
from strawberry.subscriptions import GRAPHQL_SSE_PROTOCOL, GRAPHQL_TRANSPORT_WS_PROTOCOL
from strawberry.types import ExecutionResult
from strawberry.types.unset import UnsetType
from typing_extensions import override

from domain.errors import Unauthenticated
from resolvers.context import Context
from schema.root import schema
from server import multipart, operations, requests
from server.multipart import MULTIPART
from server.negotiation import (
    GRAPHQL_RESPONSE,
    JSON,
    content_type,
    is_json,
    media_type,
    wants_stream,
)
from server.sockets import SocketHandler


@dataclass
class ConnectionContext(Context):
    """The context of a WebSocket; its first message says who is calling."""

    connection_params: Mapping[str, Any] = field(default_factory=dict[str, Any])


class GraphQLEndpoint(GraphQL[Context, None]):
    graphql_transport_ws_handler_class = SocketHandler
    request_adapter_class = multipart.RequestAdapter

    def __init__(self, *, operation_timeout_s: float) -> None:
        super().__init__(
            schema,
            subscription_protocols=[GRAPHQL_TRANSPORT_WS_PROTOCOL, GRAPHQL_SSE_PROTOCOL],
            connection_init_wait_timeout=timedelta(seconds=3),
            # Callers prove themselves with a key, never with a cookie, so any page may connect.
            allowed_origins=["*"],
        )
        self._timeout_s = operation_timeout_s

    @override
    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await super().__call__(scope, receive, send)
            return
        request = Request(scope, operations.limited(receive, multipart.most_bytes(scope)))
        try:
            try:
                response = await self.run(request)
            except HTTPException as failure:
                response = operations.refusal(failure)
            await response(scope, receive, send)  # a streamed one executes only now
        except ClientDisconnect:
            return
        finally:
            await request.close()  # the files of a form

    @override
    async def get_sub_response(self, request: Request | WebSocket) -> Response:
        """Carries what was negotiated to `create_response`; called once for each request."""
        response = await super().get_sub_response(request)
        response.media_type = media_type(request.headers.get("accept", ""))
        if response.media_type is None:
            raise HTTPException(406, f"We answer with {GRAPHQL_RESPONSE} or {JSON}.")
        given = request.headers.get("content-type", "")
        is_post = isinstance(request, Request) and request.method == "POST"
        if is_post and not is_json(given) and not multipart.is_multipart(given):
            raise HTTPException(415, f"Send the request as {JSON}, or files as {MULTIPART}.")
        return response

    @override
    async def get_context(
        self, request: Request | WebSocket, response: Response | WebSocket
    ) -> Context:
        services, base_url = requests.services(request), requests.base_url(request)
        client = requests.address(request)
        if isinstance(request, WebSocket):
            return ConnectionContext(services, base_url, client=client)
        viewer = await operations.viewer_of(services, request.headers.get("authorization"))
        return Context(services, base_url, viewer, client)

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
    async def parse_http_body(self, request: AsyncHTTPRequestAdapter) -> GraphQLRequestData:
        streamed = wants_stream(request.headers.get("accept", ""))
        if request.method == "GET":
            parameters = self.parse_query_params(request.query_params)
        elif multipart.is_multipart(request.headers.get("content-type", "")):
            parameters = await multipart.parameters(request)
        else:
            parameters = self.parse_json(await request.get_body())
        return operations.asked_by(parameters, "sse" if streamed else "http")

    @override
    def parse_json(self, data: str | bytes) -> Any:
        return operations.parse_json(data)

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
        return await operations.execute(
            request_data,
            context,
            method=request.method,
            receive=request.receive,
            limit_s=self._timeout_s,
        )

    @override
    def create_response(
        self,
        response_data: GraphQLHTTPResponse | list[GraphQLHTTPResponse],
        sub_response: Response,
    ) -> Response:
        kind = str(sub_response.media_type)
        status, body = operations.encode(cast("GraphQLHTTPResponse", response_data), kind)
        return Response(body, status, media_type=content_type(kind))
