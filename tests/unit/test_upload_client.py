"""The upload client's parts, each without a server of ours."""

import argparse
import base64
import hashlib
import io
import json
import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Any

import httpx
import pytest

from domain.uploads import ChunkPlan
from server import settings
from server.client import progress, retries, sources, sse, uploads
from server.client.api import Api
from server.client.connection import Connection, open_http, raise_if_temporary
from server.client.errors import ClientError, Ended, TemporaryFailure
from server.client.resume import Memory, Subject
from server.client.retries import Retries, persist
from server.client.transfer import Targets, Transfer
from server.client.uploads import Playable, Upload, Wishes
from server.commands import upload as command

SUBJECT = Subject("http://here", "/films/a.mp4", 3, 5, "ab")
KEY = "rg_secret"


# Server-sent events


async def _events(*chunks: bytes) -> list[tuple[str, str]]:
    async def stream() -> AsyncGenerator[bytes]:
        for chunk in chunks:
            yield chunk

    return [(event.type, event.data) async for event in sse.events(stream())]


@pytest.mark.parametrize("size", [1, 2, 7, 1000])
async def test_events_are_whole_wherever_the_stream_is_cut(size: int) -> None:
    text = 'event: next\ndata: {"a": "ö\u2028"}\n\n: ping\n\nevent: complete\ndata:\n\n'.encode()
    chunks = [text[start : start + size] for start in range(0, len(text), size)]
    assert await _events(*chunks) == [("next", '{"a": "ö\u2028"}'), ("complete", "")]


async def test_lines_may_end_with_crlf_and_data_may_have_several() -> None:
    assert await _events(b"data:one\r\ndata: two\r\nid: 7\r\n\r\n") == [("", "one\ntwo")]


async def test_an_event_that_is_cut_off_is_dropped() -> None:
    assert await _events(b"data: 1\n\nevent: complete\ndata: 2\n") == [("", "1")]


# Retries


def _longest(_: float, longest: float) -> float:
    return longest


def test_pauses_double_until_patience_ends() -> None:
    patience = Retries(jitter=_longest)
    failures = [patience.pause(TemporaryFailure("")) for _ in range(5)]
    assert failures == [0.5, 1.0, 2.0, 4.0, None]


def test_success_gives_patience_back() -> None:
    patience = Retries(jitter=_longest)
    for _ in range(4):
        patience.pause(TemporaryFailure(""))
    patience.reset()
    assert patience.pause(TemporaryFailure("")) == 0.5


@pytest.mark.parametrize(("asked", "pause"), [(7.0, 7.0), (0.1, 0.5), (1e9, 60.0)])
def test_a_longer_pause_that_the_server_asks_for_is_kept_within_reason(
    asked: float, pause: float
) -> None:
    patience = Retries(jitter=_longest)
    assert patience.pause(TemporaryFailure("", retry_after_s=asked)) == pause


def test_a_server_that_is_away_is_waited_for_half_a_minute() -> None:
    times = [0.0, 10.0, 20.0, 25.0, 29.0, 30.0]
    patience = Retries(clock=iter(times).__next__, jitter=_longest)
    away = TemporaryFailure("", unreached=True)
    assert [patience.pause(away) for _ in times] == [0.5, 1.0, 2.0, 4.0, 4.0, None]


def test_each_absence_of_the_server_has_its_own_half_minute() -> None:
    patience = Retries(clock=iter([0.0, 20.0, 40.0]).__next__)
    patience.pause(TemporaryFailure("", unreached=True))
    patience.pause(TemporaryFailure("it was there, and broke off"))
    assert patience.pause(TemporaryFailure("", unreached=True)) is not None


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "FIRST_PAUSE_S", 0.0)


def _failing(times: int) -> Callable[[], Awaitable[int]]:
    calls = 0

    async def call() -> int:
        nonlocal calls
        calls += 1
        if calls <= times:
            raise TemporaryFailure("not now")
        return calls

    return call


@pytest.mark.usefixtures("no_pauses")
async def test_the_fifth_try_may_succeed() -> None:
    assert await persist(_failing(4)) == 5


@pytest.mark.usefixtures("no_pauses")
async def test_a_failure_that_was_tried_again_in_vain_is_not_temporary() -> None:
    with pytest.raises(ClientError, match="not now") as raised:
        await persist(_failing(5))
    assert not isinstance(raised.value, TemporaryFailure)


