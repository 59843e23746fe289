"""The upload client and the server: subscriptions and chunks."""

import base64
import hashlib
import json
from pathlib import Path

import httpx
import pytest

from domain.uploads import ChunkPlan
from server.client import sources
from server.client.api import Api
from server.client.connection import Connection, open_http
from server.client.errors import ClientError, Ended
from server.client.transfer import Targets, Transfer
from tests.support.clients import KEY, api_of, given, play_sets, stream, watched


@pytest.mark.usefixtures("no_pauses")
async def test_a_subscription_that_breaks_off_is_opened_again() -> None:
    answers = [
        stream(play_sets("INITIAL"), complete=False),
        httpx.ReadError(""),
        httpx.Response(503),
        stream(play_sets("TRANSCODING"), play_sets("READY")),
    ]
    seen: list[httpx.Request] = []

    def handle(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        return given(answers[len(seen) - 1])

    assert await watched(handle) == ["INITIAL", "TRANSCODING", "READY"]
    assert {request.headers["Accept"] for request in seen} == {"text/event-stream"}
    assert {request.headers["Authorization"] for request in seen} == {f"Bearer {KEY}"}
    assert {str(request.url) for request in seen} == {"http://server/graphql"}


REFUSED = {"data": None, "errors": [{"message": "No.", "extensions": {"code": "NOT_FOUND"}}]}
UNKNOWN = {"errors": [{"message": "Who?", "extensions": {"code": "UNAUTHENTICATED"}}]}


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (stream(REFUSED), "The server says: No."),
        (httpx.Response(200, json=REFUSED), "The server says: No."),
        (httpx.Response(400, json=UNKNOWN), "The server does not accept the API key"),
        (httpx.Response(401, json=UNKNOWN), "http://server does not accept the API key"),
        (httpx.Response(200, json={"data": {}}), "http://server does not offer subscriptions"),
        (httpx.Response(200, html="<p>Hi"), "http://server does not answer like Reelgraph"),
        (httpx.Response(404, json={}), "http://server does not answer like Reelgraph"),
        (stream({"data": {"playSets": 1}}), "The server's answer is not understood"),
        (stream("}"), "The server's answer is not understood"),
    ],
)
async def test_what_keeps_a_subscription_from_going_on_is_said_in_a_line(
    answer: httpx.Response, message: str
) -> None:
    with pytest.raises(ClientError) as raised:
        await watched(lambda _: answer)
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
        await watched(lambda _: stream(REFUSED))


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
            return given(self.refusals[tries])
        self.taken[index] = request.content
        return httpx.Response(200)

    def _links(self, indexes: list[int]) -> httpx.Response:
        self.asked.append(indexes)
        headers = [{"name": "X-Given", "value": "yes"}]
        targets = [
            {
                "chunkIndex": one,
                "method": "PUT",
                "url": f"http://store/{one}",
                "headers": headers,
                "checksumHeader": "x-amz-checksum-sha256",
            }
            for one in indexes
        ]
        return httpx.Response(200, json={"data": {"uploadSession": {"targets": targets}}})


async def _send(store: Store, film: Path, *, parallel: int = 2) -> int:
    """Send the film in three chunks; returns how many bytes were reported as sent."""
    sent = 0

    def count(bytes_: int) -> None:
        nonlocal sent
        sent += bytes_

    api = api_of(store.handle)
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
    targets = Targets(api_of(store.handle), "id", range(1, 251))
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
        await Targets(api_of(lambda _: answer), "id", [1]).of(1)
