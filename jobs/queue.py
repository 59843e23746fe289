"""Putting jobs on the queue, and taking them off.

A job only says which task to run; what it is about, and how it went, is on the task's row.
The API process imports this module and `jobs.outcomes`, and no other of jobs/.
"""

import procrastinate

from db import tasks
from db.models import Task
from db.session import WriteSession, driver_connection
from domain.videos import TranscodePass

INTAKE, FIRST_PLAY, TRANSCODE = "intake", "first_play", "transcode"
MAINTENANCE, RESCUE = "maintenance", "rescue"

_QUEUES = {
    TranscodePass.ORIGIN: FIRST_PLAY,
    TranscodePass.FIRST_PLAY: FIRST_PLAY,
    TranscodePass.LADDER: TRANSCODE,
}
_PRIORITIES = {TranscodePass.ORIGIN: 1}
"""Copying the streams takes seconds, so it goes before any encoding."""


class Queue:
    """`pool_size` connections at most; each lane of a worker keeps one of them to listen."""

    def __init__(self, conninfo: str, *, pool_size: int = 10) -> None:
        self.app = procrastinate.App(
            connector=procrastinate.PsycopgConnector(
                conninfo=conninfo, min_size=1, max_size=pool_size
            )
        )

    async def defer(self, session: WriteSession, task: Task) -> None:
        """Add the task's job in the transaction of `session`: both commit, or neither."""
        configured = self.app.configure_task(
            task.kind.value,
            queue=_QUEUES[task.transcode_pass] if task.transcode_pass else INTAKE,
            priority=_PRIORITIES.get(task.transcode_pass, 0) if task.transcode_pass else 0,
            connection=await driver_connection(session),
        )
        job_id = await configured.defer_async(task_id=str(task.id))
        await tasks.set_job(session, task.id, job_id)

    async def stop(self, task: Task) -> None:
        """Stop the run of a task that was cancelled, wherever it runs.

        Best effort: a run that does not hear of it finds out at its next report.
        """
        if task.job_id is not None:
            await self.app.job_manager.cancel_job_by_id_async(task.job_id, abort=True)
