"""Uploads by several at once, and over lines that break."""

import asyncio
import os
import random
from collections.abc import AsyncGenerator
from typing import Any

import psycopg
import pytest

from db import objects
from resolvers.context import Services
from tests.support import samples, uploading
from tests.support.api import Api
from tests.support.waiting import until
from tests.support.work import Work

CHUNK = 65_536
DATA = os.urandom(2 * CHUNK + 1_000)
CHUNKS = [DATA[:CHUNK], DATA[CHUNK : 2 * CHUNK], DATA[2 * CHUNK :]]

CANCEL = """
mutation ($id: ID!) {
  cancelUploadSession(id: $id) { uploadSession { status } userErrors { code } }
}
"""
WATCH = """
subscription ($id: ID!) {
  uploadSession(id: $id) { status progressPercent receivedBytes completedChunks }
}
"""
EVENTS = """
select count(*) filter (where type = 'upload_completed'),
    count(*) filter (where type = 'video_ready') from event
"""


async def begin(api: Api) -> str:
    return (await uploading.begin(api, DATA, chunkSize=CHUNK, purpose="OBJECT"))["id"]


async def stored(services: Services, data: bytes) -> bytes:
    """The bytes of the content with this digest."""
    async with services.db.write() as session:
        content = await objects.sound(session, sha256=uploading.sha256(data), size=len(data))
    assert content is not None
    return b"".join([block async for block in services.store.read(content.key)])


async def cut(url: str, body: bytes) -> None:
    """Announce a whole chunk, send less and hang up."""
    host, port, path = url.removeprefix("http://").replace("/", ":", 1).split(":", 2)
    _, writer = await asyncio.open_connection(host, int(port))
    head = f"PUT /{path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {CHUNK}\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()
    writer.close()


async def test_chunks_survive_any_cut(api: Api, services: Services, work: Work) -> None:
    dice = random.Random(3)  # noqa: S311 - always the same

    async def upload() -> None:
        data = os.urandom(2 * CHUNK)
        begun = await uploading.begin(api, data, chunkSize=CHUNK, purpose="OBJECT")
        urls = await uploading.urls(api, begun["id"], 1, 2)
        for _ in range(10):
            await cut(dice.choice(urls), os.urandom(dice.randrange(CHUNK)))
        assert (await uploading.session(api, begun["id"]))["missingChunks"] == [1, 2]
        for index in (1, 2):
            chunk = data[(index - 1) * CHUNK : index * CHUNK]

            async def taken(index: int = index, chunk: bytes = chunk) -> bool:
                return (await uploading.put(api, begun["id"], index, chunk)).status_code == 200

            await until(taken)
        payload = await uploading.complete(api, begun["id"], uploading.sha256(data))
        assert payload["userErrors"] == []
        sent.append(data)

    sent: list[bytes] = []
    await asyncio.gather(*(upload() for _ in range(20)))
    await work()
    for data in sent:
        assert await stored(services, data) == data


async def test_of_two_tries_of_a_chunk_one_wins_whole(
    api: Api, work: Work, wiper: psycopg.Connection
) -> None:
    id = await begin(api)
    for index in (2, 3):
        await uploading.put(api, id, index, CHUNKS[index - 1])
    tries = [CHUNKS[0], os.urandom(CHUNK)]
    (url,) = await uploading.urls(api, id, 1)

    async def slowly(data: bytes) -> AsyncGenerator[bytes]:
        for at in range(0, CHUNK, 4_096):
            yield data[at : at + 4_096]
            await asyncio.sleep(0)

    headers = {"content-length": str(CHUNK)}
    answers = await asyncio.gather(
        *(api.http.put(url, content=slowly(one), headers=headers) for one in tries)
    )
    statuses = sorted(answer.status_code for answer in answers)
    assert statuses in ([200, 200], [200, 409])
    kept = wiper.execute("select sha256 from upload_part where number = 1").fetchone()
    assert kept is not None
    assert f'"{kept[0]}"' in {one.headers.get("etag") for one in answers}
    (winner,) = (one for one in tries if uploading.sha256(one) == kept[0])
    whole = winner + CHUNKS[1] + CHUNKS[2]
    payload = await uploading.complete(api, id, uploading.sha256(DATA))
    await work()
    status = (await uploading.session(api, id))["status"]
    assert payload["userErrors"] == []
    assert status == ("COMPLETED" if whole == DATA else "FAILED")


