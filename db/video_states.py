"""Statements that change what a video is, and whether links to it hold."""

from collections.abc import Collection, Mapping
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select, update

from db import events
from db.models import Content, PlaySet, Video
from db.session import WriteSession
from domain.events import topic
from domain.play_sets import OPEN_PLAY_SETS, PlaySetStatus
from domain.videos import COMING, VideoStatus, before


async def _change(
    session: WriteSession,
    where: ColumnElement[bool],
    status: VideoStatus,
    values: Mapping[str, Any] | None = None,
) -> list[Video]:
    """Change the state of those that may change to it; returns them."""
    rows = await session.scalars(
        update(Video)
        .where(where, Video.status.in_(before(status)))
        .values(status=status, **values or {})
        .returning(Video),
        execution_options={"synchronize_session": False, "populate_existing": True},
    )
    return list(rows)


async def change(
    session: WriteSession,
    ids: Collection[UUID],
    status: VideoStatus,
    values: Mapping[str, Any] | None = None,
) -> list[Video]:
    """Change the state of those of these that may change to it; returns them."""
    return await _change(session, Video.id.in_(ids), status, values)


async def publish(session: WriteSession, id: UUID) -> bool:
    """The video can be played from now on. True for the one call that made it so."""
    is_new = Video.status == VideoStatus.PROCESSING
    values = {"published_at": func.now()}
    return bool(await _change(session, is_new & (Video.id == id), VideoStatus.PUBLISHED, values))


async def end_playback(session: WriteSession, ids: Collection[UUID]) -> None:
    """No link to these videos that was given out until now is good any more."""
    await session.execute(
        update(Video)
        .where(Video.id.in_(ids))
        .values(epoch=Video.epoch + 1)
        .execution_options(synchronize_session=False)
    )
    await events.wake(session, *(topic("video", id) for id in ids))


async def set_auth_play(session: WriteSession, ids: Collection[UUID], *, enabled: bool) -> None:
    """Choose whether viewers of these need a token that their owner asked for."""
    await session.execute(
        update(Video)
        .where(Video.id.in_(ids))
        .values(auth_play=enabled)
        .execution_options(synchronize_session=False)
    )


async def revive(session: WriteSession, ids: Collection[UUID]) -> None:
    """Work again on those of these videos that failed."""
    has_failed = Video.status == VideoStatus.UPLOAD_FAILED
    values = {"status_reason": None}
    await _change(session, has_failed & Video.id.in_(ids), VideoStatus.PROCESSING, values)


async def fail_if_hopeless(session: WriteSession, id: UUID, reason: str) -> bool:
    """Give the video up when no play set is READY and none can come any more."""
    hope = (*OPEN_PLAY_SETS, PlaySetStatus.READY)
    hopeless = (
        (Video.id == id)
        & (Video.status == VideoStatus.PROCESSING)
        & ~select(PlaySet.id).where(PlaySet.video_id == id, PlaySet.status.in_(hope)).exists()
    )
    values = {"status_reason": reason}
    return bool(await _change(session, hopeless, VideoStatus.UPLOAD_FAILED, values))


async def arrived(session: WriteSession, id: UUID) -> bool:
    """All bytes of its file are here, and are checked now; whether they were waited for.

    They are, too, by a video whose earlier file could not be fetched.
    """
    awaits = Video.status.in_((*COMING, VideoStatus.UPLOAD_FAILED))
    values = {"status_reason": None, "uploaded_at": func.now()}
    return bool(await _change(session, awaits & (Video.id == id), VideoStatus.PROCESSING, values))


async def give_file(
    session: WriteSession, video: Video, content: Content, *, storage_id: str
) -> None:
    """The video is made of this content, which arrived now unless it did so before."""
    video.content_id, video.storage_id = content.id, storage_id
    video.source_sha256, video.file_size = content.sha256, content.size
    video.uploaded_at = func.coalesce(Video.uploaded_at, func.now())
    await session.flush()


async def drop_coming(session: WriteSession, id: UUID) -> None:
    """Remove a video whose file does not come any more."""
    await session.execute(
        delete(Video)
        .where(Video.id == id, Video.status.in_(COMING))
        .execution_options(synchronize_session=False)
    )
