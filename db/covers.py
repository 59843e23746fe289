"""Statements about the covers that owners chose for their videos, and the tasks that make them."""

from collections.abc import Sequence
from datetime import timedelta
from uuid import UUID

from sqlalchemy import select

from db import garbage
from db.models import Content, StoredObject, Task, Video
from db.session import ReadSession, WriteSession
from domain.playback import MAX_TTL_SECONDS
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


async def show(
    session: WriteSession, video: Video, *, key: str | None, object_id: UUID | None
) -> bool:
    """Give a locked video this cover of its own, or none; whether that changed anything.

    The file of the former one goes when no video shows it and every link to it is over.
    """
    former = video.cover_key
    if former == key:
        return False
    video.cover_key, video.cover_object_id = key, object_id
    await session.flush()
    if former is not None and not await _is_shown(session, former):
        folder = former.rpartition("/")[0] + "/"  # a run makes nothing but the cover
        await garbage.add(session, [folder], after=timedelta(seconds=MAX_TTL_SECONDS))
    return True


async def _is_shown(session: ReadSession, key: str) -> bool:
    shown = select(Video.id).where(Video.cover_key == key).limit(1)
    return await session.scalar(shown) is not None