async def test_a_slow_try_that_ends_late_changes_nothing(api: Api) -> None:
    id = await begin(api)
    (url,) = await uploading.urls(api, id, 1)
    begun, go_on = asyncio.Event(), asyncio.Event()

    async def slowly() -> AsyncGenerator[bytes]:
        yield bytes(CHUNK // 2)
        begun.set()
        await go_on.wait()
        yield bytes(CHUNK // 2)

    sending = asyncio.create_task(
        api.http.put(url, content=slowly(), headers={"content-length": str(CHUNK)})
    )
    await begun.wait()

    async def busy() -> bool:
        return (await uploading.put(api, id, 1, CHUNKS[0])).status_code == 409

    await until(busy)
    sending.cancel()
    await asyncio.gather(sending, return_exceptions=True)

    async def taken() -> str | None:
        answer = await uploading.put(api, id, 1, CHUNKS[0])
        return answer.headers["etag"] if answer.status_code == 200 else None

    assert await until(taken) == f'"{uploading.sha256(CHUNKS[0])}"'


async def test_fifty_completions_at_once_make_one_video(
    api: Api, work: Work, wiper: psycopg.Connection, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = samples.make(tmp_path_factory.mktemp("video") / "video.mp4", seconds=2)
    data = path.read_bytes()
    begun = await uploading.begin(api, data, chunkSize=len(data))
    await uploading.put(api, begun["id"], 1, data)
    query = """
      mutation ($id: ID!, $sha256: SHA256!) {
        completeUploadSession(input: {id: $id, finalSha256: $sha256}) {
          uploadSession { id status video { id vid title status } } userErrors { code }
        }
      }
    """
    body = {
        "query": query,
        "variables": {"id": begun["id"], "sha256": uploading.sha256(data)},
    }
    answers = await asyncio.gather(*(api.http.post("/graphql", json=body) for _ in range(50)))
    assert len({answer.content for answer in answers}) == 1
    await work()
    late = (await api.http.post("/graphql", json=body)).json()["data"]["completeUploadSession"]
    first = answers[0].json()["data"]["completeUploadSession"]["uploadSession"]
    assert late["uploadSession"]["video"]["id"] == first["video"]["id"]
    assert late["uploadSession"]["status"] == "COMPLETED"
    videos = (await api.run("{ videos { totalCount } }"))["videos"]
    assert videos == {"totalCount": 1}
    assert wiper.execute(EVENTS).fetchone() == (1, 1)


async def test_of_cancel_and_complete_at_once_one_wins(api: Api, work: Work) -> None:
    outcomes: set[tuple[str, bool, bool]] = set()
    for _ in range(10):
        data = os.urandom(100)
        begun = await uploading.begin(api, data, chunkSize=100, purpose="OBJECT")
        await uploading.put(api, begun["id"], 1, data)
        cancelled, completed = await asyncio.gather(
            api.run(CANCEL, id=begun["id"]),
            uploading.complete(api, begun["id"], uploading.sha256(data)),
        )
        await work()
        status = (await uploading.session(api, begun["id"]))["status"]
        won = (
            not cancelled["cancelUploadSession"]["userErrors"],
            not completed["userErrors"],
        )
        outcomes.add((status, *won))
    assert outcomes <= {("CANCELLED", True, False), ("COMPLETED", False, True)}


async def test_progress_is_true_and_only_grows(api: Api) -> None:
    id = await begin(api)
    seen: list[dict[str, Any]] = []

    async def watch() -> None:
        async for message in api.watch(WATCH, id=id):
            seen.append(message["uploadSession"])
            if message["uploadSession"]["completedChunks"] == 3:
                return

    watching = asyncio.create_task(watch())

    async def begun() -> bool:
        return bool(seen)

    await until(begun)
    for index in (3, 1, 2):
        await uploading.put(api, id, index, CHUNKS[index - 1])
    await watching
    sizes = [len(chunk) for chunk in (CHUNKS[2], CHUNKS[0], CHUNKS[1])]
    for state in seen:
        received = sum(sizes[: state["completedChunks"]])
        assert state["receivedBytes"] == received
        assert state["progressPercent"] == round(100 * received / len(DATA), 2)
    percents = [state["progressPercent"] for state in seen]
    assert percents == sorted(percents)
    assert (percents[0], percents[-1]) == (0.0, 100.0)
