"""Downloads whose server breaks off, says something else than it does, or does not speak HTTP."""

import asyncio
import gzip

import pytest

from domain.errors import DomainError, FetchFailed, FetchInterrupted
from outbound import download
from outbound.client import Client
from outbound.download import Limits
from tests.strangers.conftest import Request, Stranger, answer
from tests.strangers.films import FILM, MIB, SIZE, fetched


@pytest.mark.parametrize(
    "page",
    [
        answer(body=FILM, Content_Length=str(SIZE + 1)),
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
    ],
)
async def test_a_body_that_breaks_off(client: Client, stranger: Stranger, page: bytes) -> None:
    stranger.pages["/"] = page
    with pytest.raises(FetchInterrupted):
        await fetched(client, stranger)


async def test_a_lost_connection(client: Client, stranger: Stranger) -> None:
    async def reset(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(body=FILM)[:5000])
        await writer.drain()
        writer.transport.abort()

    stranger.pages["/"] = reset
    with pytest.raises(FetchInterrupted):
        await fetched(client, stranger)


async def test_more_than_was_announced_is_not_taken(client: Client, stranger: Stranger) -> None:
    heard = asyncio.Event()

    async def adds(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(answer(body=FILM[:1000]))
        await heard.wait()
        writer.write(FILM[1000:])

    stranger.pages["/"] = answer(body=FILM, Content_Length="1000")
    with pytest.raises(FetchFailed, match="not HTTP"):
        await fetched(client, stranger)
    stranger.pages["/"] = adds
    async with download.opened(client, stranger.url(), limits=Limits(size=MIB)) as found:
        blocks = found.blocks()
        assert await anext(blocks) == FILM[:1000]
        heard.set()
        assert [block async for block in blocks] == []


async def test_rubbish_in_the_middle(client: Client, stranger: Stranger) -> None:
    """It ends like silence, by the limit for stalls: what cannot be parsed brings no bytes."""
    heard = asyncio.Event()

    async def rubbish(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n")
        await heard.wait()
        writer.write(b"rubbish\r\n")

    stranger.pages["/"] = rubbish
    limits = Limits(size=MIB, stall_s=0.2)
    async with download.opened(client, stranger.url(), limits=limits) as found:
        blocks = found.blocks()
        assert await anext(blocks) == b"hello"
        heard.set()
        with pytest.raises(FetchInterrupted, match="in time"):
            await anext(blocks)


@pytest.mark.parametrize(
    "page",
    [
        answer(body=b"", Transfer_Encoding="chunked", Content_Length="3") + b"zz\r\n",
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nrubbish\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        b"HTTP/1.1 200 OK\r\nContent-Length: -3\r\n\r\nabcd",
        b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nX: a\nY\r\n\r\nabc",
        b"SSH-2.0-OpenSSH_9\r\n",
        b"+PONG\r\n",
    ],
)
async def test_what_is_not_http(client: Client, stranger: Stranger, page: bytes) -> None:
    stranger.pages["/"] = page
    with pytest.raises((FetchFailed, FetchInterrupted)):
        await fetched(client, stranger)


@pytest.mark.parametrize(
    "headers",
    [
        {"Content_Encoding": "gzip"},
        {"Content_Encoding": "br"},
        {"Content_Encoding": "identity, gzip"},
        {"Transfer_Encoding": "gzip"},
        {"Transfer_Encoding": "gzip, chunked"},
    ],
)
async def test_a_packed_file_is_refused_unopened(
    client: Client, stranger: Stranger, headers: dict[str, str]
) -> None:
    stranger.pages["/"] = answer(body=gzip.compress(bytes(10 * MIB)), **headers)
    with pytest.raises(DomainError, match=r"packed|not HTTP") as failure:
        await fetched(client, stranger)
    assert isinstance(failure.value, FetchFailed)
    assert stranger.requests[0].headers["accept-encoding"] == "identity"


async def test_a_packed_file_that_says_nothing_stays_packed(
    client: Client, stranger: Stranger
) -> None:
    packed = gzip.compress(bytes(10 * MIB))
    stranger.pages["/"] = answer(body=packed, Content_Type="application/gzip")
    _, body = await fetched(client, stranger)
    assert body == packed
