"""Statements about videos, their play sets and their sound."""

from collections.abc import Collection, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    String,
    Text,
    and_,
    any_,
    bindparam,
    func,
    literal_column,
    or_,
    select,
    update,
)
from sqlalchemy.orm import aliased

from db.models import Category, PlaySet, Video
from db.paging import Order
from db.rows import Source, among, equals, further
from db.session import ReadSession, WriteSession
from domain import grams
from domain.play_sets import OPEN_PLAY_SETS, PlaySetStatus
from domain.videos import VideoOrder, VideoStatus


def _contains(row: Any, name: str) -> ColumnElement[bool]:  # noqa: ANN401  (a model or its alias)
    """The title contains a text. Its grams, a parameter beside it, find it by the index."""
    wanted = bindparam(f"{name}_grams", type_=ARRAY(Text))
    return and_(
        func.strpos(row.search_text, bindparam(name, type_=Text)) > 0, _has_all(row.grams, wanted)
    )


def _has_all(column: Any, wanted: ColumnElement[Any]) -> ColumnElement[bool]:  # noqa: ANN401
    """An array holds all of another one."""
    return column.bool_op("@>")(wanted)


def _named(row: Any, name: str) -> ColumnElement[bool]:  # noqa: ANN401
    """The video is the one of an id, or one of a stored object's."""
    text = bindparam(f"{name}_name", type_=String)
    stored = and_(row.storage_id.is_not(None), row.storage_id == text)
    return or_(row.vid == text, row.id == bindparam(f"{name}_id", type_=row.id.type), stored)


def _below(row: Any, name: str) -> ColumnElement[bool]:  # noqa: ANN401
    """The video lies in a category, or in one below it."""
    outer, inner = aliased(Category), aliased(Category)
    tree = select(outer.id).where(outer.id == bindparam(name)).cte(recursive=True)
    tree = tree.union(select(inner.id).join(tree, inner.parent_id == tree.c.id))
    return row.category_id == any_(func.array(select(tree.c.id).scalar_subquery()))


_DELETED = literal_column(f"'{VideoStatus.DELETED.value}'", String)

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
        "kept": lambda row, _name: row.status != _DELETED,
        "search": _contains,
        "search_grams": further,
        "search_name": further,
        "search_id": further,
        "title": _contains,
        "title_grams": further,
        "source_type": equals("source_type"),
        "source_kinds": among("source_kind"),
        "share_states": among("share_state"),
        "owner_phone": equals("owner_phone"),
        "category_id": equals("category_id"),
        "category_tree": _below,
        "tags": lambda row, name: _has_all(row.tags, bindparam(name, type_=ARRAY(String))),
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
    leading={"search": _named},
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


async def fresh(session: WriteSession, video: Video) -> Video:
    """The row as this transaction has changed it."""
    await session.refresh(video)
    return video


async def lock(session: WriteSession, id: UUID) -> Video | None:
    """The video's row, locked until the transaction ends."""
    return await session.scalar(select(Video).where(Video.id == id).with_for_update())


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


async def publish(session: WriteSession, id: UUID) -> bool:
    """The video can be played from now on. True for the one call that made it so."""
    published = await session.scalar(
        update(Video)
        .where(Video.id == id, Video.status == VideoStatus.PROCESSING)
        .values(status=VideoStatus.PUBLISHED, published_at=func.now())
        .returning(Video.id)
    )
    return published is not None


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
