"""However a run ends, its task says so, and nothing waits for it in vain."""

import asyncio
import re
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import procrastinate
import pytest
from procrastinate.exceptions import JobAborted
from procrastinate.job_context import AbortReason
from procrastinate.jobs import Job
from sqlalchemy import select, text

from db import runs, tasks
from db.models import Event, PlaySet, Task, Video
from domain.error_codes import ErrorCode
from domain.errors import (
    Cancelled,
    DomainError,
    MediaRefused,
    StorageBusy,
    StorageFull,
    TranscodeFailed,
)
from domain.events import EventType, topic
from domain.media import Refusal
from domain.play_sets import PlaySetStatus
from domain.tasks import MAX_ATTEMPTS, TaskKind, TaskStatus
from domain.videos import Resolution, VideoStatus
from jobs import worker
from jobs.runs import Overtaken, Run, Tools, Work, perform
from tests.support import factories

INTERNAL = re.compile(r"Internal error ([0-9a-f]{12})\.")


class Bug(Exception):
    """Nobody expected this; the message is for our eyes only."""


async def do_nothing(run: Run) -> None:
    del run


def raising(failure: BaseException) -> Work:
    async def work(run: Run) -> None:
        del run
        raise failure

    return work


@dataclass
class House:
    tools: Tools
    video: Video
    task: Task
    abort_reason: AbortReason | None = None

    async def perform(self, work: Callable[[Run], Awaitable[None]]) -> None:
        """Run the task as the queue would."""
        job = Job(id=1, queue="q", lock=None, queueing_lock=None, task_name="t", attempts=0)
        context = procrastinate.JobContext(
            start_timestamp=0,
            app=self.tools.queue.app,
            job=job,
            abort_reason=lambda: self.abort_reason,
        )
        await perform(context, self.tools, self.task.id, work)

    async def row(self) -> Task:
        async with self.tools.db.read() as session:
            return await session.get_one(Task, self.task.id)

    async def play_set(self) -> PlaySet:
        async with self.tools.db.read() as session:
            return (await session.scalars(select(PlaySet))).one()

    async def events(self) -> list[EventType]:
        async with self.tools.db.read() as session:
            return list(await session.scalars(select(Event.type).order_by(Event.id)))

    async def claim(self) -> Task:
        async with self.tools.db.write() as session:
            run = await runs.claim(session, self.task.id, worker="other")
        assert run is not None
        return run

    async def cancel(self) -> None:
        async with self.tools.db.write() as session:
            await tasks.cancel(session, [self.task.id], Cancelled("Enough."))


@pytest.fixture
async def house(tools: Tools, owner: factories.Owner) -> House:
    """A queued first play of a video whose bytes nobody ever stored."""
    video = await factories.video(tools.db, owner.account)
    return House(tools, video, await factories.transcode_task(tools.db, video, Resolution.P360))


async def test_a_run_works_on_the_claimed_task(house: House) -> None:
    seen: list[Task] = []

    async def look(run: Run) -> None:
        seen.append(run.task)

    await house.perform(look)
    (task,) = seen
    assert (task.id, task.attempt, task.status) == (house.task.id, 1, TaskStatus.RUNNING)
    assert task.worker == house.tools.worker


async def test_a_task_that_is_over_is_not_run(house: House) -> None:
    await house.cancel()
    await house.perform(raising(AssertionError("it ran")))
    assert (await house.row()).attempt == 0


async def test_an_overtaken_run_ends_without_a_trace(house: House) -> None:
    async def be_overtaken(run: Run) -> None:
        await house.claim()
        async with run.tools.db.write() as session:
            if not await runs.succeed(session, run.task):
                raise Overtaken

    await house.perform(be_overtaken)
    row = await house.row()
    assert (row.status, row.attempt, row.worker) == (TaskStatus.RUNNING, 2, "other")
    assert (row.failures, row.error_message) == (0, None)


@pytest.mark.parametrize("failure", [Bug("secret"), StorageFull(), TranscodeFailed("No.", "log")])
async def test_a_failure_of_an_overtaken_run_changes_nothing(
    house: House, failure: Exception
) -> None:
    async def fail_too_late(run: Run) -> None:
        del run
        await house.claim()
        raise failure

    await asyncio.gather(house.perform(fail_too_late), return_exceptions=True)
    row = await house.row()
    assert (row.status, row.attempt, row.failures) == (TaskStatus.RUNNING, 2, 0)
    assert (row.error_code, row.error_message, row.log) == (None, None, None)
    assert (await house.play_set()).status is PlaySetStatus.INITIAL
    assert await house.events() == []


