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
import pytest_asyncio
import uvicorn
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from server.files import PIECE, FileResponse, parse_range

CLIP = b"0123456789"


@dataclass
class Site:
    """A real server that hands out the files of `root`, and what its last request did."""

    root: Path
    port: int
    sent: list[str | int] = field(default_factory=list[str | int])
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    def put(self, name: str, content: bytes = CLIP) -> Path:
        path = self.root / name
        path.write_bytes(content)
        return path

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.sent, self.ended = [], asyncio.Event()
        try:
            await response(self.root / scope["path"][1:])(scope, receive, self._recorded(send))
        except FileNotFoundError:
            await Response(status_code=404)(scope, receive, send)
        finally:
            self.ended.set()

    def _recorded(self, send: Send) -> Send:
        async def record(message: Message) -> None:
            await send(message)
            self.sent.append(len(message["body"]) if "body" in message else message["type"])

        return record

    def is_open(self, path: Path) -> bool:
        """Whether this process holds a descriptor of the file."""
        return path in {
            item.readlink() for item in Path("/proc/self/fd").iterdir() if item.exists()
        }


def response(path: Path, *, etag: str | None = None) -> FileResponse:
    return FileResponse(
        path,
        content_type="video/mp4",
        cache_control="public, max-age=60",
        etag=etag,
        headers={"Access-Control-Allow-Origin": "*"},
    )


