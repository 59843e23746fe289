"""Messages over a WebSocket: the protocol graphql-transport-ws, as its clients may get it wrong."""

from typing import Any, Final, cast

import orjson
from starlette.websockets import WebSocketDisconnect
from strawberry.asgi import ASGIWebSocketAdapter
from strawberry.http.exceptions import WebSocketDisconnected
from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import (
    BaseGraphQLTransportWSHandler,
    Operation,
)
from strawberry.subscriptions.protocols.graphql_transport_ws.types import Message
from strawberry.types import ExecutionResult
from typing_extensions import override

from resolvers.context import Context
from schema.execution import sharing

_PAYLOAD: Final[dict[str, tuple[type, ...]]] = {
    "query": (str,),
    "variables": (dict, type(None)),
    "operationName": (str, type(None)),
}
_WITH_ID: Final = ("subscribe", "complete")


class SocketHandler(BaseGraphQLTransportWSHandler[Context, None]):
    """Closes a connection whose messages are malformed; Strawberry would fail on them."""

    @override
    async def handle_message(self, message: Message) -> None:
        if _is_well_formed(message):
            await super().handle_message(message)
        else:
            await self.handle_invalid_message("The message is malformed")

    @override
    async def run_operation(self, operation: Operation[Context, None]) -> None:
        await super().run_operation(_Operation(self, operation))


class _Operation(Operation[Context, None]):
    """Sends what many are sent without encoding it again."""

    __slots__ = ("_head", "_socket")

    def __init__(self, handler: SocketHandler, asked: Operation[Context, None]) -> None:
        super().__init__(handler, asked.id, asked.query, asked.variables, asked.operation_name)
        self._head = f'{{"id":{orjson.dumps(asked.id).decode()},"type":"next","payload":'
        self._socket = cast("ASGIWebSocketAdapter", handler.websocket).ws

    @override
    async def send_next(self, execution_result: ExecutionResult) -> None:
        if not isinstance(execution_result, sharing.Message) or self.completed:
            await super().send_next(execution_result)
            return
        try:
            await self._socket.send_text(f"{self._head}{execution_result.payload}}}")
        except WebSocketDisconnect as failure:
            raise WebSocketDisconnected from failure


def _is_well_formed(message: object) -> bool:
    if not isinstance(message, dict):
        return False
    fields = cast("dict[str, Any]", message)
    kind = fields.get("type")
    if kind in _WITH_ID and not isinstance(fields.get("id"), str):
        return False
    return kind != "subscribe" or _is_request(fields.get("payload"))


def _is_request(payload: object) -> bool:
    if not isinstance(payload, dict):
        return False
    fields = cast("dict[str, Any]", payload)
    return all(isinstance(fields.get(name), kinds) for name, kinds in _PAYLOAD.items())
