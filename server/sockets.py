"""Messages over a WebSocket: the protocol graphql-transport-ws, as its clients may get it wrong."""

from typing import Any, Final, cast

from strawberry.subscriptions.protocols.graphql_transport_ws.handlers import (
    BaseGraphQLTransportWSHandler,
)
from strawberry.subscriptions.protocols.graphql_transport_ws.types import Message
from typing_extensions import override

from resolvers.context import Context

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
