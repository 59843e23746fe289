"""Statements about videos, their play sets and their sound."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, delete, func, select, update

from db import events, video_filters
from db.models import Content, PlaySet, Video
from db.paging import Order
from db.rows import Source, among, equals, further
from db.session import ReadSession, WriteSession
from domain import grams
from domain.events import topic
from domain.play_sets import OPEN_PLAY_SETS, PlaySetStatus
from domain.videos import COMING, VideoOrder, VideoStatus, before

VIDEOS = Source(
    Video,
    {
        "account_id": equals("account_id"),
        "id": equals("id"),
        "vid": equals("vid"),
        "storage_id": equals("storage_id"),
        "sha256": equals("source_sha256"),
        "source_id": equals("source_id"),
        "statuses": among("status"),
        "kept": video_filters.is_kept,
        "search": video_filters.contains,
        "search_grams": further,
        "search_name": further,
        "search_id": further,
        "title": video_filters.contains,
        "title_grams": further,
        "source_type": equals("source_type"),
        "source_kinds": among("source_kind"),
        "share_states": among("share_state"),
        "owner_phone": equals("owner_phone"),
        "category_id": equals("category_id"),
        "category_tree": video_filters.below,
        "tags": video_filters.has_tags,
        "created_from": lambda row, name: row.created_at >= bindparam(name),
        "created_before": lambda row, name: row.created_at < bindparam(name),
    },
    selective=frozenset(
        (
            *("statuses", "search", "title", "source_type", "source_kinds", "share_states", "tags"),
            *("owner_phone", "category_id", "category_tree", "created_from", "created_before"),
        )
    ),
    ranges={"created_from": "created_at", "created_before": "created_at"},
    leading={"search": video_filters.named},
)


def entitle(video: Video, title: str) -> None:
    """Give a video a title, and what it is found by. Nothing else may set either."""
    video.title = title
    video.search_text = grams.normal(title)
    video.grams = grams.of(title, video.account_id)


async def by_id(session: ReadSession, id: UUID) -> Video | None:
    """For holders of a signed link and for workers; callers of the API use `of_account`."""
    return await session.get(Video, id)


async def add(session: WriteSession, video: Video) -> None:
    """Insert the row and fill in what the database chose."""
    session.add(video)
    await session.flush()
    await session.refresh(video)


async def revise(session: WriteSession, video: Video, values: Mapping[str, Any]) -> bool:
    """Give these columns of a locked video other values; whether that changed anything."""
    others = {name: new for name, new in values.items() if getattr(video, name) != new}
    for name, new in others.items():
        if name == "title":
            entitle(video, new)
        else:
            setattr(video, name, new)
    await session.flush()
    return bool(others)


async def touch(session: WriteSession, ids: Collection[UUID]) -> None:
    """What belongs to these videos has changed, and they with it."""
    await session.execute(update(Video).where(Video.id.in_(ids)).values(updated_at=func.now()))


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


async def category_id(session: ReadSession, id: UUID) -> UUID | None:
    return await session.scalar(select(Video.category_id).where(Video.id == id))


async def put_into(session: WriteSession, ids: Collection[UUID], category_id: UUID) -> None:
    """Move videos, whose rows are locked, into a category of their account."""
    await session.execute(
        update(Video)
        .where(Video.id.in_(ids))
        .values(category_id=category_id)
        .execution_options(synchronize_session=False)
    )


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
    VideoOrder.PUBLISHED_AT: "sort_published_at",
    VideoOrder.TITLE: "title",
    VideoOrder.FILE_SIZE: "file_size",
    VideoOrder.DURATION: "sort_duration_ms",
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
