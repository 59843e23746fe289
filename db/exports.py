"""Statements about files that rows were exported to."""

from collections.abc import Collection, Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import func, select, update

from db.models import ExportFile, Task
from db.rows import Source
from db.session import ReadSession, WriteSession
from domain.tasks import UNFINISHED

EXPORT_FILES = Source(
    ExportFile,
    {"written": lambda row, _name: row.key.is_not(None) & (row.expires_at > func.now())},
)
"""`written` leaves out what has no file yet, or no more."""


async def add(session: WriteSession, file: ExportFile) -> None:
    session.add(file)
    await session.flush()


async def of_task(session: ReadSession, task_id: UUID) -> ExportFile | None:
    return await session.scalar(select(ExportFile).where(ExportFile.task_id == task_id))


async def by_id(session: ReadSession, id: UUID) -> ExportFile | None:
    """For holders of a signed link."""
    return await session.get(ExportFile, id)


async def finish(
    session: WriteSession,
    id: UUID,
    *,
    key: str,
    row_count: int,
    file_size: int,
    sha256: str,
    expires_at: datetime,
) -> None:
    """The file is written."""
    await session.execute(
        update(ExportFile)
        .where(ExportFile.id == id)
        .values(
            key=key,
            row_count=row_count,
            file_size=file_size,
            sha256=sha256,
            expires_at=expires_at,
        )
    )


async def expired(session: ReadSession, *, now: datetime, limit: int = 100) -> list[ExportFile]:
    """Files whose time is over."""
    rows = await session.scalars(
        select(ExportFile)
        .where(ExportFile.expires_at <= now, ExportFile.key.is_not(None))
        .limit(limit)
    )
    return list(rows)


async def forget(session: WriteSession, ids: Sequence[UUID]) -> None:
    """Their files are gone."""
    await session.execute(update(ExportFile).where(ExportFile.id.in_(ids)).values(key=None))


async def known(session: ReadSession, keys: Collection[str]) -> set[str]:
    """Which of these keys are files that can be downloaded."""
    rows = await session.scalars(select(ExportFile.key).where(ExportFile.key.in_(keys)))
    return {key for key in rows if key is not None}


async def of_source(session: ReadSession, source_task_id: UUID) -> list[ExportFile]:
    """Exports of a fetch's rows."""
    rows = await session.scalars(
        select(ExportFile).where(ExportFile.source_task_id == source_task_id)
    )
    return list(rows)


async def unfinished(session: ReadSession, source_task_id: UUID) -> list[UUID]:
    """Tasks that are still to export the rows of a fetch."""
    rows = await session.scalars(
        select(Task.id)
        .join(ExportFile, ExportFile.task_id == Task.id)
        .where(ExportFile.source_task_id == source_task_id, Task.status.in_(UNFINISHED))
    )
    return list(rows)
