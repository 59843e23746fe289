"""Statements about tasks. `attempt` fences them: a run that was overtaken changes nothing."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    Integer,
    Text,
    Uuid,
    bindparam,
    case,
    column,
    func,
    select,
    tuple_,
    update,
    values,
)
from sqlalchemy.orm import aliased

from db.models import PlaySet, Task, Template, Video
from db.paging import Order
from db.rows import Source, among, equals
from db.session import ReadSession, WriteSession
from domain.errors import DomainError
from domain.play_sets import OPEN_PLAY_SETS
from domain.tasks import PAUSABLE, READY_TO_RUN, RETRYABLE, UNFINISHED, TaskStatus
from domain.templates import Encryption

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

MAX_LOG = 16_384
"""Characters of a program's log kept on a task."""


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


_KEPT_PROGRESS = case((Task.kind.in_(PAUSABLE), Task.progress), else_=0.0)
"""A run that follows begins from the start, but for what goes on where it was stopped."""


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


async def claim(session: WriteSession, id: UUID, *, worker: str) -> Task | None:
    """Begin a run: a higher attempt. None when the task is over, or PAUSED."""
    return await session.scalar(
        update(Task)
        .where(Task.id == id, Task.status.in_(READY_TO_RUN))
        .values(
            status=TaskStatus.RUNNING,
            attempt=Task.attempt + 1,
            worker=worker,
            started_at=func.coalesce(Task.started_at, func.now()),
            progress=_KEPT_PROGRESS,
            speed=None,
        )
        .returning(Task)
    )


def _is_mine(run: Task) -> ColumnElement[bool]:
    """Whether `run` is still the task's latest, and the task still running."""
    return (Task.id == run.id) & (Task.attempt == run.attempt) & (Task.status == TaskStatus.RUNNING)


async def report(session: WriteSession, run: Task, *, progress: float, speed: float | None) -> bool:
    """Note how far a run has come. False when it was cancelled or overtaken."""
    return await _change(session, run, progress=progress, speed=speed)


async def hold(session: WriteSession, run: Task) -> bool:
    """Whether the run is still the task's latest; nobody overtakes it in this transaction."""
    held = select(Task.id).where(_is_mine(run)).with_for_update()
    return await session.scalar(held) is not None


async def started(session: WriteSession, run: Task, command: str) -> bool:
    """Note what the run has started. False when it was cancelled or overtaken."""
    return await _change(session, run, command=command)


async def succeed(session: WriteSession, run: Task, *, log: str | None = None) -> bool:
    """False when the run was cancelled or overtaken: then nothing of it may be published."""
    return await _change(
        session,
        run,
        status=TaskStatus.SUCCEEDED,
        progress=1,
        speed=None,
        log=_kept(log),
        error_code=None,
        error_message=None,
        finished_at=func.now(),
    )


async def spare(session: WriteSession, id: UUID) -> None:
    """What the task was to make is there already."""
    await session.execute(
        update(Task)
        .where(Task.id == id, Task.status.in_(UNFINISHED))
        .values(status=TaskStatus.SUCCEEDED, progress=1, speed=None, finished_at=func.now())
    )


async def twin_runs(session: ReadSession, run: Task, content_id: UUID) -> bool:
    """Whether a task that began earlier is making something of the same at this moment.

    That is a play set of the same bytes by the same template as one that the run is to make.
    """
    began_earlier = tuple_(Task.started_at, Task.id) < tuple_(run.started_at, run.id)
    mine, theirs = aliased(PlaySet), aliased(PlaySet)
    same = (mine.template_id == theirs.template_id) & mine.status.in_(OPEN_PLAY_SETS)
    twin = (
        select(Task.id)
        .join(theirs, theirs.task_id == Task.id)
        .join(mine, same & (mine.task_id == run.id))
        .join(Template, Template.id == mine.template_id)
        .join(Video, Video.id == Task.video_id)
        .where(
            Video.content_id == content_id,
            Template.encryption == Encryption.NONE,
            theirs.status.in_(OPEN_PLAY_SETS),
            Task.status == TaskStatus.RUNNING,
            Task.id != run.id,
            began_earlier,
        )
        .limit(1)
    )
    return await session.scalar(twin) is not None


async def fail(
    session: WriteSession, run: Task, failure: DomainError, *, log: str | None = None
) -> bool:
    return await _change(
        session,
        run,
        status=TaskStatus.FAILED,
        speed=None,
        error_code=failure.code,
        error_message=str(failure),
        log=_kept(log),
        finished_at=func.now(),
    )


def _kept(log: str | None) -> str | None:
    """The end of a program's log. It repeats what a stranger's file says, also U+0000."""
    return log[-MAX_LOG:].replace("\0", "\ufffd") if log else None


async def put_back(session: WriteSession, run: Task, *, failed: bool, reason: str | None) -> bool:
    """The run ended without a result and another will follow."""
    return await _change(
        session,
        run,
        status=TaskStatus.QUEUED,
        progress=_KEPT_PROGRESS,
        speed=None,
        failures=Task.failures + (1 if failed else 0),
        error_message=reason,
    )


async def _change(session: WriteSession, run: Task, **values: object) -> bool:
    changed = await session.scalar(
        update(Task).where(_is_mine(run)).values(**values).returning(Task.id)
    )
    return changed is not None


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
        progress=_KEPT_PROGRESS,
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
