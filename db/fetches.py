"""Statements about fetches: tasks with many rows, each of them one URL.

Who changes rows locks the fetch's task first, so that its counters are the sums of its rows.
Accounts, videos and the checks of uploads are locked before that, upload sessions after.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ColumnElement,
    Float,
    bindparam,
    case,
    cast,
    func,
    insert,
    select,
    update,
)

from db.models import FetchItem, Task, UploadSession, Video
from db.paging import Order
from db.rows import Source, among, equals
from db.session import ReadSession, WriteSession
from domain.error_codes import ErrorCode
from domain.errors import DomainError
from domain.fetches import LOST_ROWS, OPEN_ROWS, Counts
from domain.tasks import UNFINISHED, TaskKind, TaskStatus
from domain.uploads import UploadStatus
from domain.videos import SourceKind, VideoStatus

FETCH_ITEMS = Source(
    FetchItem,
    {
        "account_id": lambda row, name: (
            select(Task.id)
            .where(Task.id == row.task_id, Task.account_id == bindparam(name))
            .exists()
        ),
        "id": equals("id"),
        "statuses": among("status"),
    },
)
BY_POSITION = Order("position", descending=False)

NOTHING_FETCHED = "None of the files could be fetched; each row says why."


async def add(session: WriteSession, rows: Sequence[Mapping[str, Any]]) -> None:
    await session.execute(insert(FetchItem), rows)


async def lock(session: WriteSession, id: UUID) -> Task | None:
    """The task's row as it is now, locked until the transaction ends."""
    return await session.scalar(
        select(Task)
        .where(Task.id == id, Task.kind == TaskKind.FETCH)
        .with_for_update()
        .execution_options(populate_existing=True)
    )


async def hold(session: WriteSession, run: Task) -> TaskStatus | None:
    """RUNNING, or PAUSED, while the run is the task's latest; None when nothing of it counts.

    What came before a pause is kept. Nobody else changes the task until the transaction ends.
    """
    return await session.scalar(
        select(Task.status)
        .where(
            Task.id == run.id,
            Task.attempt == run.attempt,
            Task.status.in_((TaskStatus.RUNNING, TaskStatus.PAUSED)),
        )
        .with_for_update()
    )


async def has_ended(session: ReadSession, run: Task) -> bool:
    """Whether the task ended with its last row, while the run was its latest."""
    found = select(Task.id).where(
        Task.id == run.id,
        Task.attempt == run.attempt,
        Task.status.in_((TaskStatus.SUCCEEDED, TaskStatus.PARTIAL, TaskStatus.FAILED)),
    )
    return await session.scalar(found) is not None


def is_checked() -> ColumnElement[bool]:
    """Whether the row's file is here, whatever becomes of it."""
    return (
        select(UploadSession.id)
        .where(
            UploadSession.id == FetchItem.upload_session_id,
            UploadSession.status == UploadStatus.VERIFYING,
        )
        .exists()
    )


async def rest(session: WriteSession, task_id: UUID) -> None:
    """Nobody downloads any row of this task now."""
    await session.execute(
        update(FetchItem)
        .where(FetchItem.task_id == task_id, FetchItem.status == TaskStatus.RUNNING, ~is_checked())
        .values(status=TaskStatus.QUEUED, bytes_fetched=_safe_bytes())
        .execution_options(synchronize_session=False)
    )


def _safe_bytes() -> ColumnElement[int]:
    """How many bytes of a row the next try need not fetch again."""
    of_upload = UploadSession.id == FetchItem.upload_session_id
    received = select(UploadSession.received_bytes).where(of_upload).scalar_subquery()
    return func.coalesce(received, 0)


async def take(session: WriteSession, task_id: UUID, limit: int) -> list[FetchItem]:
    """Begin with the next rows that are due, first ones first."""
    due = (
        select(FetchItem.id)
        .where(
            FetchItem.task_id == task_id,
            FetchItem.status == TaskStatus.QUEUED,
            func.coalesce(FetchItem.retry_at, func.now()) <= func.now(),
        )
        .order_by(FetchItem.position)
        .limit(limit)
    )
    rows = await session.scalars(
        update(FetchItem)
        .where(FetchItem.id.in_(due))
        .values(status=TaskStatus.RUNNING)
        .returning(FetchItem)
        .execution_options(synchronize_session=False, populate_existing=True)
    )
    return sorted(rows, key=lambda row: row.position)


async def seconds_to_next(session: ReadSession, task_id: UUID) -> float | None:
    """Until a row that waits is due; None when none waits."""
    due_at = func.min(func.coalesce(FetchItem.retry_at, func.now()))
    left = func.extract("epoch", due_at - func.clock_timestamp())
    seconds = await session.scalar(
        select(left).where(FetchItem.task_id == task_id, FetchItem.status == TaskStatus.QUEUED)
    )
    return None if seconds is None else max(0.0, float(seconds))


async def wait(session: WriteSession, run: Task) -> None:
    """The held run ends; another one follows when a row is due."""
    await session.execute(
        update(Task)
        .where(Task.id == run.id, Task.status == TaskStatus.RUNNING)
        .values(status=TaskStatus.QUEUED)
    )


async def forgive(session: WriteSession, run: Task) -> None:
    """The held run has brought the task on: failures before it no longer count."""
    await session.execute(
        update(Task).where(Task.id == run.id, Task.failures > 0).values(failures=0)
    )


async def category_id(session: ReadSession, task_id: UUID) -> UUID | None:
    """Where its videos are to be kept now: that may have changed since the run began."""
    return await session.scalar(select(Task.category_id).where(Task.id == task_id))


