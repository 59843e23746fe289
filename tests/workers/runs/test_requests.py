"""What a run hears and tells while it lasts: cancellation, pauses, progress."""

import asyncio

import pytest
from procrastinate.exceptions import JobAborted
from procrastinate.job_context import AbortReason

from db import runs, tasks
from db.models import Task
from domain.errors import MediaRefused
from domain.events import topic
from domain.media import Refusal
from domain.tasks import TaskKind, TaskStatus
from jobs.runs import Run
from tests.support.run_house import House, raising


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
