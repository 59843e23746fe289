"""Statements of a run of a task. `attempt` fences them: one that was overtaken changes nothing."""

from uuid import UUID

from sqlalchemy import ColumnElement, func, select, tuple_, update
from sqlalchemy.orm import aliased

from db.models import PlaySet, Task, Template, Video
from db.session import ReadSession, WriteSession
from db.tasks import KEPT_PROGRESS
from domain.errors import DomainError
from domain.play_sets import OPEN_PLAY_SETS
from domain.tasks import READY_TO_RUN, TaskStatus
from domain.templates import Encryption

MAX_LOG = 16_384
"""Characters of a program's log kept on a task."""


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
            progress=KEPT_PROGRESS,
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
        progress=KEPT_PROGRESS,
        speed=None,
        failures=Task.failures + (1 if failed else 0),
        error_message=reason,
    )


async def _change(session: WriteSession, run: Task, **values: object) -> bool:
    changed = await session.scalar(
        update(Task).where(_is_mine(run)).values(**values).returning(Task.id)
    )
    return changed is not None


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
