"""Downloads end where they should: at their size, in their time, or when the reader leaves."""

import asyncio
import time
import tracemalloc
from collections.abc import AsyncGenerator

import pytest

from domain.errors import FetchFailed, FetchInterrupted, LimitExceeded
from outbound import download
from outbound.client import Client
from outbound.download import Limits
from tests.strangers.conftest import Behaviour, Request, Stranger, answer
from tests.strangers.films import FILM, HALF, MIB, SIZE, fetched, part


async def test_a_file_that_is_announced_too_large_is_not_begun(
    client: Client, stranger: Stranger
) -> None:
    stranger.pages["/"] = answer(body=FILM)
    with pytest.raises(LimitExceeded) as failure:
        async with download.opened(client, stranger.url(), limits=Limits(size=SIZE - 1)):
            pytest.fail("opened")
    assert (failure.value.limit, failure.value.actual) == (SIZE - 1, SIZE)
    stranger.pages["/"] = part(5000, SIZE)
    with pytest.raises(LimitExceeded):
        await fetched(client, stranger, limits=Limits(size=SIZE - 1), resume=HALF)


async def _endless(_: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\n\r\n")
    block = bytes(MIB)
    while True:
        writer.write(block)
        await writer.drain()


async def test_a_body_without_end_is_cut_and_never_held(client: Client, stranger: Stranger) -> None:
    stranger.pages["/"] = _endless
    limits, got = Limits(size=64 * MIB), 0

    async def read() -> None:
        nonlocal got
        async with download.opened(client, stranger.url(), limits=limits) as found:
            async for block in found.blocks():
                got += len(block)

    tracemalloc.start()
    try:
        with pytest.raises(LimitExceeded) as failure:
            await read()
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert got <= limits.size < failure.value.actual
    assert peak < 16 * MIB


async def test_a_fast_server_cannot_outlast_the_total_time(
    client: Client, stranger: Stranger
) -> None:
    """Its bytes are always there when they are asked for, so nothing ever waits."""
    stranger.pages["/"] = _endless
    limits = Limits(size=1 << 40, total_s=0.1)
    async with download.opened(client, stranger.url(), limits=limits) as found:
        blocks = found.blocks()
        assert await anext(blocks)
        await asyncio.sleep(0.15)  # a slow disk
        with pytest.raises(FetchFailed, match=r"within 0\.1 seconds"):
            await anext(blocks)


async def _trickle(_: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
    for _letter in range(100_000):
        writer.write(b"x")
        await writer.drain()
        await asyncio.sleep(0.02)


async def _silence(_: Request, writer: asyncio.StreamWriter) -> None:
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * 1000)
    await asyncio.Event().wait()


@pytest.mark.parametrize("behaviour", [_trickle, _silence])
async def test_a_trickle_is_given_up(
    client: Client, stranger: Stranger, behaviour: Behaviour
) -> None:
    stranger.pages["/"] = behaviour
    with pytest.raises(FetchInterrupted, match="in time"):
        await fetched(client, stranger, limits=Limits(size=MIB, stall_s=0.2))


@pytest.mark.parametrize("behaviour", [_trickle, _silence])
async def test_the_total_time_is_final(
    client: Client, stranger: Stranger, behaviour: Behaviour
) -> None:
    stranger.pages["/"] = behaviour
    with pytest.raises(FetchFailed, match=r"within 0\.2 seconds"):
        await fetched(client, stranger, limits=Limits(size=MIB, total_s=0.2))


async def test_who_sends_enough_may_be_slow(client: Client, stranger: Stranger) -> None:
    """Each 1,000 bytes earn the whole patience again, though all of it takes longer."""

    async def slow(_: Request, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n")
        for at in range(0, 10_000, 500):
            writer.write(FILM[at : at + 500])
            await writer.drain()
            await asyncio.sleep(0.05)

    stranger.pages["/"] = slow
    limits = Limits(size=MIB, stall_s=0.5, stall_bytes=1000)
    _, body = await fetched(client, stranger, limits=limits)
    assert body == FILM[:10_000]


async def test_a_reader_who_takes_time_is_not_a_stall(client: Client, stranger: Stranger) -> None:
    stranger.pages["/"] = answer(body=FILM * 100)
    limits, got = Limits(size=MIB, stall_s=0.2, stall_bytes=MIB), 0
    async with download.opened(client, stranger.url(), limits=limits) as found:
        async for block in found.blocks():
            got += len(block)
            await asyncio.sleep(0.05)  # a disk, as slow as this
    assert got == 100 * SIZE


async def test_a_download_is_no_faster_than_allowed(client: Client, stranger: Stranger) -> None:
    stranger.pages["/"] = answer(body=FILM)
    begun = time.monotonic()
    _, body = await fetched(client, stranger, limits=Limits(size=MIB, bytes_per_s=2 * SIZE))
    assert (body, time.monotonic() - begun >= 0.5) == (FILM, True)


async def test_a_reader_may_leave_early(client: Client, stranger: Stranger) -> None:
    left = asyncio.Event()

    async def endless(request: Request, writer: asyncio.StreamWriter) -> None:
        try:
            await _endless(request, writer)
        finally:
            left.set()

    stranger.pages["/"] = endless
    async with download.opened(client, stranger.url(), limits=Limits(size=MIB)) as found:
        blocks: AsyncGenerator[bytes] = found.blocks()
        assert await anext(blocks)
        await blocks.aclose()
    async with asyncio.timeout(5):
        await left.wait()  # the connection is closed
