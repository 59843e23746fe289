"""Servers that answer without end, late, or not at all."""

import asyncio
import socket
from collections.abc import Awaitable, Callable

import pytest

from domain.errors import FetchFailed, FetchInterrupted
from outbound.client import Client, failures
from tests.strangers.asking import lost, status
from tests.strangers.conftest import Names, Request, Stranger, answer


@pytest.mark.parametrize(
    ("begin", "more"),
    [
        (b"HTTP/1.1 200 OK\r\nX-Big: ", b"x" * 65536),
        (b"HTTP/1.1 200 OK\r\n", b"X-Many: y\r\n" * 6000),
        (b"HTTP/1.1 200 ", b"O" * 65536),
        (b"", b"rubbish" * 9000),
    ],
)
async def test_a_header_without_end_is_not_read(
    client: Client, stranger: Stranger, begin: bytes, more: bytes
) -> None:
    sent = 0

    async def endless(_: Request, writer: asyncio.StreamWriter) -> None:
        nonlocal sent
        writer.write(begin)
        while sent < 100 << 20:
            writer.write(more)
            await writer.drain()
            sent += len(more)

    stranger.pages["/"] = endless
    with pytest.raises(FetchFailed, match="header too large"):
        await status(client, stranger.url())
    assert sent < 8 << 20  # what fits into the buffers of two sockets


async def _silence(_: Request, __: asyncio.StreamWriter) -> None:
    await asyncio.Event().wait()


async def _promises(_: Request, writer: asyncio.StreamWriter) -> None:
    while True:
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 100)
        await writer.drain()
        await asyncio.sleep(0)


async def _hesitation(_: Request, writer: asyncio.StreamWriter) -> None:
    for letter in b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 8000:
        writer.write(bytes([letter]))
        await writer.drain()
        await asyncio.sleep(0.01)


@pytest.mark.parametrize("behaviour", [_silence, _promises, _hesitation])
async def test_an_answer_that_does_not_come(
    stranger: Stranger, behaviour: Callable[[Request, asyncio.StreamWriter], Awaitable[None]]
) -> None:
    stranger.pages["/"] = behaviour
    async with lost(Names([]), answer_timeout_s=0.3) as client:
        with pytest.raises(FetchInterrupted, match="in time"):
            await status(client, stranger.url())


async def test_a_name_server_that_does_not_answer() -> None:
    async def resolve(_: str) -> list[str]:
        return await asyncio.Future[list[str]]()

    async with Client(resolve=resolve, connect_timeout_s=0.1) as client:
        with pytest.raises(FetchInterrupted, match="in time"):
            await status(client, "http://slow.example/")


async def test_a_server_that_never_says_hello() -> None:
    """It takes the connection and leaves TLS unanswered."""
    mute = socket.create_server(("127.0.0.2", 0))
    async with lost(Names([]), connect_timeout_s=0.1) as client:
        with pytest.raises(FetchInterrupted, match="in time"):
            await status(client, f"https://127.0.0.2:{mute.getsockname()[1]}/")
    mute.close()


async def test_a_server_that_refuses_or_hangs_up(client: Client, stranger: Stranger) -> None:
    with socket.create_server(("127.0.0.2", 0)) as closed:
        port = closed.getsockname()[1]
    with pytest.raises(FetchInterrupted, match="lost or refused"):
        await status(client, f"http://127.0.0.2:{port}/")
    stranger.pages["/"] = b""
    with pytest.raises(FetchInterrupted, match="lost or refused"):
        await status(client, stranger.url())


async def test_what_the_reader_does_wrong_is_its_own_matter(
    client: Client, stranger: Stranger
) -> None:
    stranger.pages["/"] = answer()
    with pytest.raises(TimeoutError):
        async with client.opened(stranger.url()):
            raise TimeoutError
    with pytest.raises(FetchInterrupted), failures():
        raise TimeoutError
