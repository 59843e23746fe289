"""Statements about the covers that owners chose for their videos, and the tasks that make them."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from db.models import Content, StoredObject, Task
from db.session import ReadSession
from domain.tasks import UNFINISHED, TaskKind


async def unfinished(session: ReadSession, video_id: UUID) -> Sequence[UUID]:
    """The tasks that may still give the video a cover."""
    rows = await session.scalars(
        select(Task.id).where(
            Task.video_id == video_id, Task.kind == TaskKind.COVER, Task.status.in_(UNFINISHED)
        )
    )
    return list(rows)


async def picture(
    session: ReadSession, account_id: UUID, object_id: UUID | None
) -> tuple[StoredObject, Content] | None:
    """The stored object that a cover is to be made of, and its content; None once it is gone."""
    found = await session.execute(
        select(StoredObject, Content)
        .join(Content, Content.id == StoredObject.content_id)
        .where(StoredObject.id == object_id, StoredObject.account_id == account_id)
    )
    row = found.one_or_none()
    return row and (row[0], row[1])
