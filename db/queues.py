"""Statements about the queue's own tables, where its library has none that would do."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from sqlalchemy import text

from db.session import ReadSession, WriteSession

_DEPTHS: Final = text("""
select job.queue_name, count(*), extract(epoch from now() - min(waiting.since))
from procrastinate_jobs job
cross join lateral (
    select greatest(max(event.at), job.scheduled_at) as since
    from procrastinate_events event where event.job_id = job.id
) waiting
where job.status = 'todo' and (job.scheduled_at is null or job.scheduled_at <= now())
group by job.queue_name
""")

_REMOVE: Final = text("""
delete from procrastinate_jobs
where id = :id and status = 'doing' and worker_id is not distinct from :worker_id
returning args ->> 'task_id'
""")

_STOP: Final = text("""
select procrastinate_cancel_job_v1(id, abort => true, delete_job => true)
from unnest(cast(:ids as bigint[])) id
""")

_CALL: Final = text("""
select pg_notify('procrastinate_queue_v1#' || name, :news) from unnest(:queues ::text[]) name
""")
_NEWS: Final = '{"type": "job_inserted", "job_id": 0}'
"""What workers listen for; they look for a job of any id then."""


@dataclass(frozen=True, slots=True)
class Depth:
    """Jobs of a queue that could run now, and for how many seconds the oldest has waited."""

    jobs: int
    oldest_s: float


@dataclass(frozen=True, slots=True)
class Removed:
    """A job that is no more, and the task that it was to run, if that is what it was for."""

    task_id: UUID | None


async def depths(session: ReadSession) -> dict[str, Depth]:
    """Of each queue in which a job waits."""
    rows = await session.execute(_DEPTHS)
    return {name: Depth(jobs, max(0.0, float(oldest))) for name, jobs, oldest in rows}


async def remove(session: WriteSession, id: int, *, worker_id: int | None) -> Removed | None:
    """Take a job from the worker that has it. None when it does not have it any more."""
    values: dict[str, Any] = {"id": id, "worker_id": worker_id}
    row = (await session.execute(_REMOVE, values)).one_or_none()
    if row is None:
        return None
    return Removed(UUID(row[0]) if row[0] else None)


async def stop(session: WriteSession, ids: Sequence[int]) -> None:
    """Remove jobs that wait, and ask the workers to stop those that run."""
    await session.execute(_STOP, {"ids": list(ids)})


async def call(session: WriteSession, queues: Sequence[str]) -> None:
    """Have the workers on these queues look for jobs at once, when the transaction commits.

    They hear of jobs that are new, but not of those that were put back.
    """
    await session.execute(_CALL, {"queues": list(queues), "news": _NEWS})