@pytest.mark.parametrize(
    ("status", "headers", "pause_s"),
    [
        (409, {"Retry-After": "1"}, 1.0),
        (429, {"Retry-After": "Wed, 21 Oct 2026 07:28:00 GMT"}, None),
        (503, {}, None),
        (507, {"Retry-After": "60"}, 60.0),
    ],
)
def test_some_answers_ask_to_come_again(
    status: int, headers: dict[str, str], pause_s: float | None
) -> None:
    with pytest.raises(TemporaryFailure) as raised:
        raise_if_temporary(httpx.Response(status, headers=headers), "")
    assert raised.value.retry_after_s == pause_s


@pytest.mark.parametrize("status", [200, 400, 403, 404, 409, 413])
def test_other_answers_are_final(status: int) -> None:
    raise_if_temporary(httpx.Response(status), "")


# What is remembered


def test_what_is_kept_is_recalled_until_it_is_forgotten(tmp_path: Path) -> None:
    memory = Memory(tmp_path / "new" / "folder", SUBJECT)
    assert memory.recall() is None
    memory.keep("first")
    memory.keep("second")
    assert memory.recall() == "second"
    assert [path.name for path in memory.path.parent.iterdir()] == [memory.path.name]
    memory.forget()
    memory.forget()
    assert memory.recall() is None


def test_another_version_of_the_file_is_another_upload(tmp_path: Path) -> None:
    Memory(tmp_path, SUBJECT).keep("session")
    other = Subject(SUBJECT.url, SUBJECT.path, SUBJECT.size, 6, SUBJECT.sha256)
    assert Memory(tmp_path, other).recall() is None


@pytest.mark.parametrize("content", ["", "{", "[]", '{"session_id": 1}', "\0"])
def test_a_damaged_memory_is_none(tmp_path: Path, content: str) -> None:
    memory = Memory(tmp_path, SUBJECT)
    memory.path.write_text(content)
    assert memory.recall() is None


def test_a_memory_of_another_upload_is_none(tmp_path: Path) -> None:
    memory = Memory(tmp_path, SUBJECT)
    other = Memory(tmp_path, Subject("http://there", "/b", 1, 1, "cd"))
    other.keep("session")
    other.path.rename(memory.path)
    assert memory.recall() is None


@pytest.mark.parametrize(
    ("state_home", "expected"),
    [
        ("/state", "/state/reelgraph/uploads"),
        ("", "/home/me/.local/state/reelgraph/uploads"),
        ("not/absolute", "/home/me/.local/state/reelgraph/uploads"),
    ],
)
def test_memories_lie_where_state_belongs(
    monkeypatch: pytest.MonkeyPatch, state_home: str, expected: str
) -> None:
    monkeypatch.setenv("HOME", "/home/me")
    monkeypatch.setenv("XDG_STATE_HOME", state_home)
    assert settings.state_dir() / "uploads" == Path(expected)


# The file


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    path.write_bytes(os.urandom(2 * sources.BLOCK_BYTES + 1000))
    return path


async def test_a_range_is_read_block_by_block(film: Path) -> None:
    with sources.opened(film) as source:
        blocks = [block async for block in source.blocks(10, source.size - 20)]
    assert [len(block) for block in blocks] == [sources.BLOCK_BYTES, sources.BLOCK_BYTES, 980]
    assert b"".join(blocks) == film.read_bytes()[10:-10]


async def test_a_range_is_hashed_and_every_byte_reported(
    film: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sources, "_SLICE_BYTES", 300_000)
    read: list[int] = []
    with sources.opened(film) as source:
        digest = await source.sha256(5, 500_000, on_read=read.append)
    assert digest == hashlib.sha256(film.read_bytes()[5:500_005]).hexdigest()
    assert read == [300_000, 200_000]


@pytest.mark.parametrize("size", [0, 10, 10**6])
async def test_a_file_that_grows_or_shrinks_is_not_sent(film: Path, size: int) -> None:
    with sources.opened(film) as source:
        os.truncate(film, size)
        with pytest.raises(ClientError, match="The file changed while"):
            await source.sha256(0, source.size)


async def test_a_file_that_is_written_again_is_not_sent(film: Path) -> None:
    with sources.opened(film) as source:
        os.utime(film, ns=(0, source.mtime_ns + 1))
        with pytest.raises(ClientError, match="The file changed while"):
            await source.sha256(0, source.size)


def _folder(path: Path) -> None:
    path.mkdir()


def _nothing(path: Path) -> None:
    del path


def _pipe(path: Path) -> None:
    os.mkfifo(path)


