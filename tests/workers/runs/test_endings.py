"""However a run ends, its task says so, and nothing waits for it in vain."""

import asyncio
import re

import pytest
from procrastinate.job_context import AbortReason
from sqlalchemy import text

from db import runs
from db.models import Task, Video
from domain.error_codes import ErrorCode
from domain.errors import (
    DomainError,
    MediaRefused,
    StorageBusy,
    StorageFull,
    TranscodeFailed,
)
from domain.events import EventType
from domain.media import Refusal
from domain.play_sets import PlaySetStatus
from domain.tasks import MAX_ATTEMPTS, TaskStatus
from domain.videos import VideoStatus
from jobs import worker
from jobs.runs import Overtaken, Run
from tests.support.run_house import House, raising

INTERNAL = re.compile(r"Internal error ([0-9a-f]{12})\.")


class Bug(Exception):
    """Nobody expected this; the message is for our eyes only."""


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