async def test_an_expected_failure_ends_the_task_at_once(house: House) -> None:
    await house.perform(raising(MediaRefused(Refusal.DAMAGED, "It is broken.")))
    row = await house.row()
    assert (row.status, row.error_code) == (TaskStatus.FAILED, ErrorCode.MEDIA_REFUSED)
    assert (row.error_message, row.log) == ("It is broken.", None)
    await check_given_up(house, "It is broken.")


async def test_the_programs_log_is_kept(house: House) -> None:
    await house.perform(raising(TranscodeFailed("It broke.", "the end of the log")))
    assert (await house.row()).log == "the end of the log"


async def check_given_up(house: House, reason: str) -> None:
    assert (await house.play_set()).status is PlaySetStatus.TRANSCODE_FAILED
    assert await house.events() == [EventType.PLAY_SET_FAILED, EventType.VIDEO_FAILED]
    async with house.tools.db.read() as session:
        video = await session.get_one(Video, house.video.id)
    assert (video.status, video.status_reason) == (VideoStatus.UPLOAD_FAILED, reason)


async def test_a_bug_is_tried_again_and_then_given_up(
    house: House, caplog: pytest.LogCaptureFixture
) -> None:
    for failures in range(1, MAX_ATTEMPTS):
        with pytest.raises(Bug):  # so that the queue runs the job again
            await house.perform(raising(Bug("secret")))
        row = await house.row()
        assert (row.status, row.failures) == (TaskStatus.QUEUED, failures)
        assert row.error_code is None
        assert INTERNAL.fullmatch(row.error_message or "")
        assert (await house.play_set()).status is PlaySetStatus.INITIAL
    await house.perform(raising(Bug("secret")))
    row = await house.row()
    assert (row.status, row.attempt) == (TaskStatus.FAILED, MAX_ATTEMPTS)
    assert row.error_code is ErrorCode.INTERNAL
    found = INTERNAL.fullmatch(row.error_message or "")
    assert found is not None
    await check_given_up(house, found[0])
    record = [one for one in caplog.records if one.exc_info][-1]
    assert found[1] in record.getMessage()
    assert record.exc_info is not None
    assert str(record.exc_info[1]) == "secret"


@pytest.mark.parametrize("failure", [StorageFull(), StorageBusy()])
async def test_a_store_that_is_full_or_busy_is_waited_for(
    house: House, failure: DomainError
) -> None:
    """However long that takes: what was acknowledged is not given up for it."""
    for _ in range(MAX_ATTEMPTS + 2):
        with pytest.raises(type(failure)):
            await house.perform(raising(failure))
        row = await house.row()
        assert (row.status, row.failures) == (TaskStatus.QUEUED, 0)
        assert row.error_message == str(failure)


async def test_a_full_store_that_has_room_again_is_forgotten(house: House) -> None:
    with pytest.raises(StorageFull):
        await house.perform(raising(StorageFull()))

    async def succeed(run: Run) -> None:
        async with run.tools.db.write() as session:
            assert await runs.succeed(session, run.task)

    await house.perform(succeed)
    row = await house.row()
    assert (row.status, row.attempt, row.error_message) == (TaskStatus.SUCCEEDED, 2, None)


async def test_a_shutdown_puts_the_task_back(house: House) -> None:
    house.abort_reason = AbortReason.SHUTDOWN
    with pytest.raises(asyncio.CancelledError):
        await house.perform(raising(asyncio.CancelledError()))
    row = await house.row()
    assert (row.status, row.failures, row.error_message) == (TaskStatus.QUEUED, 0, None)


async def test_the_job_of_a_cancelled_task_is_over(house: House) -> None:
    house.abort_reason = AbortReason.USER_REQUEST
    inside = asyncio.Event()

    async def wait(run: Run) -> None:
        del run
        await house.cancel()
        inside.set()
        await asyncio.get_running_loop().create_future()

    performing = asyncio.create_task(house.perform(wait))
    await inside.wait()
    performing.cancel()
    with pytest.raises(JobAborted):
        await performing
    assert (await house.row()).status is TaskStatus.CANCELLED


