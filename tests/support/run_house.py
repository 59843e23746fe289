"""One task, and what becomes of it and of its video when it runs."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import procrastinate
from procrastinate.job_context import AbortReason
from procrastinate.jobs import Job
from sqlalchemy import select

from db import runs, tasks
from db.models import PlaySet, Task, Video
from domain.errors import Cancelled
from domain.events import EventType
from jobs.runs import Run, Tools, Work, perform
from tests.support import tables


def raising(failure: BaseException) -> Work:
    """Work that does nothing but fail like this."""

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
        return await tables.events(self.tools.db)

    async def claim(self) -> Task:
        async with self.tools.db.write() as session:
            run = await runs.claim(session, self.task.id, worker="other")
        assert run is not None
        return run

    async def cancel(self) -> None:
        async with self.tools.db.write() as session:
            await tasks.cancel(session, [self.task.id], Cancelled("Enough."))
