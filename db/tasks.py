"""Statements about tasks. What a run of one does: `db.runs`."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    Integer,
    Text,
    Uuid,
    bindparam,
    case,
    column,
    func,
    select,
    update,
    values,
)

from db.models import Task
from db.paging import Order
from db.rows import Source, among, equals
from db.session import ReadSession, WriteSession
from domain.errors import DomainError
from domain.tasks import PAUSABLE, READY_TO_RUN, RETRYABLE, UNFINISHED, TaskStatus

TASKS = Source(
    Task,
    {
        "account_id": equals("account_id"),
        "id": equals("id"),
        "statuses": among("status"),
        "kinds": among("kind"),
        "video_id": equals("video_id"),
        "created_from": lambda row, name: row.created_at >= bindparam(name),
        "created_before": lambda row, name: row.created_at < bindparam(name),
    },
)
NEWEST_FIRST = Order("created_at")

KEPT_PROGRESS = case((Task.kind.in_(PAUSABLE), Task.progress), else_=0.0)
"""A run that follows begins from the start, but for what goes on where it was stopped."""


async def of_account(
    session: ReadSession, account_id: UUID, ids: Sequence[UUID]
) -> dict[UUID, Task]:
    rows = await session.scalars(
        select(Task).where(Task.id.in_(ids), Task.account_id == account_id)
    )
    return {row.id: row for row in rows}


async def by_ids(session: ReadSession, ids: Sequence[UUID]) -> dict[UUID, Task]:
    rows = await session.scalars(select(Task).where(Task.id.in_(ids)))
    return {row.id: row for row in rows}


async def of_video(session: ReadSession, video_ids: Sequence[UUID]) -> dict[UUID, list[Task]]:
    rows = await session.scalars(
        select(Task).where(Task.video_id.in_(video_ids)).order_by(Task.created_at, Task.id)
    )
    grouped: dict[UUID, list[Task]] = {id: [] for id in video_ids}
    for row in rows:
        if row.video_id is not None:
            grouped[row.video_id].append(row)
    return grouped


async def add(session: WriteSession, task: Task) -> None:
    """Insert the row and give it its id."""
    session.add(task)
    await session.flush()


async def fresh(session: WriteSession, task: Task) -> Task:
    """The row as this transaction has changed it."""
    await session.refresh(task)
    return task


async def set_job(
    session: WriteSession, id: UUID, job_id: int, *, queue: str, priority: int
) -> None:
    await session.execute(
        update(Task)
        .where(Task.id == id)
        .values(job_id=job_id, queue=queue, priority=priority, queued_at=func.now())
    )


@dataclass(frozen=True, slots=True)
class Place:
    """Where a task waits."""

    job_id: int
    queue: str
    priority: int


async def set_jobs(session: WriteSession, places: Mapping[UUID, Place]) -> None:
    """As `set_job`, for many tasks."""
    rows = [(id, place.job_id, place.queue, place.priority) for id, place in places.items()]
    types = column("id", Uuid), column("job", BigInteger), column("queue", Text)
    given = values(*types, column("priority", Integer), name="given").data(rows)
    await session.execute(
        update(Task)
        .where(Task.id == given.c.id)
        .values(
            job_id=given.c.job,
            queue=given.c.queue,
            priority=given.c.priority,
            queued_at=func.now(),
        )
        .execution_options(synchronize_session=False)
    )


async def waiting(session: ReadSession, account_id: UUID, queue: str, *, most: int) -> int:
    """How many of the account's tasks wait in this queue, as far as `most`."""
    some = (
        select(Task.id)
        .where(
            Task.account_id == account_id,
            Task.queue == queue,
            Task.status == TaskStatus.QUEUED,
            Task.job_id.is_not(None),
        )
        .limit(most)
    )
    return await session.scalar(select(func.count()).select_from(some.subquery())) or 0


async def lock(session: WriteSession, account_id: UUID, id: UUID) -> Task | None:
    """A task of the account as it is now; nobody changes it in this transaction."""
    return await session.scalar(
        select(Task)
        .where(Task.id == id, Task.account_id == account_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


async def spare(session: WriteSession, id: UUID) -> None:
    """What the task was to make is there already."""
    await session.execute(
        update(Task)
        .where(Task.id == id, Task.status.in_(UNFINISHED))
        .values(status=TaskStatus.SUCCEEDED, progress=1, speed=None, finished_at=func.now())
    )


async def cancel(session: WriteSession, ids: Sequence[UUID], failure: DomainError) -> list[Task]:
    """End the tasks that are not over yet; returns those."""
    return await _move(
        session,
        ids,
        UNFINISHED,
        status=TaskStatus.CANCELLED,
        speed=None,
        error_code=failure.code,
        error_message=str(failure),
        finished_at=func.now(),
    )


async def cancel_of_videos(
    session: WriteSession, video_ids: Collection[UUID], failure: DomainError
) -> list[Task]:
    """End whatever is going on, or waits, for these videos; returns what that was."""
    rows = await session.scalars(
        select(Task.id).where(Task.video_id.in_(video_ids), Task.status.in_(UNFINISHED))
    )
    return await cancel(session, list(rows), failure)


async def reopen(session: WriteSession, ids: Sequence[UUID]) -> list[Task]:
    """Tasks that are over without all that was wanted wait again; returns those.

    They have no job yet. `attempt` goes on: what an earlier run still writes is refused.
    """
    return await _move(
        session,
        ids,
        RETRYABLE,
        status=TaskStatus.QUEUED,
        job_id=None,
        failures=0,
        progress=KEPT_PROGRESS,
        error_code=None,
        error_message=None,
        log=None,
        command=None,
        finished_at=None,
    )


async def pause(session: WriteSession, id: UUID) -> list[Task]:
    """Stop a task for the time being; what is on it stays. Its run, if any, is overtaken."""
    return await _move(session, [id], READY_TO_RUN, status=TaskStatus.PAUSED, speed=None)


async def resume(session: WriteSession, id: UUID) -> list[Task]:
    """A paused task waits again. It has no job yet."""
    return await _move(session, [id], [TaskStatus.PAUSED], status=TaskStatus.QUEUED, job_id=None)


async def _move(
    session: WriteSession, ids: Sequence[UUID], before: Sequence[TaskStatus], **values: object
) -> list[Task]:
    """Change those of these tasks that are in one of these states; returns them."""
    rows = await session.scalars(
        update(Task)
        .where(Task.id.in_(ids), Task.status.in_(before))
        .values(**values)
        .returning(Task),
        # The rows as they are now, whole: the caller may have read them before.
        execution_options={"synchronize_session": False, "populate_existing": True},
    )
    return list(rows)
