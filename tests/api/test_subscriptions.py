"""Watching things change, over server-sent events."""

import asyncio
import time
from collections.abc import AsyncGenerator, Callable
from typing import Any
from uuid import UUID

import psycopg
import pytest

from db import play_sets, runs, tasks
from db.events import Position
from db.models import Task, Video
from db.session import WriteSession
from domain.events import topic
from domain.tasks import TaskStatus
from domain.videos import Resolution
from jobs import outcomes
from resolvers.context import Services
from schema import cursors, ids
from tests.support import cancelling, factories, uploading
from tests.support.api import Api, OperationFailed
from tests.support.tables import global_id
from tests.support.waiting import until

UPLOAD = "subscription ($id: ID!) { uploadSession(id: $id) { status completedChunks } }"
TASK = "subscription ($id: ID!) { task(id: $id) { status progress video { title } } }"
VIDEO = "subscription ($id: ID!) { video(id: $id) { status playSets { resolution status } } }"
PLAY_SETS = "subscription ($id: ID!) { playSets(videoId: $id) { resolution status } }"
READY = """
subscription ($id: ID, $after: EventCursor) {
  playSetReady(videoId: $id, after: $after) {
    id cursor type playSet { resolution status } video { title }
  }
}
"""
CHUNK = 65_536


async def finish(services: Services, video: Video, *rungs: Resolution) -> None:
    """These play sets become READY, in one transaction, as a worker does it."""
    async with services.db.write() as session:
        for one in (await play_sets.of_videos(session, [video.id]))[video.id]:
            if one.resolution in rungs:
                await play_sets.finish(session, one.id, factories.READY)
                await factories.play_sets_ready(session, video, one.id)


async def put(api: Api, id: str, index: int) -> None:
    assert (await uploading.put(api, id, index, bytes(CHUNK))).status_code == 200


async def cancel(api: Api, id: str) -> None:
    assert await api.run(cancelling.SESSION, id=id) == {"cancelUploadSession": {"userErrors": []}}


def states(stream: AsyncGenerator[dict[str, Any]]) -> Callable[[], Any]:
    """Calls for the next message: the value of its only field."""

    async def following() -> Any:
        (value,) = (await anext(stream)).values()
        return value

    return following


def state(status: str, chunks: int) -> dict[str, Any]:
    return {"status": status, "completedChunks": chunks}


async def test_a_state_comes_first_then_each_change_until_the_end(api: Api) -> None:
    id = (await uploading.begin(api, bytes(2 * CHUNK), chunkSize=CHUNK))["id"]
    following = states(stream := api.watch(UPLOAD, id=id))
    assert await following() == state("WAITING", 0)
    await put(api, id, 2)
    assert await following() == state("UPLOADING", 1)
    await cancel(api, id)
    assert await following() == state("CANCELLED", 1)
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_a_late_watcher_gets_the_final_state_and_no_more(api: Api) -> None:
    id = (await uploading.begin(api, bytes(CHUNK), chunkSize=CHUNK))["id"]
    following = states(stream := api.watch(UPLOAD, id=id))
    await following()
    await stream.aclose()
    await put(api, id, 1)
    await cancel(api, id)
    assert await api.collect(UPLOAD, id=id) == [{"uploadSession": state("CANCELLED", 1)}]


async def test_a_burst_of_changes_is_folded_into_four_messages_a_second(api: Api) -> None:
    id = (await uploading.begin(api, bytes(20 * CHUNK), chunkSize=CHUNK))["id"]
    stream = api.watch(UPLOAD, id=id)
    assert (await anext(stream))["uploadSession"] == state("WAITING", 0)
    started = time.monotonic()

    async def collect() -> list[dict[str, Any]]:
        return [message["uploadSession"] async for message in stream]

    collecting = asyncio.create_task(collect())
    urls = await uploading.urls(api, id, *range(1, 21))
    for url in urls:
        assert (await api.http.put(url, content=bytes(CHUNK))).status_code == 200
    await cancel(api, id)
    seen = await collecting
    assert seen[-1] == state("CANCELLED", 20)
    chunks = [one["completedChunks"] for one in seen]
    assert chunks == sorted(chunks)
    assert len(seen) < 20
    assert len(seen) <= (time.monotonic() - started) / 0.25 + 1


async def test_a_task_is_watched_to_its_end(api: Api, services: Services, video: Video) -> None:
    task = await factories.transcode_task(services.db, video, Resolution.P360)
    following = states(stream := api.watch(TASK, id=global_id(task)))
    shown = {"status": "QUEUED", "progress": 0.0, "video": {"title": "A video"}}
    assert await following() == shown

    async def change(status: TaskStatus, progress: float) -> None:
        async with services.db.write() as session:
            await advance(session, task, status, progress)
        assert await following() == {**shown, "status": status.name, "progress": progress}

    await change(TaskStatus.RUNNING, 0.5)
    await change(TaskStatus.SUCCEEDED, 1.0)
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def advance(session: WriteSession, task: Task, status: TaskStatus, progress: float) -> None:
    """What a worker writes of the task, and whom it wakes."""
    if status is TaskStatus.SUCCEEDED:
        run = (await tasks.by_ids(session, [task.id]))[task.id]
        assert await runs.succeed(session, run)
    else:
        run = await runs.claim(session, task.id, worker="here:1")
        assert run is not None
        assert await runs.report(session, run, progress=progress, speed=1)
    await outcomes.wake_watchers(session, task)