def _loop(path: Path) -> None:
    path.symlink_to(path)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (_nothing, "There is no such file."),
        (_folder, "This is a folder, not a file."),
        (_pipe, "This is not a regular file."),
        (Path.touch, "The file is empty."),
        (_loop, "The file cannot be read: Too many levels of symbolic links."),
    ],
)
def test_what_cannot_be_sent_is_named(
    tmp_path: Path, make: Callable[[Path], None], message: str
) -> None:
    make(tmp_path / "film.mp4")
    with pytest.raises(ClientError) as raised, sources.opened(tmp_path / "film.mp4"):
        pass
    assert str(raised.value) == message


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("holiday 1.mp4", "holiday 1"),
        (".mp4", ".mp4"),
        ("x" * 250 + "é.mp4", "x" * 250 + "é"),
        (os.fsdecode(b"\xff.mp4"), "\ufffd"),
    ],
)
def test_a_title_is_made_of_the_name(name: str, title: str) -> None:
    assert uploads.title_of(Path(name)) == title


# What is shown


def test_logs_have_a_line_for_each_change_of_a_state() -> None:
    stream = io.StringIO()
    with progress.display("a.mp4", stream) as display:
        display.show("upload", "uploading", done=0, total=10)
        display.show("upload", "uploading", done=5, total=10)
        display.show("360P", "waiting", done=0)
        display.show("upload", "done", done=10, total=10)
        display.note("Well.")
    assert stream.getvalue() == (
        "a.mp4: upload uploading\na.mp4: 360P waiting\na.mp4: upload done\na.mp4: Well.\n"
    )


class _Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_terminals_have_a_bar_for_each_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "dumb")  # only the last picture is printed
    monkeypatch.setenv("COLUMNS", "79")
    stream = _Terminal()
    with progress.display("[a].mp4", stream) as display:
        display.show("upload", "uploading", done=0, total=3_000_000)
        display.show("upload", "uploading", done=1_500_000, total=3_000_000)
        display.show("360P", "transcoding", done=0.25)
    name, upload, play_set = stream.getvalue().strip().splitlines()
    assert name == "[a].mp4"
    assert upload.split("50 %")[1].strip().startswith("1.5 MB of 3.0 MB")
    assert play_set.split() == ["360P", play_set.split()[1], "25", "%", "transcoding"]


# Requests. The other side is a handler of requests, not a server.

Handler = Callable[[httpx.Request], httpx.Response]


def _api(handler: Handler) -> Api:
    http = httpx.AsyncClient(transport=httpx.MockTransport(handler))
    return Api(Connection(http, "http://server/", key=KEY))


def _given(answer: httpx.Response | Exception) -> httpx.Response:
    if isinstance(answer, Exception):
        raise answer
    return answer


def _stream(*bodies: object, complete: bool = True) -> httpx.Response:
    text = "".join(f"event: next\ndata: {json.dumps(body)}\n\n" for body in bodies)
    end = "event: complete\ndata:\n\n" if complete else ""
    headers = {"Content-Type": "text/event-stream; charset=utf-8"}
    return httpx.Response(200, headers=headers, text=text + end)


def _play_sets(status: str) -> dict[str, Any]:
    one = {"resolution": "P360", "status": status, "progress": 0.5, "task": None}
    return {"data": {"playSets": [one]}}


async def _watched(handler: Handler) -> list[str]:
    return [sets[0].status async for sets in _api(handler).watch_play_sets("id")]


@pytest.mark.usefixtures("no_pauses")
async def test_a_subscription_that_breaks_off_is_opened_again() -> None:
    answers = [
        _stream(_play_sets("INITIAL"), complete=False),
        httpx.ReadError(""),
        httpx.Response(503),
        _stream(_play_sets("TRANSCODING"), _play_sets("READY")),
    ]
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return _given(answers[len(seen) - 1])

    assert await _watched(handle) == ["INITIAL", "TRANSCODING", "READY"]
    assert {request.headers["Accept"] for request in seen} == {"text/event-stream"}
    assert {request.headers["Authorization"] for request in seen} == {f"Bearer {KEY}"}
    assert {str(request.url) for request in seen} == {"http://server/graphql"}


