"""Putting jobs on the queue, and taking them off.

A job only says which task to run; what it is about, and how it went, is on the task's row.
The API process imports this module, and others of jobs/ that run nothing.
"""

import logging
from collections.abc import Sequence
from typing import Final
from uuid import UUID

import procrastinate
from procrastinate.exceptions import ConnectorException
from procrastinate.jobs import Job

from db import events, queues, tasks
from db.models import Task
from db.session import Database, WriteSession, driver_connection
from db.tasks import Place
from domain.events import topic
from domain.tasks import TaskKind
from domain.videos import TranscodePass

log = logging.getLogger(__name__)

INTAKE, FIRST_PLAY, TRANSCODE = "intake", "first_play", "transcode"
CLIP, FETCH, EXPORT, COVER = "clip", "fetch", "export", "cover"
RECOMMEND, MAINTENANCE, RESCUE = "recommend", "maintenance", "rescue"

QUEUES: Final = (
    *(INTAKE, FIRST_PLAY, TRANSCODE, CLIP, FETCH, EXPORT, COVER),
    *(RECOMMEND, MAINTENANCE, RESCUE),
)
"""All that there are, as `reelgraph worker --queues` takes them."""
OF_TASKS: Final = QUEUES[:-3]
"""Those whose jobs run tasks; the others serve the installation itself."""

_BY_KIND: Final = {
    TaskKind.VERIFY: INTAKE,
    TaskKind.PROBE: INTAKE,
    TaskKind.CLIP: CLIP,
    TaskKind.SPLICE: CLIP,
    TaskKind.SIMULATE: CLIP,
    TaskKind.FETCH: FETCH,
    TaskKind.EXPORT: EXPORT,
    TaskKind.COVER: COVER,
}
_BY_PASS: Final = {
    TranscodePass.ORIGIN: FIRST_PLAY,
    TranscodePass.FIRST_PLAY: FIRST_PLAY,
    TranscodePass.LADDER: TRANSCODE,
}
_PRIORITIES: Final = {TranscodePass.ORIGIN: 1_000}
"""Copying the streams takes seconds, so it goes before any encoding."""
MOST_WAITING: Final = 500
"""How many waiting tasks of an account count for its next one's place."""


class Queue:
    """`pool_size` connections at most; each lane of a worker keeps one of them to listen."""

    def __init__(self, conninfo: str, *, pool_size: int = 10) -> None:
        self.app = procrastinate.App(
            connector=procrastinate.PsycopgConnector(
                conninfo=conninfo, min_size=1, max_size=pool_size
            )
        )

    async def defer(
        self, session: WriteSession, task: Task, *, after_s: float | None = None
    ) -> None:
        """Add the task's job in the transaction of `session`: both commit, or neither.

        It is not taken before `after_s` seconds have passed.
        """
        queue, priority = place(task)
        if task.queued_at is not None:  # it was on the queue before, and keeps its place
            priority = task.priority
        else:  # whoever has much waiting lets the first ones of others go before
            priority -= await tasks.waiting(session, task.account_id, queue, most=MOST_WAITING)
        configured = self.app.configure_task(
            task.kind.value,
            queue=queue,
            priority=priority,
            schedule_in={"seconds": after_s} if after_s else None,
            connection=await driver_connection(session),
        )
        job_id = await configured.defer_async(task_id=str(task.id))
        await tasks.set_job(session, task.id, job_id, queue=queue, priority=priority)
        await events.wake(session, topic("tasks", task.account_id))

    async def defer_all(self, session: WriteSession, account_id: UUID, ready: list[Task]) -> None:
        """As `defer`, for tasks of one account: as many statements for many as for one."""
        if not ready:
            return
        behind: dict[str, int] = {}
        for queue in {place(task)[0] for task in ready if task.queued_at is None}:
            behind[queue] = await tasks.waiting(session, account_id, queue, most=MOST_WAITING)
        jobs: list[Job] = []
        for task in ready:
            queue, priority = place(task)
            if task.queued_at is not None:
                priority = task.priority
            else:
                priority -= min(behind[queue], MOST_WAITING)
                behind[queue] += 1
            configured = self.app.configure_task(task.kind.value, queue=queue, priority=priority)
            jobs.append(configured.make_new_job(task_id=str(task.id)))
        made = await self.app.job_manager.batch_defer_jobs_async(
            jobs, connection=await driver_connection(session)
        )
        places = {
            task.id: Place(job.id or 0, job.queue, job.priority)
            for task, job in zip(ready, made, strict=True)
        }
        await tasks.set_jobs(session, places)
        await events.wake(session, topic("tasks", account_id))

    async def stop(self, task: Task) -> None:
        """Stop the run of a task that was cancelled or paused, wherever it runs.

        Best effort: a run that does not hear of it finds out at its next report.
        """
        if task.job_id is None:
            return
        try:
            await self.app.job_manager.cancel_job_by_id_async(
                task.job_id, abort=True, delete_job=True
            )
        except ConnectorException:
            log.warning("task %s: its run was not told to stop", task.id, exc_info=True)


async def stop_all(db: Database, stopped: Sequence[Task]) -> None:
    """As `Queue.stop`, for many tasks, after the transaction that ended them.

    Not in it: whoever takes a job over locks that first, and then waits for the task's video.
    """
    jobs = [task.job_id for task in stopped if task.job_id is not None]
    if jobs:
        async with db.write_once() as session:
            await queues.stop(session, jobs)


def place(task: Task) -> tuple[str, int]:
    """The queue for a task, and its priority there."""
    if task.transcode_pass is None:
        return _BY_KIND[task.kind], 0
    return _BY_PASS[task.transcode_pass], _PRIORITIES.get(task.transcode_pass, 0)
