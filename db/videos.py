"""Statements about videos, their play sets and their sound."""

from collections.abc import Mapping, Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, bindparam, func, literal_column, select, update
from sqlalchemy.dialects.postgresql import insert

from db.models import AudioTrack, PlaySet, Video
from db.paging import Order
from db.rows import Source, among, equals
from db.session import ReadSession, WriteSession
from domain.videos import OPEN_PLAY_SETS, PlaySetStatus, Resolution, VideoOrder, VideoStatus


def _by_ladder(row: Any) -> ColumnElement[int]:  # noqa: ANN401  (the model or its alias)
    """Lowest rung first, Origin last."""
    rungs = ",".join(resolution.value for resolution in Resolution)
    return func.array_position(literal_column(f"'{{{rungs}}}'::varchar[]"), row.resolution)


VIDEOS = Source(
    Video,
    {
        "account_id": equals("account_id"),
        "id": equals("id"),
        "vid": equals("vid"),
        "statuses": among("status"),
    },
)
PLAY_SETS = Source(
    PlaySet,
    {
        "account_id": lambda row, name: (
            select(Video.id)
            .where(Video.id == row.video_id, Video.account_id == bindparam(name))
            .exists()
        ),
        "statuses": among("status"),
        "resolutions": among("resolution"),
    },
    lambda row: [_by_ladder(row)],
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


async def play_sets(session: ReadSession, video_ids: Sequence[UUID]) -> dict[UUID, list[PlaySet]]:
    """The play sets of each video, lowest rung first, Origin last."""
    return await _grouped(session, PlaySet.video_id.in_(video_ids), "video_id", video_ids)


async def play_sets_of_tasks(
    session: ReadSession, task_ids: Sequence[UUID]
) -> dict[UUID, list[PlaySet]]:
    return await _grouped(session, PlaySet.task_id.in_(task_ids), "task_id", task_ids)


async def _grouped(
    session: ReadSession, where: ColumnElement[bool], by: str, ids: Sequence[UUID]
) -> dict[UUID, list[PlaySet]]:
    rows = await session.scalars(select(PlaySet).where(where).order_by(_by_ladder(PlaySet)))
    grouped: dict[UUID, list[PlaySet]] = {id: [] for id in ids}
    for row in rows:
        grouped[getattr(row, by)].append(row)
    return grouped


async def audio_tracks(session: ReadSession, video_id: UUID) -> dict[UUID, AudioTrack]:
    rows = await session.scalars(select(AudioTrack).where(AudioTrack.video_id == video_id))
    return {row.id: row for row in rows}


async def start_play_sets(session: WriteSession, task_id: UUID) -> None:
    await session.execute(
        update(PlaySet)
        .where(PlaySet.task_id == task_id, PlaySet.status.in_(OPEN_PLAY_SETS))
        .values(status=PlaySetStatus.TRANSCODING)
    )


async def finish_play_set(session: WriteSession, id: UUID, values: Mapping[str, Any]) -> None:
    await session.execute(
        update(PlaySet).where(PlaySet.id == id).values(status=PlaySetStatus.READY, **values)
    )


async def fail_play_sets(session: WriteSession, task_ids: Sequence[UUID]) -> list[PlaySet]:
    """The play sets of these tasks that were still to come will not come; returns them."""
    rows = await session.scalars(
        update(PlaySet)
        .where(PlaySet.task_id.in_(task_ids), PlaySet.status.in_(OPEN_PLAY_SETS))
        .values(status=PlaySetStatus.TRANSCODE_FAILED)
        .returning(PlaySet)
    )
    return list(rows)


async def twins(
    session: ReadSession, content_id: UUID, resolutions: Sequence[Resolution]
) -> dict[Resolution, PlaySet]:
    """A READY play set of each resolution, of any video with this content."""
    rows = await session.scalars(
        select(PlaySet)
        .join(Video, Video.id == PlaySet.video_id)
        .where(
            Video.content_id == content_id,
            PlaySet.status == PlaySetStatus.READY,
            PlaySet.resolution.in_(resolutions),
        )
        .order_by(PlaySet.created_at.desc(), PlaySet.id)
    )
    return {row.resolution: row for row in rows}


_SHARED = (
    "playlist_key",
    "file_size",
    "width",
    "height",
    "frame_rate",
    "duration_ms",
    "bandwidth",
    "average_bandwidth",
    "codecs",
)
_SOUND = ("playlist_key", "file_size", "bandwidth", "average_bandwidth", "codecs")


async def share_play_set(session: WriteSession, mine: PlaySet, twin: PlaySet) -> None:
    """Make a play set READY with the files of its twin, sound included."""
    sound = None
    if twin.audio_track_id is not None:
        track = await session.get_one(AudioTrack, twin.audio_track_id)
        values = {name: getattr(track, name) for name in _SOUND}
        sound = await save_audio_track(session, mine.video_id, track.name, values)
    values = {name: getattr(twin, name) for name in _SHARED}
    await finish_play_set(session, mine.id, {**values, "audio_track_id": sound})
    await session.refresh(mine)


async def share_pictures(session: WriteSession, id: UUID, twin_id: UUID) -> None:
    """Give a video without pictures those of its twin."""
    twin = await session.get_one(Video, twin_id)
    await session.execute(
        update(Video)
        .where(Video.id == id)
        .values(
            poster_key=func.coalesce(Video.poster_key, twin.poster_key),
            storyboard_key=func.coalesce(Video.storyboard_key, twin.storyboard_key),
        )
    )


async def save_audio_track(
    session: WriteSession, video_id: UUID, name: str, values: Mapping[str, Any]
) -> UUID:
    fresh = insert(AudioTrack).values(video_id=video_id, name=name, **values)
    saved = fresh.on_conflict_do_update(
        index_elements=[AudioTrack.video_id, AudioTrack.name], set_=dict(values)
    )
    return (await session.scalars(saved.returning(AudioTrack.id))).one()


async def audio_track_id(session: ReadSession, video_id: UUID, name: str) -> UUID | None:
    return await session.scalar(
        select(AudioTrack.id).where(AudioTrack.video_id == video_id, AudioTrack.name == name)
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
