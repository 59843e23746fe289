"""Tasks that are run again, paused and resumed."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select

from db import play_sets, runs
from db.models import PlaySet, Task, Video
from domain.accounts import Viewer
from domain.errors import InvalidState, TranscodeFailed
from domain.play_sets import PlaySetStatus
from domain.tasks import TaskKind, TaskStatus
from domain.videos import Resolution, TranscodePass, VideoStatus
from jobs import outcomes
from jobs.queue import Queue
from resolvers import tasks as resolvers
from resolvers.context import Context, Services
from schema import ids
from tests.support import factories, uploading
from tests.support.api import Api, OperationFailed
from tests.support.tables import due_tasks

CHANGE = """
mutation ($id: ID!) {
  change: NAME(id: $id) {
    task { status progress log error { code } finishedAt }
    userErrors {
      __typename code message path ... on InvalidStateError { currentState allowedStates }
    }
  }
}
"""
WAITS = {
    "task": {"status": "QUEUED", "progress": 0.0, "log": None, "error": None, "finishedAt": None},
    "userErrors": [],
}
P360, P480, P720 = Resolution.P360, Resolution.P480, Resolution.P720


@dataclass
class House:
    api: Api
    services: Services
    video: Video

    @property
    def queue(self) -> Queue:
        return self.services.queue

    async def change(self, name: str, task: Task, api: Api | None = None) -> dict[str, Any]:
        document, id = CHANGE.replace("NAME", name), ids.encode("TranscodeTask", task.id)
        return (await (api or self.api).run(document, id=id))["change"]

    async def retry(self, task: Task) -> dict[str, Any]:
        return await self.change("retryTask", task)

    async def task(
        self, *rungs: Resolution, kind: TranscodePass = TranscodePass.FIRST_PLAY
    ) -> Task:
        return await factories.transcode_task(self.services.db, self.video, *rungs, kind=kind)

    async def pass_and_ladder(self) -> tuple[Task, Task]:
        return await self.task(P360), await self.task(P480, P720, kind=TranscodePass.LADDER)

    async def fail(self, task: Task) -> None:
        failure = TranscodeFailed("It broke.", "the log")
        async with self.services.db.write() as session:
            run = await runs.claim(session, task.id, worker="here:1")
            assert run is not None
            await runs.fail(session, run, failure, log="the log")
            await outcomes.failed(session, run, failure)

    async def row(self, task: Task) -> Task:
        async with self.services.db.read() as session:
            return await session.get_one(Task, task.id)

    async def states(self) -> tuple[VideoStatus, dict[Resolution, PlaySetStatus]]:
        async with self.services.db.read() as session:
            video = await session.get_one(Video, self.video.id)
            rows = await session.scalars(
                select(PlaySet).where(PlaySet.video_id == video.id).order_by(PlaySet.created_at)
            )
            return video.status, {row.resolution: row.status for row in rows}

    async def jobs(self) -> list[str]:
        return await due_tasks(self.services.db)


@pytest.fixture
async def house(api: Api, services: Services, owner: factories.Owner) -> House:
    return House(api, services, await factories.video(services.db, owner.account))


async def test_a_failed_task_runs_again(house: House) -> None:
    task = await house.task(P360)
    await house.fail(task)
    assert await house.states() == (
        VideoStatus.UPLOAD_FAILED,
        {P360: PlaySetStatus.TRANSCODE_FAILED},
    )
    assert await house.retry(task) == WAITS
    assert await house.states() == (VideoStatus.PROCESSING, {P360: PlaySetStatus.INITIAL})
    row = await house.row(task)
    assert (row.failures, row.attempt, row.error_message) == (0, 1, None)
    assert await house.jobs() == [str(task.id)]
    async with house.services.db.write() as session:
        run = await runs.claim(session, task.id, worker="here:1")
    assert run is not None
    assert run.attempt == 2  # what the first run still writes is refused


async def test_a_cancelled_task_runs_again_and_with_it_what_fell_with_it(house: House) -> None:
    first, ladder = await house.pass_and_ladder()
    await house.change("cancelTask", first)
    assert (await house.row(ladder)).status is TaskStatus.CANCELLED
    assert await house.retry(first) == WAITS
    waits = await house.row(ladder)
    assert (waits.status, waits.job_id, waits.error_code) == (TaskStatus.QUEUED, None, None)
    open_ = PlaySetStatus.INITIAL
    assert await house.states() == (
        VideoStatus.PROCESSING,
        {P360: open_, P480: open_, P720: open_},
    )
    assert await house.jobs() == [str(first.id)]  # the ladder follows


async def test_what_was_cancelled_by_itself_stays_so(house: House) -> None:
    first, ladder = await house.pass_and_ladder()
    await house.change("cancelTask", ladder)
    await house.fail(first)
    assert await house.retry(first) == WAITS
    assert (await house.row(ladder)).status is TaskStatus.CANCELLED


async def test_a_ladder_waits_for_a_first_play_that_is_to_come(house: House) -> None:
    first, ladder = await house.pass_and_ladder()
    await house.change("cancelTask", ladder)
    assert await house.retry(ladder) == WAITS
    assert await house.jobs() == []
    await house.fail(first)
    assert await house.retry(ladder) == WAITS  # it makes the sound by itself
    assert await house.jobs() == [str(ladder.id)]
    assert (await house.row(first)).status is TaskStatus.FAILED


async def test_of_two_retries_one_queues_the_job(house: House) -> None:
    task = await house.task(P360)
    await house.fail(task)
    await house.retry(task)
    (error,) = (await house.retry(task))["userErrors"]
    assert error == {
        "__typename": "InvalidStateError",
        "code": "INVALID_STATE",
        "message": "The task is QUEUED; it must be FAILED or CANCELLED or PARTIAL.",
        "path": ["id"],
        "currentState": "QUEUED",
        "allowedStates": ["FAILED", "CANCELLED", "PARTIAL"],
    }
    assert await house.jobs() == [str(task.id)]


async def test_what_another_task_makes_now_is_not_made_twice(house: House) -> None:
    old, new = await house.task(P360), await house.task()
    await house.fail(old)
    async with house.services.db.write() as session:
        made = (await play_sets.of_tasks(session, [old.id]))[old.id]
        await play_sets.reopen(session, [one.id for one in made], new.id)
    payload = await house.retry(old)
    assert (payload["task"], payload["userErrors"][0]["currentState"]) == (None, "MADE_BY_ANOTHER")
    row = await house.row(old)
    assert (row.status, await house.jobs()) == (TaskStatus.FAILED, [])


async def test_a_failed_redo_is_tried_again_beside_what_it_replaces(house: House) -> None:
    async with house.services.db.write() as session:
        (await session.get_one(Video, house.video.id)).status = VideoStatus.PUBLISHED
    await factories.ready_play_set(house.services.db, house.video, playlist_key="videos/a.m3u8")
    redo = await house.task(P360)
    await house.change("cancelTask", redo)
    async with house.services.db.read() as session:
        made = (await play_sets.of_videos(session, [house.video.id]))[house.video.id]
    states = {one.status for one in made}
    assert states == {PlaySetStatus.READY, PlaySetStatus.TRANSCODE_FAILED}
    assert await house.retry(redo) == WAITS
    async with house.services.db.read() as session:
        made = (await play_sets.of_videos(session, [house.video.id]))[house.video.id]
    assert {one.status for one in made} == {PlaySetStatus.READY, PlaySetStatus.INITIAL}
    assert (await house.states())[0] is VideoStatus.PUBLISHED


async def test_the_work_of_a_deleted_video_is_over(house: House) -> None:
    task = await house.task(P360)
    await house.fail(task)
    async with house.services.db.write() as session:
        (await session.get_one(Video, house.video.id)).status = VideoStatus.DELETED
    (error,) = (await house.retry(task))["userErrors"]
    assert error["message"] == "The video is DELETED; it must be PROCESSING or PUBLISHED."
    assert (await house.row(task)).status is TaskStatus.FAILED


async def test_a_look_into_a_stored_file_is_taken_again(house: House) -> None:
    task = await factories.probe_task(house.services.db, house.video)
    await house.change("cancelTask", task)
    assert (await house.states())[0] is VideoStatus.UPLOAD_FAILED
    assert await house.retry(task) == WAITS
    assert (await house.states())[0] is VideoStatus.PROCESSING
    assert await house.jobs() == [str(task.id)]


async def test_the_check_of_bytes_that_are_gone_cannot_be_repeated(
    api: Api, services: Services
) -> None:
    await uploading.send(api, b"bytes")
    (task,) = (await api.run("{ tasks { nodes { id } } }"))["tasks"]["nodes"]
    await api.run(CHANGE.replace("NAME", "cancelTask"), **task)
    payload = (await api.run(CHANGE.replace("NAME", "retryTask"), **task))["change"]
    (error,) = payload["userErrors"]
    assert error["message"] == "The upload session is FAILED; it must be VERIFYING."
    async with services.db.read() as session:
        assert (await session.scalars(select(Task.status))).all() == [TaskStatus.CANCELLED]


async def a_fetch(house: House, *, status: TaskStatus = TaskStatus.QUEUED) -> Task:
    """A task that can be paused."""
    task = await house.task()
    async with house.services.db.write() as session:
        row = await session.get_one(Task, task.id)
        row.kind, row.transcode_pass, row.video_id = TaskKind.FETCH, None, None
        await house.queue.defer(session, row)
        row.status, row.progress = status, 0.4
    return row


Change = Callable[..., Awaitable[Task]]


async def changed(house: House, change: Change, task: Task) -> TaskStatus | list[str]:
    """What becomes of it, or the states that would have allowed it."""
    account_id = house.video.account_id
    ctx = Context(house.services, "http://test", Viewer(account_id, account_id))
    try:
        return (await change(ctx, task.id, sent="x")).status
    except InvalidState as refused:
        return refused.allowed


async def test_a_fetch_is_paused_and_goes_on_where_it_was(house: House) -> None:
    task = await a_fetch(house)
    for _ in range(2):  # the second time changes nothing
        assert await changed(house, resolvers.pause, task) is TaskStatus.PAUSED
        assert await house.jobs() == []
        async with house.services.db.write() as session:
            assert await runs.claim(session, task.id, worker="here:1") is None
    for _ in range(2):
        assert await changed(house, resolvers.resume, task) is TaskStatus.QUEUED
        assert await house.jobs() == [str(task.id)]
    async with house.services.db.write() as session:
        run = await runs.claim(session, task.id, worker="here:1")
    assert run is not None
    assert run.progress == 0.4


async def test_a_paused_task_can_be_cancelled(house: House) -> None:
    task = await a_fetch(house)
    await changed(house, resolvers.pause, task)
    assert await changed(house, resolvers.cancel, task) is TaskStatus.CANCELLED
    assert await changed(house, resolvers.cancel, task) is TaskStatus.CANCELLED


@pytest.mark.parametrize("change", [resolvers.pause, resolvers.resume])
async def test_what_is_over_is_neither_paused_nor_resumed(house: House, change: Change) -> None:
    task = await a_fetch(house, status=TaskStatus.SUCCEEDED)
    assert await changed(house, change, task) == ["QUEUED", "RUNNING", "PAUSED"]
    assert (await house.row(task)).status is TaskStatus.SUCCEEDED


async def test_what_would_begin_again_cannot_be_paused(house: House) -> None:
    task = await house.task(P360)
    for name in ("pauseTask", "resumeTask"):
        (error,) = (await house.change(name, task))["userErrors"]
        assert error["message"] == "The kind of the task is TRANSCODE; it must be FETCH."
    assert (await house.row(task)).status is TaskStatus.QUEUED


MUTATIONS = ["cancelTask", "retryTask", "pauseTask", "resumeTask"]


@pytest.mark.parametrize("name", MUTATIONS)
async def test_a_strangers_task_is_not_there(house: House, stranger: Api, name: str) -> None:
    task = await house.task(P360)
    await house.fail(task)
    unknown = Task(id=uuid4())
    for one in (task, unknown):
        payload = await house.change(name, one, stranger)
        codes = [error["code"] for error in payload["userErrors"]]
        assert (payload["task"], codes) == (None, ["NOT_FOUND"])
    assert (await house.row(task)).status is TaskStatus.FAILED


@pytest.mark.parametrize("name", MUTATIONS)
async def test_without_a_key_no_task_is_changed(house: House, anonymous: Api, name: str) -> None:
    task = await house.task(P360)
    await house.fail(task)
    for one in (task, Task(id=uuid4())):
        with pytest.raises(OperationFailed) as refused:
            await house.change(name, one, anonymous)
        assert refused.value.codes == ["UNAUTHENTICATED"]
    assert (await house.row(task)).status is TaskStatus.FAILED