async def test_progress_is_written_at_most_twice_a_second(house: House) -> None:
    async def report(run: Run) -> None:
        async with house.tools.bus.subscribe(topic("task", run.task.id)) as watcher:
            await run.report(0.25, 3.0)
            await run.report(0.5)
            async with asyncio.timeout(5):
                await watcher.changed()

    await house.perform(report)
    row = await house.row()
    assert (row.progress, row.speed) == (0.25, 3.0)


async def test_a_cancelled_run_hears_of_it_at_its_next_report(house: House) -> None:
    reached: list[str] = []

    async def go_on(run: Run) -> None:
        await house.cancel()
        await run.report(0.5)
        reached.append("the end")

    await house.perform(go_on)
    assert reached == []
    assert (await house.row()).status is TaskStatus.CANCELLED


async def pause(house: House) -> None:
    async with house.tools.db.write() as session:
        assert await tasks.pause(session, house.task.id)


async def make_pausable(house: House) -> None:
    async with house.tools.db.write() as session:
        (await session.get_one(Task, house.task.id)).kind = TaskKind.FETCH


@pytest.mark.parametrize("reason", [None, AbortReason.USER_REQUEST, AbortReason.SHUTDOWN])
async def test_a_run_whose_task_is_paused_leaves_it_as_it_is(
    house: House, reason: AbortReason | None
) -> None:
    """However it hears of that: by a report, or by being stopped, even with its worker."""
    await make_pausable(house)
    house.abort_reason = reason

    reached: list[str] = []

    async def go_on(run: Run) -> None:
        async with run.tools.db.write() as session:
            assert await runs.report(session, run.task, progress=0.25, speed=None)
        await pause(house)
        if reason is not None:
            raise asyncio.CancelledError
        await run.report(0.5)
        reached.append("the end")

    await asyncio.gather(house.perform(go_on), return_exceptions=True)
    assert reached == []
    row = await house.row()
    assert (row.status, row.progress, row.failures) == (TaskStatus.PAUSED, 0.25, 0)
    assert (row.error_code, row.error_message, row.finished_at) == (None, None, None)
    await house.perform(raising(AssertionError("it ran")))
    assert (await house.row()).attempt == 1


async def test_what_can_be_paused_goes_on_where_a_shutdown_stopped_it(house: House) -> None:
    await make_pausable(house)
    house.abort_reason = AbortReason.SHUTDOWN

    async def stop(run: Run) -> None:
        await run.report(0.75)
        raise asyncio.CancelledError

    with pytest.raises(asyncio.CancelledError):
        await house.perform(stop)
    seen: list[float] = []

    async def look(run: Run) -> None:
        seen.append(run.task.progress)

    await house.perform(look)
    assert seen == [0.75]


async def test_watchers_hear_when_a_run_begins_and_ends(house: House) -> None:
    async with (
        house.tools.bus.subscribe(topic("task", house.task.id)) as of_task,
        house.tools.bus.subscribe(topic("video", house.video.id)) as of_video,
        asyncio.timeout(5),
    ):

        async def begun(run: Run) -> None:
            del run
            await of_task.changed()
            await of_video.changed()
            raise MediaRefused(Refusal.DAMAGED, "No.")

        await house.perform(begun)
        await of_task.changed()
        await of_video.changed()


async def test_the_queue_runs_a_job_with_a_bug_again_and_then_drops_it(house: House) -> None:
    """The bug: the source's bytes are gone from the store."""
    async with house.tools.db.write() as session:
        await house.tools.queue.defer(session, house.task)
    for failures in range(1, MAX_ATTEMPTS):
        await worker.work_until_empty(house.tools)
        assert (await house.row()).failures == failures
        async with house.tools.db.write() as session:
            later = "scheduled_at > now() + '1 s'"
            (job,) = await session.execute(
                text(f"select status::text, {later} as later from procrastinate_jobs")
            )
            assert tuple(job) == ("todo", True)
            await session.execute(text("update procrastinate_jobs set scheduled_at = now()"))
    await worker.work_until_empty(house.tools)
    assert (await house.row()).error_code is ErrorCode.INTERNAL
    async with house.tools.db.read() as session:
        assert await session.scalar(text("select count(*) from procrastinate_jobs")) == 0
