"""Many WebSockets that speak graphql-transport-ws, each with one subscription."""

import asyncio
import base64
import json
import os
import time
import uuid
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, cast

from typing_extensions import override

AT_ONCE: Final = 50
"""Sockets that are opened at the same time."""
TEXT, CLOSE, PING, PONG = 0x1, 0x8, 0x9, 0xA
SHORT, LONG = 126, 127
"""Lengths that say that the real one follows, in two or in eight bytes."""


@dataclass(slots=True)
class Arrivals:
    """When each event was triggered, and how long each message about one took."""

    triggered: list[float] = field(default_factory=list[float])
    latencies: "array[float]" = field(default_factory=lambda: array("d"))
    failure: str | None = None

    def forget(self) -> None:
        """Start anew, once every message has come."""
        self.latencies = array("d")


def frame(opcode: int, payload: bytes) -> bytes:
    """A client's frame. The mask is zero, which is a mask too and costs nothing."""
    length = len(payload)
    if length < SHORT:
        head = bytes((0x80 | opcode, 0x80 | length))
    else:
        head = bytes((0x80 | opcode, 0x80 | SHORT)) + length.to_bytes(2, "big")
    return head + bytes(4) + payload


def message(**fields: object) -> bytes:
    return frame(TEXT, json.dumps(fields).encode())


class Socket(asyncio.Protocol):
    """One connection; `ready` is done once its subscription was sent."""

    _transport: asyncio.WriteTransport

    def __init__(self, port: int, api_key: str, document: str, id: str, arrivals: Arrivals) -> None:
        self._port = port
        self._api_key = api_key
        self._document = document
        self._id = id
        self._arrivals = arrivals
        self._count = 0
        self._buffer = b""
        self._is_open = False
        self.ready: asyncio.Future[None] = asyncio.get_running_loop().create_future()

    @override
    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.WriteTransport", transport)
        key = base64.b64encode(os.urandom(16)).decode()
        self._transport.write(
            (
                f"GET /graphql HTTP/1.1\r\nHost: 127.0.0.1:{self._port}\r\nUpgrade: websocket\r\n"
                f"Connection: Upgrade\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n"
                "Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n"
            ).encode()
        )

    @override
    def connection_lost(self, exc: Exception | None) -> None:
        self._fail(f"a socket was closed: {exc}")

    @override
    def data_received(self, data: bytes) -> None:
        buffer = self._buffer + data if self._buffer else data
        if not self._is_open:
            buffer = self._read_handshake(buffer)
        while len(buffer) >= 2:  # noqa: PLR2004  (a frame's shortest head)
            start, length = 2, buffer[1]
            if length == SHORT:
                start, length = 4, int.from_bytes(buffer[2:4], "big")
            elif length == LONG:
                start, length = 10, int.from_bytes(buffer[2:10], "big")
            end = start + length
            if len(buffer) < end:
                break
            self._read_frame(buffer[0] & 0xF, buffer[start:end])
            buffer = buffer[end:]
        self._buffer = buffer

    def close(self) -> None:
        self._is_open = False
        self._transport.abort()

    def _read_handshake(self, buffer: bytes) -> bytes:
        head, end, rest = buffer.partition(b"\r\n\r\n")
        if not end:
            return buffer
        if b" 101 " not in head.partition(b"\r\n")[0]:
            self._fail(f"no WebSocket: {head!r}")
            return b""
        self._is_open = True
        params = {"authorization": f"Bearer {self._api_key}"}
        self._send(message(type="connection_init", payload=params))
        return rest

    def _read_frame(self, opcode: int, payload: bytes) -> None:
        if opcode == TEXT:
            self._read_message(payload)
        elif opcode == PING:
            self._send(frame(PONG, payload))
        elif opcode == CLOSE:
            self._fail(f"the server closed a socket: {payload!r}")

    def _read_message(self, payload: bytes) -> None:
        if b'"next"' in payload[:80]:
            if b'"errors"' in payload:
                self._fail(payload.decode())
            taken = time.perf_counter() - self._arrivals.triggered[self._count]
            self._arrivals.latencies.append(taken)
            self._count += 1
        elif b'"connection_ack"' in payload:
            request = {"query": self._document}
            self._send(message(id=self._id, type="subscribe", payload=request))
            self.ready.set_result(None)
        elif b'"ping"' in payload:
            self._send(message(type="pong"))
        else:
            self._fail(payload.decode())

    def _send(self, data: bytes) -> None:
        self._transport.write(data)

    def _fail(self, why: str) -> None:
        if self._is_open or not self.ready.done():
            self._arrivals.failure = self._arrivals.failure or why
        if not self.ready.done():
            self.ready.set_exception(ConnectionError(why))


async def open_sockets(
    count: int, port: int, api_key: str, document: str, *, same_ids: bool, arrivals: Arrivals
) -> Sequence[Socket]:
    """Open and subscribe all of them. Ids are random, as client libraries make them."""
    loop = asyncio.get_running_loop()
    opened: list[Socket] = []
    while len(opened) < count:
        batch = [
            Socket(port, api_key, document, "1" if same_ids else str(uuid.uuid4()), arrivals)
            for _ in range(min(AT_ONCE, count - len(opened)))
        ]
        for one in batch:
            await loop.create_connection(lambda one=one: one, "127.0.0.1", port)
        await asyncio.gather(*(one.ready for one in batch))
        opened += batch
    return opened
