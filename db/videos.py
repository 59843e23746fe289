"""Statements about videos, their play sets and their sound."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import func, select, update

from db import events
from db.models import PlaySet, Video
from db.paging import Order
from db.rows import Source, among, equals
from db.session import ReadSession, WriteSession
from domain.events import topic
from domain.play_sets import OPEN_PLAY_SETS, PlaySetStatus
from domain.videos import VideoOrder, VideoStatus

VIDEOS = Source(
    Video,
    {
        "account_id": equals("account_id"),
        "id": equals("id"),
        "vid": equals("vid"),
        "statuses": among("status"),
    },
)


async def by_id(session: ReadSession, id: UUID) -> Video | None:
    """For holders of a signed link and for workers; callers of the API use `of_account`."""
    return await session.get(Video, id)


async def add(session: WriteSession, video: Video) -> None:
    """Insert the row and fill in what the database chose."""
    session.add(video)
    await session.flush()
    await session.refresh(video)


async def fresh(session: WriteSession, video: Video) -> Video:
    """The row as this transaction has changed it."""
    await session.refresh(video)
    return video


async def lock(session: WriteSession, id: UUID) -> Video | None:
    """The video's row, locked until the transaction ends."""
    return await session.scalar(select(Video).where(Video.id == id).with_for_update())


async def lock_all(
    session: WriteSession, account_id: UUID, ids: Collection[UUID]
) -> dict[UUID, Video]:
    """The account's videos among these, as they are now, locked until the transaction ends.

    Whoever locks several locks them in this order, so that nobody waits in a circle.
    """
    rows = await session.scalars(
        select(Video)
        .where(Video.id.in_(ids), Video.account_id == account_id)
        .order_by(Video.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {row.id: row for row in rows}


async def of_digest(
    session: ReadSession, account_id: UUID, *, sha256: str, size: int
) -> Video | None:
    """The account's newest video of these bytes that did not fail."""
    return await session.scalar(
        select(Video)
        .where(
            Video.account_id == account_id,
            Video.source_sha256 == sha256,
            Video.file_size == size,
            Video.status.in_((VideoStatus.PROCESSING, VideoStatus.PUBLISHED)),
        )
        .order_by(Video.created_at.desc())
        .limit(1)
    )


async def of_origin(
    session: ReadSession, account_id: UUID, *, source_type: str, source_id: str
) -> Video | None:
    """The account's video that comes from this place in a system of the caller's."""
    return await session.scalar(
        select(Video).where(
            Video.account_id == account_id,
            Video.source_type == source_type,
            Video.source_id == source_id,
            Video.status != VideoStatus.DELETED,
        )
    )


async def of_account(
    session: ReadSession, account_id: UUID, ids: Sequence[UUID]
) -> dict[UUID, Video]:
    rows = await session.scalars(
        select(Video).where(Video.id.in_(ids), Video.account_id == account_id)
    )
    return {row.id: row for row in rows}


ORDERS = {
    VideoOrder.CREATED_AT: "created_at",
    VideoOrder.UPDATED_AT: "updated_at",
    VideoOrder.TITLE: "title",
}


def ordered(by: VideoOrder, *, descending: bool) -> Order:
    return Order(ORDERS[by], descending)


async def share_pictures(session: WriteSession, id: UUID, twin_ids: Collection[UUID]) -> None:
    """Give a video without pictures those of a twin that has some."""
    twin = await session.scalar(
        select(Video).where(Video.id.in_(twin_ids), Video.poster_key.is_not(None)).limit(1)
    )
    if twin is None:
        return
    await session.execute(
        update(Video)
        .where(Video.id == id)
        .values(
            poster_key=func.coalesce(Video.poster_key, twin.poster_key),
            storyboard_key=func.coalesce(Video.storyboard_key, twin.storyboard_key),
        )
    )


async def set_pictures(
    session: WriteSession, id: UUID, *, poster_key: str | None, storyboard_key: str | None
) -> None:
    await session.execute(
        update(Video)
        .where(Video.id == id)
        .values(poster_key=poster_key, storyboard_key=storyboard_key)
    )


async def publish(session: WriteSession, id: UUID) -> bool:
    """The video can be played from now on. True for the one call that made it so."""
    published = await session.scalar(
        update(Video)
        .where(Video.id == id, Video.status == VideoStatus.PROCESSING)
        .values(status=VideoStatus.PUBLISHED, published_at=func.now())
        .returning(Video.id)
    )
    return published is not None


async def end_playback(session: WriteSession, ids: Collection[UUID]) -> None:
    """No link to these videos that was given out until now is good any more."""
    await session.execute(
        update(Video)
        .where(Video.id.in_(ids))
        .values(epoch=Video.epoch + 1)
        .execution_options(synchronize_session=False)
    )
    await events.wake(session, *(topic("video", id) for id in ids))


async def revive(session: WriteSession, id: UUID) -> None:
    """A video that failed is worked on again."""
    await session.execute(
        update(Video)
        .where(Video.id == id, Video.status == VideoStatus.UPLOAD_FAILED)
        .values(status=VideoStatus.PROCESSING, status_reason=None)
    )


async def fail_if_hopeless(session: WriteSession, id: UUID, reason: str) -> bool:
    """Give the video up when no play set is READY and none can come any more."""
    hope = (*OPEN_PLAY_SETS, PlaySetStatus.READY)
    failed = await session.scalar(
        update(Video)
        .where(
            Video.id == id,
            Video.status == VideoStatus.PROCESSING,
            ~select(PlaySet.id).where(PlaySet.video_id == id, PlaySet.status.in_(hope)).exists(),
        )
        .values(status=VideoStatus.UPLOAD_FAILED, status_reason=reason)
        .returning(Video.id)
    )
    return failed is not None
