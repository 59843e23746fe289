"""A client of the API as its users have one: HTTP, server-sent events and WebSocket."""

import json
from collections.abc import AsyncGenerator
from types import TracebackType
from typing import Any, Self

import httpx
from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol

TRANSPORT_WS = Subprotocol("graphql-transport-ws")


class OperationFailed(AssertionError):
    """The response has top-level errors."""

    def __init__(self, errors: list[dict[str, Any]]) -> None:
        super().__init__(json.dumps(errors, indent=1))
        self.errors = errors

    @property
    def codes(self) -> list[str]:
        return [error["extensions"]["code"] for error in self.errors]


class Api:
    def __init__(self, base_url: str, api_key: str | None) -> None:
        self.base_url = base_url
        self.api_key = api_key
        headers = {} if api_key is None else {"authorization": f"Bearer {api_key}"}
        self.http = httpx.AsyncClient(
            base_url=base_url,
            headers=headers,
            timeout=60,
            trust_env=False,
            verify=False,  # noqa: S501  (nothing here is https, and a TLS context takes 20 ms)
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.http.aclose()

    async def run(self, query: str, **variables: Any) -> dict[str, Any]:
        """The `data` of an operation; raises `OperationFailed` on top-level errors."""
        body = {"query": query, "variables": variables}
        response = await self.http.post("/graphql", json=body)
        return _data(response.json())

    async def watch(self, query: str, **variables: Any) -> AsyncGenerator[dict[str, Any]]:
        """The `data` of each message of a subscription, over server-sent events."""
        body = {"query": query, "variables": variables}
        headers = {"accept": "text/event-stream"}
        async with self.http.stream("POST", "/graphql", json=body, headers=headers) as response:
            assert response.status_code == 200
            event = ""
            async for line in response.aiter_lines():
                name, _, value = line.partition(": ")
                if name == "event":
                    event = value
                elif name == "data" and event == "next":
                    yield _data(json.loads(value))
            assert event == "complete"

    async def collect(self, query: str, **variables: Any) -> list[dict[str, Any]]:
        """All messages of a subscription that completes."""
        return [message async for message in self.watch(query, **variables)]

    def socket(self) -> "Socket":
        return Socket(self.base_url, self.api_key)


class Socket:
    """One graphql-transport-ws connection."""

    def __init__(self, base_url: str, api_key: str | None) -> None:
        self._url = base_url.replace("http", "ws", 1) + "/graphql"
        self._payload = {} if api_key is None else {"authorization": f"Bearer {api_key}"}
        self.connection: ClientConnection

    async def __aenter__(self) -> Self:
        self.connection = await connect(self._url, subprotocols=[TRANSPORT_WS], proxy=None)
        await self.send({"type": "connection_init", "payload": self._payload})
        assert await self.receive() == {"type": "connection_ack"}
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.connection.close()

    async def send(self, message: dict[str, Any]) -> None:
        await self.connection.send(json.dumps(message))

    async def receive(self) -> dict[str, Any]:
        return json.loads(await self.connection.recv())

    async def subscribe(self, id: str, query: str, **variables: Any) -> None:
        payload = {"query": query, "variables": variables}
        await self.send({"id": id, "type": "subscribe", "payload": payload})


def costing(requested: int) -> dict[str, Any]:
    """What an answer has beside its data."""
    return {"extensions": {"cost": {"requested": requested, "maximum": 5_000}}}


def _data(body: dict[str, Any]) -> dict[str, Any]:
    if body.get("errors"):
        raise OperationFailed(body["errors"])
    return body["data"]
