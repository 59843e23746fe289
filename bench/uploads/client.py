"""An HTTP client that needs next to no CPU: bodies go from the page cache to the socket."""

import os
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from ballast import Ballast
from processes import ServerFailed

HEAD_END = b"\r\n\r\n"
LAST_CHUNK = b"0\r\n\r\n"
TIMEOUT_S = 120
SUCCESS = range(200, 300)


@dataclass(frozen=True, slots=True)
class Body:
    """A range of a file, and what comes after it."""

    descriptor: int
    offset: int
    length: int
    """Without the tail."""
    tail: bytes = b""

    @property
    def size(self) -> int:
        return self.length + len(self.tail)


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    """By their names in small letters."""
    body: bytes


class Connection:
    """One kept connection with one request at a time."""

    def __init__(self, port: int, ballast: Ballast | None = None) -> None:
        """`ballast` is released as files are sent."""
        self._ballast = ballast
        self._host = f"127.0.0.1:{port}"
        self._socket = socket.create_connection(("127.0.0.1", port), TIMEOUT_S)
        self._socket.settimeout(None)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._received = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._socket.close()

    def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str],
        body: bytes | Body = b"",
    ) -> Answer:
        """Raises `ServerFailed` for any status but a success."""
        length = len(body) if isinstance(body, bytes) else body.size
        lines = [
            f"{method} {path} HTTP/1.1",
            f"Host: {self._host}",
            f"Content-Length: {length}",
            *(f"{name}: {value}" for name, value in headers.items()),
        ]
        head = "\r\n".join(lines).encode() + HEAD_END
        if isinstance(body, bytes):
            self._socket.sendall(head + body)
        else:
            self._socket.sendall(head)
            self._send_file(body)
        answer = self._answer()
        if answer.status not in SUCCESS:
            raise ServerFailed(f"{method} {path}: {answer.status} {answer.body!r:.500}")
        return answer

    def _send_file(self, body: Body) -> None:
        if self._ballast:
            self._ballast.release(body.size)
        offset, end = body.offset, body.offset + body.length
        while offset < end:
            offset += os.sendfile(
                self._socket.fileno(), body.descriptor, offset, min(end - offset, 1 << 20)
            )
        if body.tail:
            self._socket.sendall(body.tail)

    def _answer(self) -> Answer:
        while HEAD_END not in self._received:
            self._receive()
        head, _, rest = self._received.partition(HEAD_END)
        first, *lines = head.decode("latin-1").split("\r\n")
        pairs = (line.partition(":") for line in lines)
        headers = {name.lower(): value.strip() for name, _, value in pairs}
        self._received = rest
        chunked = headers.get("transfer-encoding") == "chunked"
        body = self._until(LAST_CHUNK) if chunked else self._take(headers.get("content-length"))
        return Answer(int(first.split()[1]), headers, body)

    def _take(self, length: str | None) -> bytes:
        wanted = int(length or 0)
        while len(self._received) < wanted:
            self._receive()
        body, self._received = self._received[:wanted], self._received[wanted:]
        return body

    def _until(self, end: bytes) -> bytes:
        """With the chunks' own lines: nobody reads what comes so."""
        while not self._received.endswith(end):
            self._receive()
        body, self._received = self._received, b""
        return body

    def _receive(self) -> None:
        block = self._socket.recv(1 << 16)
        if not block:
            raise ServerFailed("a server closed a connection without an answer")
        self._received += block
