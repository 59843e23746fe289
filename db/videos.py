"""Statements about videos. What they become: `db.video_states`."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import bindparam, func, select, update

from db import video_filters
from db.models import Video
from db.paging import Order
from db.rows import Source, among, equals, further
from db.session import ReadSession, WriteSession
from domain import grams
from domain.videos import VideoOrder, VideoStatus

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
