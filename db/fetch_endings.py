"""Statements that end fetches, and rows of them, before all is fetched."""

from collections.abc import Collection
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select, update

from db.fetches import is_checked, over
from db.models import FetchItem, Task, UploadSession, Video
from db.session import ReadSession, WriteSession
from domain.errors import DomainError
from domain.fetches import OPEN_ROWS
from domain.tasks import UNFINISHED, TaskKind, TaskStatus
from domain.uploads import OPEN, TAKES_CHUNKS, UploadStatus


def _is_open(task_id: UUID) -> ColumnElement[bool]:
    return (FetchItem.task_id == task_id) & FetchItem.status.in_(OPEN_ROWS)


async def lock_of_videos(session: WriteSession, video_ids: Collection[UUID]) -> list[Task]:
    """The tasks with open rows that bring files of these videos, locked in one order."""
    bringing = (
        select(FetchItem.task_id)
        .join(UploadSession, UploadSession.id == FetchItem.upload_session_id)
        .where(UploadSession.video_id.in_(video_ids), FetchItem.status.in_(OPEN_ROWS))
    )
    rows = await session.scalars(
        select(Task)
        .where(Task.id.in_(bringing))
        .order_by(Task.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return list(rows)


async def cancel_uploads(session: WriteSession, task_id: UUID) -> list[UUID]:
    """Close the sessions of open rows that still take bytes; returns those."""
    mine = select(FetchItem.upload_session_id).where(_is_open(task_id))
    rows = await session.scalars(
        update(UploadSession)
        .where(UploadSession.id.in_(mine), UploadSession.status.in_(TAKES_CHUNKS))
        .values(status=UploadStatus.CANCELLED, updated_at=func.now())
        .returning(UploadSession.id)
        .execution_options(synchronize_session=False)
    )
    return list(rows)


async def cancel_rows(
    session: WriteSession, task_id: UUID, status: TaskStatus, failure: DomainError
) -> None:
    """End the open rows whose file is not here yet."""
    await session.execute(
        update(FetchItem)
        .where(_is_open(task_id), ~is_checked())
        .values(**over(status, failure))
        .execution_options(synchronize_session=False)
    )


async def cancel_rows_of_videos(
    session: WriteSession, video_ids: Collection[UUID], failure: DomainError
) -> None:
    """End the open rows that bring files of these videos."""
    mine = select(UploadSession.id).where(UploadSession.video_id.in_(video_ids))
    await session.execute(
        update(FetchItem)
        .where(FetchItem.upload_session_id.in_(mine), FetchItem.status.in_(OPEN_ROWS))
        .values(**over(TaskStatus.CANCELLED, failure))
        .execution_options(synchronize_session=False)
    )


async def checks(session: WriteSession, task_id: UUID) -> list[UUID]:
    """Tasks that check files of open rows, locked with their videos.

    Nobody is waited for: one that is ending now is left to its end.
    """
    mine = select(FetchItem.upload_session_id).where(_is_open(task_id))
    rows = await session.scalars(
        select(Task.id)
        .join(Video, Video.id == Task.video_id)
        .where(
            Task.kind == TaskKind.VERIFY,
            Task.upload_session_id.in_(mine),
            Task.status.in_(UNFINISHED),
        )
        .with_for_update(of=(Task, Video), skip_locked=True)
    )
    return list(rows)


async def to_clear(session: ReadSession, task_id: UUID) -> list[UUID]:
    """Closed upload sessions of the task's rows of which the store may still hold something."""
    rows = await session.scalars(
        select(UploadSession.id)
        .join(FetchItem, FetchItem.upload_session_id == UploadSession.id)
        .where(
            FetchItem.task_id == task_id,
            UploadSession.status.not_in(OPEN),
            UploadSession.storage_token != "",
        )
    )
    return list(rows)


async def delete_task(session: WriteSession, id: UUID) -> None:
    """The task goes, with its rows and what is known of its exports."""
    await session.execute(delete(Task).where(Task.id == id))
