"""Handing out one file over HTTP: whole, by range, or not at all."""

import asyncio
import errno
import os
import socket
import threading
import tracemalloc
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from email.utils import formatdate
from pathlib import Path

import httpx
import pytest
import uvicorn
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from server.files import PIECE, FileResponse

CLIP = b"0123456789"
GET: Scope = {"type": "http", "method": "GET", "headers": []}


@dataclass
class Site:
    """A real server of one file that answers as `response` says, and what it last sent."""

    path: Path
    port: int
    client: httpx.AsyncClient
    etag: str | None = None
    sent: list[str | int] = field(default_factory=list[str | int])
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def get(self, headers: dict[str, str] | None = None) -> httpx.Response:
        return await self.client.get("/", headers=headers)

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def record(message: Message) -> None:
            await send(message)
            self.sent.append(len(message["body"]) if "body" in message else message["type"])

        try:
            await response(self.path, etag=self.etag)(scope, receive, record)
        except FileNotFoundError:
            await Response(status_code=404)(scope, receive, send)
        finally:
            self.ended.set()

    def is_open(self) -> bool:
        """Whether this process holds a descriptor of the file."""
        links = list(Path("/proc/self/fd").iterdir())
        return any(link.exists() and link.samefile(self.path) for link in links)


def response(path: Path, *, etag: str | None = None) -> FileResponse:
    return FileResponse(
        path,
        content_type="video/mp4",
        cache_control="public, max-age=60",
        etag=etag,
        headers={"Access-Control-Allow-Origin": "*"},
    )


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """Connections wait in the socket's backlog until the server is up, so nobody else has to."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        site = Site(tmp_path_factory.mktemp("site") / "clip.mp4", port, client)
        config = uvicorn.Config(
            site.answer, interface="asgi3", lifespan="off", ws="none", log_config=None
        )
        serving = asyncio.create_task((running := uvicorn.Server(config)).serve([listener]))
        yield site
        running.should_exit = True
        await serving


@pytest.fixture
def site(server: Site) -> Site:
    server.path.write_bytes(CLIP)
    server.etag, server.sent, server.ended = None, [], asyncio.Event()
    return server


async def test_the_whole_file_is_described(site: Site) -> None:
    os.utime(site.path, ns=(0, 1_700_000_000_123_456_789))

    got = await site.get()

    assert (got.status_code, got.content) == (200, CLIP)
    assert {name: got.headers[name] for name in got.headers if name not in ("date", "server")} == {
        "content-type": "video/mp4",
        "content-length": "10",
        "accept-ranges": "bytes",
        "cache-control": "public, max-age=60",
        "access-control-allow-origin": "*",
        "etag": f'"{site.path.stat().st_ino:x}-a-{1_700_000_000_123_456_789:x}"',
        "last-modified": formatdate(1_700_000_000, usegmt=True),
    }
    assert not site.is_open()


async def test_a_file_of_many_pieces_arrives_as_it_is(site: Site) -> None:
    site.path.write_bytes(content := os.urandom(3 * PIECE + 1))

    assert (await site.get()).content == content
    assert site.sent == ["http.response.start", PIECE, PIECE, PIECE, 1]


@pytest.mark.parametrize(
    ("value", "content_range", "content"),
    [
        ("bytes=0-0", "bytes 0-0/10", b"0"),
        ("bytes=3-5", "bytes 3-5/10", b"345"),
        ("bytes=7-", "bytes 7-9/10", b"789"),
        ("bytes=-2", "bytes 8-9/10", b"89"),
        ("bytes=0-", "bytes 0-9/10", CLIP),
    ],
)
async def test_a_range_is_sent_alone(
    site: Site, value: str, content_range: str, content: bytes
) -> None:
    got = await site.get({"Range": value})

    assert (got.status_code, got.content) == (206, content)
    assert got.headers["content-range"] == content_range
    assert got.headers["content-length"] == str(len(content))
    assert got.headers["content-type"] == "video/mp4"


async def test_a_range_may_start_and_end_inside_pieces(site: Site) -> None:
    site.path.write_bytes(content := os.urandom(3 * PIECE))

    got = await site.get({"Range": f"bytes=1000-{2 * PIECE + 1}"})

    assert got.content == content[1000 : 2 * PIECE + 2]


@pytest.mark.parametrize("value", ["bytes=0-1,4-5", "bytes=5-1", "seconds=0-1"])
async def test_a_range_that_is_ignored_gets_the_whole_file(site: Site, value: str) -> None:
    got = await site.get({"Range": value})

    assert (got.status_code, got.content) == (200, CLIP)
    assert "content-range" not in got.headers


async def test_a_range_behind_the_end_is_refused(site: Site) -> None:
    got = await site.get({"Range": "bytes=10-"})

    assert (got.status_code, got.content) == (416, b"")
    assert got.headers["content-range"] == "bytes */10"
    assert got.headers["access-control-allow-origin"] == "*"
    assert "cache-control" not in got.headers


@pytest.mark.parametrize("headers", [{}, {"Range": "bytes=0-1"}], ids=["plain", "with a range"])
async def test_head_describes_the_whole_file(site: Site, headers: dict[str, str]) -> None:
    got = await site.client.head("/", headers=headers)

    assert (got.status_code, got.content) == (200, b"")
    assert got.headers["content-length"] == "10"
    assert got.headers["etag"] == (await site.get()).headers["etag"]


async def test_an_empty_file_is_sent(site: Site) -> None:
    site.path.write_bytes(b"")

    got = await site.get({"Range": "bytes=0-"})

    assert (got.status_code, got.content, got.headers["content-length"]) == (200, b"", "0")


async def test_a_tag_that_is_given_is_used(site: Site) -> None:
    site.etag = "abc"

    assert (await site.get()).headers["etag"] == '"abc"'


@pytest.mark.parametrize("known", ["{}", "W/{}", '"other", {}', "*"])
async def test_a_known_file_is_not_sent_again(site: Site, known: str) -> None:
    tag = (await site.get()).headers["etag"]

    got = await site.get({"If-None-Match": known.format(tag), "Range": "bytes=0-1"})

    assert (got.status_code, got.content) == (304, b"")
    assert got.headers["etag"] == tag
    assert got.headers["cache-control"] == "public, max-age=60"
    assert got.headers["access-control-allow-origin"] == "*"


async def test_another_file_than_the_known_one_is_sent(site: Site) -> None:
    tag = (await site.get()).headers["etag"]
    os.utime(site.path, ns=(0, site.path.stat().st_mtime_ns + 1))

    got = await site.get({"If-None-Match": tag})

    assert (got.status_code, got.content) == (200, CLIP)
    assert got.headers["etag"] != tag


@pytest.mark.parametrize(
    ("validator", "status"),
    [('"abc"', 206), ('W/"abc"', 200), ('"other"', 200), (formatdate(1e9, usegmt=True), 200)],
)
async def test_if_range_continues_only_the_same_file(
    site: Site, validator: str, status: int
) -> None:
    site.etag = "abc"
    os.utime(site.path, (1e9, 1e9))

    assert (await site.get({"Range": "bytes=1-2", "If-Range": validator})).status_code == status


async def test_without_a_file_nothing_is_sent_and_the_caller_decides(site: Site) -> None:
    site.path.unlink()
    assert (await site.get()).status_code == 404

    site.path.mkdir()
    assert (await site.get()).status_code == 404
    assert not site.is_open()

    site.path.rmdir()
    assert site.sent == []


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