REFUSED = {"data": None, "errors": [{"message": "No.", "extensions": {"code": "NOT_FOUND"}}]}
UNKNOWN = {"errors": [{"message": "Who?", "extensions": {"code": "UNAUTHENTICATED"}}]}


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (_stream(REFUSED), "The server says: No."),
        (httpx.Response(200, json=REFUSED), "The server says: No."),
        (httpx.Response(400, json=UNKNOWN), "The server does not accept the API key"),
        (httpx.Response(401, json=UNKNOWN), "http://server does not accept the API key"),
        (httpx.Response(200, json={"data": {}}), "http://server does not offer subscriptions"),
        (httpx.Response(200, html="<p>Hi"), "http://server does not answer like Reelgraph"),
        (httpx.Response(404, json={}), "http://server does not answer like Reelgraph"),
        (_stream({"data": {"playSets": 1}}), "The server's answer is not understood"),
        (_stream("}"), "The server's answer is not understood"),
    ],
)
async def test_what_keeps_a_subscription_from_going_on_is_said_in_a_line(
    answer: httpx.Response, message: str
) -> None:
    with pytest.raises(ClientError) as raised:
        await _watched(lambda _: answer)
    assert str(raised.value).startswith(message)
    assert "\n" not in str(raised.value)


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("http://127.0.0.1:1", "Cannot reach http://127.0.0.1:1 ("),
        ("http://", "http: is not a URL to use ("),
        ("http://a:b", "http://a:b is not a URL to use ("),
    ],
)
async def test_a_server_that_is_not_there_is_named_at_once(url: str, message: str) -> None:
    async with open_http() as http:
        with pytest.raises(ClientError) as raised:
            await Api(Connection(http, url, key=KEY)).max_file_size()
    assert str(raised.value).startswith(message)
    assert str(raised.value).lower().endswith("see reelgraph_url.")


async def test_what_is_not_there_cannot_be_resumed() -> None:
    with pytest.raises(Ended):
        await _watched(lambda _: _stream(REFUSED))


class Store:
    """Takes chunks at links that it gives out. `refusals` come first, for each chunk."""

    def __init__(self, *refusals: httpx.Response | Exception) -> None:
        self.refusals = refusals
        self.asked: list[list[int]] = []
        self.puts: list[httpx.Request] = []
        self.taken: dict[int, bytes] = {}

    def handle(self, request: httpx.Request) -> httpx.Response:
        if request.method == "POST":
            return self._links(json.loads(request.content)["variables"]["indexes"])
        index = int(request.url.path[1:])
        tries = sum(put.url == request.url for put in self.puts)
        self.puts.append(request)
        if tries < len(self.refusals):
            return _given(self.refusals[tries])
        self.taken[index] = request.content
        return httpx.Response(200)

    def _links(self, indexes: list[int]) -> httpx.Response:
        self.asked.append(indexes)
        headers = [{"name": "X-Given", "value": "yes"}]
        targets = [
            {"chunkIndex": one, "method": "PUT", "url": f"http://store/{one}", "headers": headers}
            for one in indexes
        ]
        return httpx.Response(200, json={"data": {"uploadSession": {"targets": targets}}})


async def _send(store: Store, film: Path, *, parallel: int = 2) -> int:
    """Send the film in three chunks; returns how many bytes were reported as sent."""
    sent = 0

    def count(bytes_: int) -> None:
        nonlocal sent
        sent += bytes_

    api = _api(store.handle)
    with sources.opened(film) as source:
        plan = ChunkPlan(source.size, sources.BLOCK_BYTES)
        transfer = Transfer(source, plan, Targets(api, "id", [1, 2, 3]), on_sent=count)
        await transfer.send(api.connection.http, [1, 2, 3], parallel=parallel)
    return sent


async def test_every_chunk_is_sent_once_with_its_checksum_and_without_our_key(film: Path) -> None:
    store = Store()
    assert await _send(store, film) == film.stat().st_size
    assert store.asked == [[1, 2, 3]]
    assert len(store.puts) == 3
    assert b"".join(store.taken[index] for index in (1, 2, 3)) == film.read_bytes()
    put = next(put for put in store.puts if put.url.path == "/3")
    assert put.headers["Content-Length"] == "1000"
    assert put.headers["X-Given"] == "yes"
    assert "Transfer-Encoding" not in put.headers
    assert "Authorization" not in put.headers
    digest = hashlib.sha256(film.read_bytes()[-1000:]).digest()
    assert put.headers["x-amz-checksum-sha256"] == base64.b64encode(digest).decode()


async def test_links_are_asked_for_in_batches() -> None:
    store = Store()
    targets = Targets(_api(store.handle), "id", range(1, 251))
    assert [(await targets.of(index)).chunk_index for index in (2, 1, 150, 250, 3)] == [
        *(2, 1, 150, 250, 3)
    ]
    assert store.asked == [[*range(1, 101)], [*range(101, 201)], [*range(201, 251)]]


BUSY = httpx.Response(409, headers={"Retry-After": "0"}, json={"message": "Busy."})


@pytest.mark.usefixtures("no_pauses")
async def test_a_chunk_that_is_busy_is_sent_again_and_counted_once(film: Path) -> None:
    store = Store(BUSY, httpx.Response(503), httpx.WriteError("broken pipe"))
    assert await _send(store, film) == film.stat().st_size
    assert len(store.puts) == 12
    assert sorted(store.taken) == [1, 2, 3]