@pytest.mark.parametrize("query", [VIDEO, PLAY_SETS])
async def test_a_video_is_watched_until_no_play_set_can_come(
    api: Api, services: Services, video: Video, query: str
) -> None:
    rungs = (Resolution.P360, Resolution.P720)
    await factories.transcode_task(services.db, video, *rungs)
    following = states(stream := api.watch(query, id=global_id(video)))

    async def statuses() -> list[str]:
        value = await following()
        play_sets = value["playSets"] if query == VIDEO else value
        return [one["status"] for one in play_sets]

    assert await statuses() == ["INITIAL", "INITIAL"]
    await finish(services, video, Resolution.P360)
    assert await statuses() == ["READY", "INITIAL"]
    await finish(services, video, Resolution.P720)
    assert await statuses() == ["READY", "READY"]
    with pytest.raises(StopAsyncIteration):
        await anext(stream)


async def test_ready_play_sets_of_a_video_come_from_its_beginning_to_its_end(
    api: Api, services: Services, video: Video
) -> None:
    rungs = (Resolution.P360, Resolution.P480, Resolution.ORIGIN)
    await factories.transcode_task(services.db, video, *rungs)
    await finish(services, video, Resolution.ORIGIN)
    await finish(services, video, Resolution.P360)
    following = states(stream := api.watch(READY, id=global_id(video)))
    got = [await following(), await following()]
    await finish(services, video, Resolution.P480)
    got.append(await following())
    with pytest.raises(StopAsyncIteration):
        await anext(stream)
    assert [one["playSet"]["resolution"] for one in got] == ["ORIGIN", "P360", "P480"]
    assert {one["type"] for one in got} == {"PLAY_SET_READY"}
    assert {one["playSet"]["status"] for one in got} == {"READY"}
    assert len({one["id"] for one in got}) == 3

    for seen, one in enumerate(got, 1):  # whoever left after any of them misses none of the rest
        rest = await api.collect(READY, id=global_id(video), after=one["cursor"])
        assert [message["playSetReady"] for message in rest] == got[seen:]


async def test_many_play_sets_of_one_transaction_all_come(
    api: Api, services: Services, video: Video
) -> None:
    await factories.transcode_task(services.db, video, *Resolution)
    await finish(services, video, *Resolution)
    got = await api.collect(READY, id=global_id(video))
    resolutions = [one["playSetReady"]["playSet"]["resolution"] for one in got]
    assert resolutions == [one.name for one in Resolution]
    end = got[-1]["playSetReady"]["cursor"]
    assert await api.collect(READY, id=global_id(video), after=end) == []


async def titled(services: Services, owner: factories.Owner, title: str) -> None:
    """A new video of this account has a play set that becomes READY."""
    row = await factories.video(services.db, owner.account, title=title)
    await factories.transcode_task(services.db, row, Resolution.P360)
    await finish(services, row, Resolution.P360)


async def test_without_a_video_only_what_is_new_and_ones_own_comes(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    other = await factories.owner(services.db)
    await titled(services, owner, "old")
    stream = api.watch(READY)
    first = asyncio.ensure_future(anext(stream))

    async def heard() -> bool:
        await titled(services, other, "theirs")
        await titled(services, owner, "new")
        return first.done()

    await until(heard)
    assert (await first)["playSetReady"]["video"] == {"title": "new"}
    await stream.aclose()


async def test_a_watcher_of_the_account_resumes_after_a_cursor(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    for title in ("one", "two"):
        await titled(services, owner, title)
    following = states(stream := api.watch(READY, after=cursors.encode(Position(0, 0))))
    one = await following()
    await stream.aclose()
    await titled(services, owner, "three")
    following = states(stream := api.watch(READY, after=one["cursor"]))
    assert [(await following())["video"]["title"] for _ in range(2)] == ["two", "three"]
    await stream.aclose()


@pytest.mark.parametrize("cursor", ["x", "é", "AAAA", "_" * 22, "A" * 23])
async def test_what_is_no_cursor_is_refused(api: Api, cursor: str) -> None:
    with pytest.raises(OperationFailed) as failure:
        await api.collect(READY, after=cursor)
    assert failure.value.codes == ["BAD_CURSOR"]


async def test_an_unknown_id_is_one_error_and_the_end(api: Api) -> None:
    unknown = {kind: ids.encode(kind, UUID(int=0)) for kind in ("Video", "UploadSession")}
    for query in (UPLOAD, TASK, VIDEO, PLAY_SETS, READY):
        for id in ("x", *unknown.values()):
            body = {"query": query, "variables": {"id": id}}
            headers = {"accept": "text/event-stream"}
            answer = await api.http.post("/graphql", json=body, headers=headers)
            names = [line for line in answer.text.splitlines() if line.startswith("event")]
            assert names == ["event: next", "event: complete"]
            assert '"code":"NOT_FOUND"' in answer.text


async def test_a_lost_database_connection_loses_no_change(
    api: Api, services: Services, video: Video, wiper: psycopg.Connection
) -> None:
    task = await factories.transcode_task(services.db, video, Resolution.P360)
    following = states(stream := api.watch(TASK, id=global_id(task)))
    await following()
    killed = wiper.execute(
        "select pg_terminate_backend(pid, 10000) from pg_stat_activity"
        " where datname = current_database() and query in ('listen reelgraph', 'select 1')"
    ).fetchall()
    assert killed == [(True,)]
    async with services.db.write() as session:
        await advance(session, task, TaskStatus.RUNNING, 0.5)
    assert (await following())["progress"] == 0.5
    await stream.aclose()


async def test_a_watcher_that_leaves_is_forgotten(
    api: Api, services: Services, video: Video
) -> None:
    task = await factories.transcode_task(services.db, video, Resolution.P360)
    stream = api.watch(TASK, id=global_id(task))
    await anext(stream)
    assert services.bus.subscribers(topic("task", task.id)) == 1
    await stream.aclose()

    async def forgotten() -> bool:
        return services.bus.subscribers(topic("task", task.id)) == 0

    await until(forgotten)
