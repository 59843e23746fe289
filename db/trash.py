"""Statements about the recycle bin. Whoever calls them has locked the videos."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import case, delete, func, select, tuple_, union, update

from db.models import AudioTrack, PlaySet, StoredObject, Task, Video
from db.session import ReadSession, WriteSession
from domain.tasks import TaskStatus
from domain.trash import NO_FILE
from domain.videos import VideoStatus, before


async def put(session: WriteSession, ids: Collection[UUID]) -> None:
    """Delete videos; what they were is kept. No link to them is good any more."""
    await session.execute(
        update(Video)
        .where(Video.id.in_(ids), Video.status.in_(before(VideoStatus.DELETED)))
        .values(
            former_status=Video.status,
            status=VideoStatus.DELETED,
            deleted_at=func.now(),
            epoch=Video.epoch + 1,
        )
        .execution_options(synchronize_session=False)
    )


async def take(session: WriteSession, statuses: Mapping[UUID, VideoStatus]) -> None:
    """Restore videos, each as what it is from now on."""
    status = case(statuses, value=Video.id, else_=Video.status)
    lost = (Video.former_status != VideoStatus.UPLOAD_FAILED) & (
        status == VideoStatus.UPLOAD_FAILED
    )
    await session.execute(
        update(Video)
        .where(Video.id.in_(statuses), Video.status == VideoStatus.DELETED)
        .values(
            status=status,
            status_reason=case((lost, NO_FILE), else_=Video.status_reason),
            former_status=None,
            deleted_at=None,
        )
        .execution_options(synchronize_session=False)
    )


async def ended_with(session: ReadSession, ids: Collection[UUID]) -> dict[UUID, list[Task]]:
    """The tasks of each deleted video that were cancelled because it was deleted, oldest first.

    That was one transaction, so they have the moment in common.
    """
    rows = await session.scalars(
        select(Task)
        .join(Video, Video.id == Task.video_id)
        .where(
            Video.id.in_(ids),
            Task.status == TaskStatus.CANCELLED,
            Task.finished_at == Video.deleted_at,
        )
        .order_by(Task.created_at, Task.id)
    )
    grouped: dict[UUID, list[Task]] = {id: [] for id in ids}
    for row in rows:
        if row.video_id is not None:
            grouped[row.video_id].append(row)
    return grouped


async def of_origins(
    session: ReadSession, account_id: UUID, origins: Collection[tuple[str, str]]
) -> dict[tuple[str, str], UUID]:
    """The account's videos that are not deleted and come from these places."""
    rows = await session.execute(
        select(Video.source_type, Video.source_id, Video.id).where(
            Video.account_id == account_id,
            tuple_(Video.source_type, Video.source_id).in_(origins),
            Video.source_id.is_not(None),
            Video.status != VideoStatus.DELETED,
        )
    )
    return {(str(type_), str(id)): key for type_, id, key in rows}


async def accounts_due(session: ReadSession, *, before: datetime) -> list[UUID]:
    """Accounts with videos that were deleted before then."""
    rows = await session.scalars(
        select(Video.account_id).where(Video.deleted_at < before).distinct()
    )
    return list(rows)


async def due(
    session: ReadSession, account_id: UUID, *, before: datetime, limit: int
) -> list[UUID]:
    """The account's videos that were deleted before then, the longest in the bin first."""
    rows = await session.scalars(
        select(Video.id)
        .where(Video.account_id == account_id, Video.deleted_at < before)
        .order_by(Video.deleted_at, Video.id)
        .limit(limit)
    )
    return list(rows)


async def lock_with_clips(
    session: WriteSession, account_id: UUID, ids: Collection[UUID]
) -> dict[UUID, Video]:
    """As `videos.lock_all`, with the videos that were cut out of these: they forget that."""
    rows = await session.scalars(
        select(Video)
        .where(Video.account_id == account_id, Video.id.in_(ids) | Video.clipped_from_id.in_(ids))
        .order_by(Video.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {row.id: row for row in rows if row.id in ids}


@dataclass(frozen=True, slots=True)
class Belongings:
    """What goes with videos, unless somebody else needs it, too."""

    playlists: Sequence[str]
    pictures: Sequence[str]
    """Posters, storyboards and covers."""
    contents: Sequence[UUID]
    objects: Sequence[UUID]
    """The account's holds on their contents, but for those that it keeps for themselves."""


async def belongings(session: ReadSession, ids: Collection[UUID]) -> Belongings:
    playlists = await session.scalars(
        union(
            select(PlaySet.playlist_key).where(
                PlaySet.video_id.in_(ids), PlaySet.playlist_key.is_not(None)
            ),
            select(AudioTrack.playlist_key).where(AudioTrack.video_id.in_(ids)),
        )
    )
    own = await session.execute(
        select(Video.poster_key, Video.storyboard_key, Video.cover_key, Video.content_id).where(
            Video.id.in_(ids)
        )
    )
    *pictures, contents = zip(*own.all(), strict=True)
    objects = await session.scalars(
        select(StoredObject.id)
        .join(Video, Video.content_id == StoredObject.content_id)
        .where(Video.id.in_(ids), StoredObject.account_id == Video.account_id, ~StoredObject.kept)
        .distinct()
    )
    return Belongings(
        playlists=[str(key) for key in playlists],
        pictures=[key for some in pictures for key in some if key is not None],
        contents=[id for id in set(contents) if id is not None],
        objects=list(objects),
    )


async def remove(session: WriteSession, ids: Collection[UUID]) -> None:
    """The videos go, with all rows about them. Whoever shares their files now is waited for."""
    await session.execute(
        delete(Video).where(Video.id.in_(ids)).execution_options(synchronize_session=False)
    )