@pytest.mark.usefixtures("no_pauses")
async def test_links_that_have_expired_are_asked_for_anew(film: Path) -> None:
    store = Store(httpx.Response(403, json={"message": "Expired."}))
    await _send(store, film, parallel=1)
    assert store.asked == 4 * [[1, 2, 3]]
    assert sorted(store.taken) == [1, 2, 3]


@pytest.mark.usefixtures("no_pauses")
@pytest.mark.parametrize(
    ("refusals", "puts", "message"),
    [
        (1 * [httpx.Response(409, json={"message": "It is closed."})], 1, "409): It is closed."),
        (1 * [httpx.Response(400, text="<Code>\n BadDigest")], 1, "400): <Code> BadDigest"),
        (5 * [BUSY], 5, "409): Busy."),
    ],
)
async def test_a_chunk_that_is_refused_ends_the_transfer(
    film: Path, refusals: list[httpx.Response], puts: int, message: str
) -> None:
    store = Store(*refusals)
    with pytest.raises(ClientError) as raised:
        await _send(store, film, parallel=1)
    assert str(raised.value) == f"http://store refuses chunk 1 (HTTP {message}"
    assert len(store.puts) == puts
    assert store.taken == {}


async def test_a_session_that_is_gone_is_said_so() -> None:
    answer = httpx.Response(200, json={"data": {"uploadSession": None}})
    with pytest.raises(Ended, match="The upload session is gone"):
        await Targets(_api(lambda _: answer), "id", [1]).of(1)


# What comes of it

VIDEO = {"title": "A", "vid": "b", "statusReason": None, "playback": {"hlsUrl": "http://c"}}
LOST = {"title": "A", "vid": "b", "statusReason": "The encoder failed.", "playback": None}


def _play_set(resolution: str, status: str, error: str | None = None) -> dict[str, Any]:
    task = {"error": error and {"code": "TRANSCODE_FAILED", "message": error}}
    return {"resolution": resolution, "status": status, "progress": 0.0, "task": task}


async def _played(film: Path, video: dict[str, Any] | None, *, watch: bool) -> Playable:
    """What an upload makes of a video with two play sets, one of which failed."""
    begin = [_play_set("P360", "INITIAL"), _play_set("ORIGIN", "INITIAL")]
    first = [_play_set("P360", "READY"), _play_set("ORIGIN", "TRANSCODING")]
    end = [_play_set("P360", "READY"), _play_set("ORIGIN", "TRANSCODE_FAILED", "No room.")]
    states = [{"data": {"playSets": state}} for state in (begin, first, end)]

    def handle(request: httpx.Request) -> httpx.Response:
        if request.headers["Accept"] == "text/event-stream":
            return _stream(*states)
        return httpx.Response(200, json={"data": {"video": video}})

    wishes = Wishes(title=None, description=None, parallel=1, chunk_size=None, watch=watch)
    with sources.opened(film) as source:
        display = progress.Lines("a.mp4", io.StringIO())
        upload = Upload(_api(handle), source, wishes, folder=film.parent, display=display)
        return await upload._played("id")


async def test_the_first_play_set_is_enough(film: Path) -> None:
    assert await _played(film, VIDEO, watch=False) == Playable("A", "b", "http://c", [])


async def test_a_play_set_that_could_not_be_made_is_told(film: Path) -> None:
    failure = "Origin could not be made: No room. (TRANSCODE_FAILED)"
    assert await _played(film, VIDEO, watch=True) == Playable("A", "b", "http://c", [failure])


@pytest.mark.parametrize(
    ("video", "message"),
    [
        (LOST, "Nothing of the video can be played: The encoder failed."),
        (None, "The video was deleted. Run the command again to upload the file anew."),
    ],
)
async def test_a_video_that_does_not_play_is_a_failure(
    film: Path, video: dict[str, Any] | None, message: str
) -> None:
    with pytest.raises(Ended) as raised:
        await _played(film, video, watch=True)
    assert str(raised.value) == message


# The command's arguments


@pytest.mark.parametrize("value", ["0", "-1", "many"])
def test_a_number_that_cannot_be_used_is_named(
    capsys: pytest.CaptureFixture[str], value: str
) -> None:
    parser = argparse.ArgumentParser()
    command.add_arguments(parser)
    with pytest.raises(SystemExit):
        parser.parse_args(["a.mp4", f"--parallel={value}"])
    assert capsys.readouterr().err.endswith(
        f"argument --parallel: '{value}' is not a whole number above 0\n"
    )
