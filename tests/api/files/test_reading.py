"""How a file is read while it is handed out: in pieces, without waiting, and closed at the end."""

import asyncio
import errno
import os
import threading
import tracemalloc
from pathlib import Path

import httpx
import pytest
from starlette.types import Message, Scope

from server.files import PIECE
from tests.support.handing import CLIP, Site, response

GET: Scope = {"type": "http", "method": "GET", "headers": []}


async def test_reading_stops_when_the_client_leaves(site: Site) -> None:
    os.truncate(site.path, 1 << 30)
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(b"GET / HTTP/1.1\r\nHost: site\r\n\r\n")
    await reader.readexactly(PIECE)
    assert site.is_open()

    writer.transport.abort()
    await asyncio.wait_for(site.ended.wait(), 10)

    assert sum(size for size in site.sent if isinstance(size, int)) < 1 << 25
    assert not site.is_open()


async def test_a_large_file_does_not_grow_memory(site: Site) -> None:
    os.truncate(site.path, 1 << 26)
    tracemalloc.start()
    try:
        async with site.client.stream("GET", "/") as got:
            received = sum([len(piece) async for piece in got.aiter_raw()])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert received == 1 << 26
    assert peak < 1 << 22


async def test_a_file_that_shrinks_breaks_the_connection(site: Site) -> None:
    os.truncate(site.path, 1 << 26)

    async with site.client.stream("GET", "/") as got:
        os.truncate(site.path, PIECE)
        with pytest.raises(httpx.RemoteProtocolError):
            await got.aread()

    assert not site.is_open()


@pytest.mark.parametrize(
    ("number", "asked_again"),
    [(errno.EAGAIN, True), (errno.EOPNOTSUPP, False)],
    ids=["cold pages", "a file system that cannot tell"],
)
async def test_what_cannot_be_read_at_once_is_read_in_a_thread(
    site: Site, monkeypatch: pytest.MonkeyPatch, *, number: int, asked_again: bool
) -> None:
    site.path.write_bytes(content := os.urandom(2 * PIECE))
    real = os.preadv
    calls: list[tuple[bool, int]] = []

    def preadv(descriptor: int, buffers: list[bytearray], offset: int, flags: int = 0) -> int:
        calls.append((threading.current_thread() is threading.main_thread(), flags))
        if flags:
            raise OSError(number, os.strerror(number))
        return real(descriptor, buffers, offset)

    monkeypatch.setattr("os.preadv", preadv)
    got = await site.get()

    at_once, in_thread = (True, os.RWF_NOWAIT), (False, 0)
    assert got.content == content
    assert calls == [at_once, in_thread, *([at_once] if asked_again else []), in_thread]


async def test_a_system_without_the_flag_reads_in_a_thread(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("server.files._NOWAIT", 0)

    assert (await site.get()).content == CLIP


async def test_others_have_their_turn_between_two_pieces(tmp_path: Path) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(bytes(3 * PIECE))
    loop = asyncio.get_running_loop()
    listening = loop.create_future()
    order: list[str] = []

    async def receive() -> Message:
        return await listening

    async def take_at_once(message: Message) -> None:
        if "body" in message:
            order.append("piece")
            loop.call_soon(order.append, "others")

    await response(path)(GET, receive, take_at_once)

    assert order == ["piece", "others"] * 3
    assert listening.cancelled()


async def test_nothing_is_read_for_a_client_that_has_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(CLIP)
    monkeypatch.setattr("server.files._NOWAIT", 0)  # so that the client leaves during a read
    sent: list[str] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message["type"])

    await response(path)(GET, receive, send)

    assert sent == ["http.response.start"]


async def test_a_request_cancelled_while_the_file_is_opened_leaves_it_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "clip.mp4"
    path.write_bytes(CLIP)
    loop = asyncio.get_running_loop()
    opening, closed, disk = asyncio.Event(), asyncio.Event(), threading.Event()
    real_open, real_close, opened = os.open, os.close, set[int]()

    def slow_open(name: Path, flags: int) -> int:
        loop.call_soon_threadsafe(opening.set)
        assert disk.wait(10)
        opened.add(real_open(name, flags))
        return max(opened)

    def close(descriptor: int) -> None:
        real_close(descriptor)
        if descriptor in opened:
            closed.set()

    async def unused() -> Message:
        raise NotImplementedError

    async def send(message: Message) -> None:
        raise NotImplementedError(message)

    monkeypatch.setattr("os.open", slow_open)
    monkeypatch.setattr("os.close", close)
    answering = asyncio.create_task(response(path)(GET, unused, send))
    await opening.wait()
    answering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answering
    disk.set()

    await asyncio.wait_for(closed.wait(), 10)