@pytest_asyncio.fixture(scope="module")
async def site(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """Connections wait in the socket's backlog until the server is up, so nobody else has to."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        site = Site(tmp_path_factory.mktemp("site"), listener.getsockname()[1])
        config = uvicorn.Config(
            site.answer, interface="asgi3", lifespan="off", ws="none", log_config=None
        )
        server = uvicorn.Server(config)
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        yield site
        server.should_exit = True
        await serving


@pytest_asyncio.fixture(scope="module")
async def player(site: Site) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{site.port}") as client:
        yield client


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("bytes=0-0", range(1)),
        ("bytes=2-4", range(2, 5)),
        ("bytes=2-", range(2, 10)),
        ("bytes=2-99", range(2, 10)),
        ("bytes=-3", range(7, 10)),
        ("bytes=-99", range(10)),
        ("BYTES= 2-4", range(2, 5)),
        ("", None),
        ("bytes", None),
        ("bytes=", None),
        ("bytes=-", None),
        ("bytes=4-2", None),
        ("bytes=2-4,6-7", None),
        ("bytes=a-b", None),
        ("bytes=+2-4", None),
        ("bytes=٢-٤", None),  # digits, but not of this protocol
        ("bytes=2-4x", None),
        ("seconds=2-4", None),
        (f"bytes={'9' * 5000}-", None),
    ],
)
def test_a_range_header_is_understood_or_ignored(value: str, expected: range | None) -> None:
    assert parse_range(value, 10) == expected


@pytest.mark.parametrize("value", ["bytes=10-", "bytes=10-12", "bytes=999999999999-", "bytes=-0"])
def test_a_range_without_a_byte_of_the_file_is_empty(value: str) -> None:
    span = parse_range(value, 10)
    assert span is not None
    assert not span


@pytest.mark.parametrize("value", ["bytes=0-", "bytes=0-5", "bytes=-5"])
def test_an_empty_file_has_no_ranges(value: str) -> None:
    assert parse_range(value, 0) is None


async def test_the_whole_file_is_described(site: Site, player: httpx.AsyncClient) -> None:
    path = site.put("whole.mp4")
    state = path.stat()
    os.utime(path, ns=(state.st_atime_ns, 1_700_000_000_123_456_789))

    got = await player.get("whole.mp4")

    assert (got.status_code, got.content) == (200, CLIP)
    assert {name: got.headers[name] for name in got.headers if name not in ("date", "server")} == {
        "content-type": "video/mp4",
        "content-length": "10",
        "accept-ranges": "bytes",
        "cache-control": "public, max-age=60",
        "access-control-allow-origin": "*",
        "etag": f'"{state.st_ino:x}-a-{1_700_000_000_123_456_789:x}"',
        "last-modified": formatdate(1_700_000_000, usegmt=True),
    }
    assert not site.is_open(path)


async def test_a_file_of_many_pieces_arrives_as_it_is(
    site: Site, player: httpx.AsyncClient
) -> None:
    content = os.urandom(3 * PIECE + 1)
    site.put("pieces.mp4", content)

    assert (await player.get("pieces.mp4")).content == content
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
    site: Site, player: httpx.AsyncClient, value: str, content_range: str, content: bytes
) -> None:
    site.put("range.mp4")

    got = await player.get("range.mp4", headers={"Range": value})

    assert (got.status_code, got.content) == (206, content)
    assert got.headers["content-range"] == content_range
    assert got.headers["content-length"] == str(len(content))
    assert got.headers["content-type"] == "video/mp4"


async def test_a_range_starts_and_ends_inside_pieces(site: Site, player: httpx.AsyncClient) -> None:
    content = os.urandom(3 * PIECE)
    site.put("inside.mp4", content)

    got = await player.get("inside.mp4", headers={"Range": f"bytes=1000-{2 * PIECE + 1}"})

    assert got.content == content[1000 : 2 * PIECE + 2]


@pytest.mark.parametrize("value", ["bytes=0-1,4-5", "bytes=5-1", "seconds=0-1"])
async def test_a_range_that_is_ignored_gets_the_whole_file(
    site: Site, player: httpx.AsyncClient, value: str
) -> None:
    site.put("ignored.mp4")

    got = await player.get("ignored.mp4", headers={"Range": value})

    assert (got.status_code, got.content) == (200, CLIP)
    assert "content-range" not in got.headers


async def test_a_range_behind_the_end_is_refused(site: Site, player: httpx.AsyncClient) -> None:
    site.put("behind.mp4")

    got = await player.get("behind.mp4", headers={"Range": "bytes=10-"})

    assert (got.status_code, got.content) == (416, b"")
    assert got.headers["content-range"] == "bytes */10"
    assert got.headers["access-control-allow-origin"] == "*"
    assert "cache-control" not in got.headers


async def test_head_describes_the_whole_file_even_with_a_range(
    site: Site, player: httpx.AsyncClient
) -> None:
    site.put("head.mp4")
    whole = await player.get("head.mp4")

    for headers in ({}, {"Range": "bytes=0-1"}):
        got = await player.head("head.mp4", headers=headers)

        assert (got.status_code, got.content) == (200, b"")
        assert got.headers["content-length"] == "10"
        assert got.headers["etag"] == whole.headers["etag"]


async def test_an_empty_file_is_sent(site: Site, player: httpx.AsyncClient) -> None:
    site.put("empty.mp4", b"")

    got = await player.get("empty.mp4", headers={"Range": "bytes=0-"})

    assert (got.status_code, got.content, got.headers["content-length"]) == (200, b"", "0")


async def test_another_state_of_the_file_has_another_tag(
    site: Site, player: httpx.AsyncClient
) -> None:
    path = site.put("changed.mp4")
    before = (await player.get("changed.mp4")).headers["etag"]
    os.utime(path, ns=(0, path.stat().st_mtime_ns + 1))

    assert (await player.get("changed.mp4")).headers["etag"] != before


@pytest.mark.parametrize("known", ["{}", "W/{}", '"other", {}', "*"])
async def test_a_known_file_is_not_sent_again(
    site: Site, player: httpx.AsyncClient, known: str
) -> None:
    site.put("known.mp4")
    tag = (await player.get("known.mp4")).headers["etag"]

    got = await player.get(
        "known.mp4", headers={"If-None-Match": known.format(tag), "Range": "bytes=0-1"}
    )

    assert (got.status_code, got.content) == (304, b"")
    assert got.headers["etag"] == tag
    assert got.headers["cache-control"] == "public, max-age=60"
    assert got.headers["access-control-allow-origin"] == "*"
    assert "content-length" not in got.headers


async def test_another_file_than_the_known_one_is_sent(
    site: Site, player: httpx.AsyncClient
) -> None:
    site.put("unknown.mp4")

    got = await player.get("unknown.mp4", headers={"If-None-Match": '"other"'})

    assert (got.status_code, got.content) == (200, CLIP)


async def test_if_range_continues_only_the_same_file(site: Site, player: httpx.AsyncClient) -> None:
    site.put("continued.mp4")
    whole = await player.get("continued.mp4")
    tag = whole.headers["etag"]

    for validator, status in {
        tag: 206,
        f"W/{tag}": 200,
        '"other"': 200,
        whole.headers["last-modified"]: 200,
    }.items():
        got = await player.get(
            "continued.mp4", headers={"Range": "bytes=1-2", "If-Range": validator}
        )
        assert (validator, got.status_code) == (validator, status)


@pytest.mark.parametrize("name", ["missing.mp4", "folder"])
async def test_without_a_file_nothing_is_sent_and_the_caller_decides(
    site: Site, player: httpx.AsyncClient, name: str
) -> None:
    folder = site.root / "folder"
    folder.mkdir(exist_ok=True)

    assert (await player.get(name)).status_code == 404
    assert site.sent == []
    assert not site.is_open(folder)


async def test_reading_stops_when_the_client_leaves(site: Site) -> None:
    path = site.put("big.mp4")
    os.truncate(path, 1 << 30)
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    writer.write(b"GET /big.mp4 HTTP/1.1\r\nHost: site\r\n\r\n")
    await reader.readexactly(PIECE)
    assert site.is_open(path)

    writer.transport.abort()
    await asyncio.wait_for(site.ended.wait(), 10)

    assert sum(size for size in site.sent if isinstance(size, int)) < 1 << 25
    assert not site.is_open(path)


async def test_a_large_file_does_not_grow_memory(site: Site, player: httpx.AsyncClient) -> None:
    path = site.put("large.mp4")
    os.truncate(path, 1 << 26)
    tracemalloc.start()
    try:
        async with player.stream("GET", "large.mp4") as got:
            received = sum([len(piece) async for piece in got.aiter_raw()])
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert received == 1 << 26
    assert peak < 1 << 22


async def test_a_file_that_shrinks_breaks_the_connection(
    site: Site, player: httpx.AsyncClient
) -> None:
    path = site.put("shrinking.mp4")
    os.truncate(path, 1 << 26)

    async with player.stream("GET", "shrinking.mp4") as got:
        os.truncate(path, PIECE)
        with pytest.raises(httpx.RemoteProtocolError):
            await got.aread()

    assert not site.is_open(path)


@pytest.mark.parametrize(
    ("number", "asked_again"),
    [(errno.EAGAIN, True), (errno.EOPNOTSUPP, False)],
    ids=["cold pages", "a file system that cannot tell"],
)
async def test_what_cannot_be_read_at_once_is_read_in_a_thread(
    site: Site,
    player: httpx.AsyncClient,
    monkeypatch: pytest.MonkeyPatch,
    number: int,
    asked_again: bool,  # noqa: FBT001  # parametrized
) -> None:
    content = os.urandom(2 * PIECE)
    site.put("cold.mp4", content)
    real = os.preadv
    calls: list[tuple[bool, int]] = []

    def preadv(descriptor: int, buffers: list[bytearray], offset: int, flags: int = 0) -> int:
        calls.append((threading.current_thread() is threading.main_thread(), flags))
        if flags:
            raise OSError(number, os.strerror(number))
        return real(descriptor, buffers, offset)

    monkeypatch.setattr("os.preadv", preadv)
    got = await player.get("cold.mp4")

    at_once, in_thread = (True, os.RWF_NOWAIT), (False, 0)
    assert got.content == content
    assert calls == [at_once, in_thread, *([at_once] if asked_again else []), in_thread]


async def test_without_the_kernel_flag_every_read_is_made_in_a_thread(
    site: Site, player: httpx.AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = os.urandom(PIECE + 1)
    site.put("elsewhere.mp4", content)
    monkeypatch.setattr("server.files._NOWAIT", 0)

    assert (await player.get("elsewhere.mp4")).content == content


def request(method: str = "GET") -> Scope:
    return {"type": "http", "method": method, "headers": []}


async def never() -> Message:
    """A client that stays."""
    return await asyncio.get_running_loop().create_future()


async def test_others_have_their_turn_between_two_pieces(tmp_path: Path) -> None:
    path = tmp_path / "fast.mp4"
    path.write_bytes(bytes(3 * PIECE))
    pieces = turns = 0

    def turn() -> None:
        nonlocal turns
        turns += 1

    async def send(message: Message) -> None:  # a client that takes everything at once
        nonlocal pieces
        if "body" in message:
            assert turns == pieces
            pieces += 1
            asyncio.get_running_loop().call_soon(turn)

    await response(path)(request(), never, send)

    assert pieces == 3


async def test_nothing_is_sent_to_a_client_that_left_before_the_first_piece(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "left.mp4"
    path.write_bytes(CLIP)
    monkeypatch.setattr("server.files._NOWAIT", 0)
    sent: list[str] = []

    async def receive() -> Message:
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        sent.append(message["type"])

    await response(path)(request(), receive, send)

    assert sent == ["http.response.start"]


async def test_a_request_cancelled_while_the_file_is_opened_leaves_it_closed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "slow.mp4"
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

    async def send(message: Message) -> None:
        pytest.fail(f"{message} was sent")

    monkeypatch.setattr("os.open", slow_open)
    monkeypatch.setattr("os.close", close)
    answering = asyncio.create_task(response(path)(request(), never, send))
    await opening.wait()
    answering.cancel()
    with pytest.raises(asyncio.CancelledError):
        await answering
    disk.set()

    await asyncio.wait_for(closed.wait(), 10)