async def note(session: WriteSession, id: UUID, **values: object) -> None:
    """Change columns of a row that is being fetched."""
    await session.execute(
        update(FetchItem)
        .where(FetchItem.id == id, FetchItem.status == TaskStatus.RUNNING)
        .values(**values)
        .execution_options(synchronize_session=False)
    )


async def retry_later(
    session: WriteSession, item: FetchItem, failure: DomainError, at: datetime
) -> None:
    """The row waits for another try, and meanwhile says what went wrong."""
    await note(
        session,
        item.id,
        status=TaskStatus.QUEUED,
        failures=item.failures + 1,
        retry_at=at,
        bytes_fetched=_safe_bytes(),
        error_code=failure.code,
        error_message=str(failure),
    )


async def end(
    session: WriteSession,
    id: UUID,
    status: TaskStatus,
    *,
    failure: DomainError | None = None,
    **values: object,
) -> None:
    """The row is over, unless it was before."""
    await session.execute(
        update(FetchItem)
        .where(FetchItem.id == id, FetchItem.status.in_(OPEN_ROWS))
        .values(**over(status, failure), **values)
    )


def over(status: TaskStatus, failure: DomainError | None) -> dict[str, Any]:
    """The columns of a row that nothing more is done for."""
    return {
        "status": status,
        "error_code": failure.code if failure else None,
        "error_message": str(failure) if failure else None,
        "retry_at": None,
        "finished_at": func.now(),
    }


async def of_upload(session: ReadSession, upload_id: UUID) -> FetchItem | None:
    """The row whose file this session takes."""
    return await session.scalar(select(FetchItem).where(FetchItem.upload_session_id == upload_id))


async def counts(session: ReadSession, task_id: UUID) -> Counts:
    success = func.count().filter(FetchItem.status == TaskStatus.SUCCEEDED)
    fail = func.count().filter(FetchItem.status.in_(LOST_ROWS))
    found = await session.execute(
        select(success, fail, func.count()).where(FetchItem.task_id == task_id)
    )
    return Counts(*found.one())


async def progress(session: ReadSession, task_id: UUID) -> float:
    """How much of the task is done, 0.0 to 1.0, with what has come of rows that are open."""
    part = func.least(
        1.0, cast(FetchItem.bytes_fetched, Float) / func.nullif(FetchItem.file_size, 0)
    )
    done = case((FetchItem.status.in_(OPEN_ROWS), func.coalesce(part, 0.0)), else_=1.0)
    found = await session.scalar(select(func.avg(done)).where(FetchItem.task_id == task_id))
    return float(found or 0)


async def count(session: WriteSession, task: Task) -> None:
    """Bring the locked task's counters up to date, and end it with its last row.

    Failures of its runs are counted from the last row that ended.
    """
    found = await counts(session, task.id)
    if task.failures and (found.success, found.fail) != (task.success_count, task.fail_count):
        await forgive(session, task)
    values: dict[str, Any] = {"success_count": found.success, "fail_count": found.fail}
    values["progress"] = await progress(session, task.id)
    if task.status in UNFINISHED and found.outcome is not None:
        values |= _ended(found.outcome)
    await session.execute(update(Task).where(Task.id == task.id).values(**values))
    await session.refresh(task)


def _ended(outcome: TaskStatus) -> dict[str, Any]:
    failed = outcome is TaskStatus.FAILED
    return {
        "status": outcome,
        "finished_at": func.now(),
        "error_code": ErrorCode.FETCH_FAILED if failed else None,
        "error_message": NOTHING_FETCHED if failed else None,
    }


async def reopen(session: WriteSession, task_id: UUID) -> int:
    """Make the rows of a locked task that were lost wait again; returns how many."""
    rows = await session.scalars(
        update(FetchItem)
        .where(FetchItem.task_id == task_id, FetchItem.status.in_(LOST_ROWS))
        .values(
            status=TaskStatus.QUEUED,
            failures=0,
            upload_session_id=None,
            validator=None,
            bytes_fetched=0,
            file_size=None,
            error_code=None,
            error_message=None,
            finished_at=None,
        )
        .returning(FetchItem.id)
        .execution_options(synchronize_session=False)
    )
    return len(rows.all())


async def twin(
    session: ReadSession, account_id: UUID, item: FetchItem, *, locked: bool = False
) -> Video | None:
    """The video that the row's would be: of the same origin, or from an earlier try."""
    same = (Video.source_type == item.source_type) & (Video.source_id == item.source_id)
    mine = (Video.id == item.video_id) & (Video.source_kind == SourceKind.FETCH)
    wanted = select(Video).where(
        Video.account_id == account_id,
        Video.status != VideoStatus.DELETED,
        same if item.source_id is not None else mine,
    )
    return await session.scalar(wanted.with_for_update() if locked else wanted)


async def page_for_export(
    session: ReadSession, task_id: UUID, after: int, limit: int
) -> Sequence[tuple[FetchItem, str | None]]:
    """Rows behind this position, each with its video's short id."""
    rows = await session.execute(
        select(FetchItem, Video.vid)
        .outerjoin(Video, Video.id == FetchItem.video_id)
        .where(FetchItem.task_id == task_id, FetchItem.position > after)
        .order_by(FetchItem.position)
        .limit(limit)
    )
    return [(row, vid) for row, vid in rows.all()]


async def heard(session: WriteSession, received: Mapping[UUID, int]) -> None:
    """Note how many bytes of each row have come."""
    if received:
        await session.execute(
            update(FetchItem)
            .where(FetchItem.id.in_(received), FetchItem.status == TaskStatus.RUNNING)
            .values(bytes_fetched=case(received, value=FetchItem.id))
            .execution_options(synchronize_session=False)
        )
