"""Strangers' servers: real sockets that answer as badly as they are told to."""

import asyncio
import ssl
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from outbound.addresses import Addresses
from outbound.client import Client

ANY_PORT = range(65536)
NAME = "stranger.example"
LAN = ["127.0.0.2/32"]
"""The one address that tests allow; 127.0.0.1 stays what it is: forbidden."""

Behaviour = Callable[["Request", asyncio.StreamWriter], Awaitable[None]]


@dataclass
class Request:
    line: str
    headers: dict[str, str]
    """Names in lower case."""
    body: bytes


@dataclass
class Stranger:
    """What a server does, by path, and what it saw. A page is bytes as sent, or a behaviour."""

    host: str
    port: int = 0
    scheme: str = "http"
    pages: dict[str, bytes | Behaviour] = field(default_factory=dict)
    requests: list[Request] = field(default_factory=list)
    connections: int = 0
    names: list[str] = field(default_factory=list)
    """What TLS clients asked for (SNI)."""

    def url(self, path: str = "/", *, name: str | None = None) -> str:
        return f"{self.scheme}://{name or self.host}:{self.port}{path}"

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        try:
            request = await _read(reader)
            self.requests.append(request)
            page = self.pages[request.line.split()[1]]
            if isinstance(page, bytes):
                writer.write(page)
                await writer.drain()
            else:
                await page(request, writer)
        except (OSError, asyncio.IncompleteReadError):
            return  # the client has heard enough
        finally:
            writer.close()


async def _read(reader: asyncio.StreamReader) -> Request:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    pairs = [line.partition(": ") for line in head[1:] if line]
    headers = {name.lower(): value for name, _, value in pairs}
    body = await reader.readexactly(int(headers.get("content-length", 0)))
    return Request(head[0], headers, body)


def answer(status: str = "200 OK", body: bytes = b"", **headers: str) -> bytes:
    """A whole answer. In names of headers `_` stands for `-`."""
    given = {"Content_Length": str(len(body))} | headers
    lines = [f"{name.replace('_', '-')}: {value}\r\n" for name, value in given.items()]
    return f"HTTP/1.1 {status}\r\n{''.join(lines)}\r\n".encode() + body


def redirect(location: str, status: str = "302 Found") -> bytes:
    return answer(status, Location=location)


class Listen(Protocol):
    """Starts a server; it ends with the test."""

    async def __call__(
        self, host: str = "127.0.0.2", *, port: int = 0, tls: ssl.SSLContext | None = None
    ) -> Stranger: ...


@asynccontextmanager
async def _listening(stranger: Stranger, tls: ssl.SSLContext | None) -> AsyncGenerator[None]:
    """What a server still does at the end is cancelled; what it did wrong is raised."""
    running: list[asyncio.Task[None]] = []

    def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        running.append(asyncio.create_task(stranger.serve(reader, writer)))

    server = await asyncio.start_server(
        connected, stranger.host, stranger.port, ssl=tls, limit=1 << 20
    )
    stranger.port = server.sockets[0].getsockname()[1]
    yield
    server.close()
    for task in running:
        task.cancel()
    for outcome in await asyncio.gather(*running, return_exceptions=True):
        if isinstance(outcome, Exception):
            raise outcome


@pytest.fixture
async def listen() -> AsyncGenerator[Listen]:
    async with AsyncExitStack() as stack:

        async def start(
            host: str = "127.0.0.2", *, port: int = 0, tls: ssl.SSLContext | None = None
        ) -> Stranger:
            stranger = Stranger(host, port, "https" if tls else "http")
            if tls:
                tls.sni_callback = lambda _, name, __: stranger.names.append(name)
            await stack.enter_async_context(_listening(stranger, tls))
            return stranger

        yield start


@pytest.fixture
async def stranger(listen: Listen) -> Stranger:
    return await listen()


@pytest.fixture
async def victim(listen: Listen, stranger: Stranger) -> Stranger:
    """A server of this machine that must never see a connection, at the stranger's port."""
    return await listen("127.0.0.1", port=stranger.port)


class Names:
    """A name server that says what it is told, one answer after the other, the last one for ever.

    Each is the addresses of whatever name is asked for.
    """

    def __init__(self, *answers: list[str]) -> None:
        self._answers = list(answers)
        self.asked: list[str] = []

    async def resolve(self, host: str) -> list[str]:
        self.asked.append(host)
        return self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]


@pytest.fixture
async def client() -> AsyncGenerator[Client]:
    names = Names(["127.0.0.2"])
    async with Client(
        addresses=Addresses(LAN), ports=ANY_PORT, resolve=names.resolve, answer_timeout_s=10
    ) as client:
        yield client


@dataclass(frozen=True)
class Tls:
    server: ssl.SSLContext
    client: ssl.SSLContext
    """Trusts the server."""


@pytest.fixture(scope="session")
def tls(tmp_path_factory: pytest.TempPathFactory) -> Tls:
    """A certificate of its own making for `NAME`."""
    path = tmp_path_factory.mktemp("tls") / "server.pem"
    _write_certificate(path)
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(path)
    return Tls(server, ssl.create_default_context(cafile=str(path)))


def _write_certificate(path: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, NAME)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(NAME)]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path.write_bytes(secret + certificate.public_bytes(serialization.Encoding.PEM))
