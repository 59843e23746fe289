"""Statements about play sets, the sound that goes with them, and the keys they are under."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

from sqlalchemy import (
    ARRAY,
    ColumnElement,
    Uuid,
    any_,
    bindparam,
    case,
    delete,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy.orm import aliased

from db.models import AudioTrack, PlaySet, SegmentKey, Template, Video
from db.rows import Source, among, equals
from db.session import ReadSession, WriteSession
from domain.play_sets import FAILED_PLAY_SETS, LIVE_PLAY_SETS, OPEN_PLAY_SETS, PlaySetStatus, before
from domain.videos import Resolution


def _by_ladder(row: Any) -> ColumnElement[int]:  # noqa: ANN401  (the model or its alias)
    """Lowest rung first, Origin last."""
    rungs = ",".join(resolution.value for resolution in Resolution)
    return func.array_position(literal_column(f"'{{{rungs}}}'::varchar[]"), row.resolution)


def _of_templates(row: Any, name: str) -> ColumnElement[bool]:  # noqa: ANN401
    """Made with one of these templates, named by their keys in the API, or a former form of it."""
    wanted = any_(bindparam(name, type_=ARRAY(Uuid())))
    return (
        select(Template.id)
        .where(
            Template.id == row.template_id,
            (Template.public_id == wanted) | (Template.replaced_by_id == wanted),
        )
        .exists()
    )


PLAY_SETS = Source(
    PlaySet,
    {
        "account_id": lambda row, name: (
            select(Video.id)
            .where(Video.id == row.video_id, Video.account_id == bindparam(name))
            .exists()
        ),
        "id": equals("id"),
        "statuses": among("status"),
        "resolutions": among("resolution"),
        "templates": _of_templates,
    },
    lambda row: [_by_ladder(row), row.created_at, row.id],
)


async def of_videos(session: ReadSession, video_ids: Sequence[UUID]) -> dict[UUID, list[PlaySet]]:
    """The play sets of each video that are not deleted, lowest rung first, Origin last."""
    is_live = PlaySet.status.in_(LIVE_PLAY_SETS)
    return await _grouped(session, is_live & PlaySet.video_id.in_(video_ids), "video_id", video_ids)


async def of_tasks(session: ReadSession, task_ids: Sequence[UUID]) -> dict[UUID, list[PlaySet]]:
    """What each task makes, or has made."""
    return await _grouped(session, PlaySet.task_id.in_(task_ids), "task_id", task_ids)


async def _grouped(
    session: ReadSession, where: ColumnElement[bool], by: str, ids: Sequence[UUID]
) -> dict[UUID, list[PlaySet]]:
    rows = await session.scalars(
        select(PlaySet)
        .where(where)
        .order_by(_by_ladder(PlaySet), PlaySet.created_at, PlaySet.id)
        .execution_options(populate_existing=True)
    )
    grouped: dict[UUID, list[PlaySet]] = {id: [] for id in ids}
    for row in rows:
        grouped[getattr(row, by)].append(row)
    return grouped


async def _change(
    session: WriteSession,
    where: ColumnElement[bool],
    status: PlaySetStatus,
    values: Mapping[str, Any] | None = None,
) -> list[PlaySet]:
    """Change the state of those that may change to it; returns them."""
    rows = await session.scalars(
        update(PlaySet)
        .where(where, PlaySet.status.in_(before(status)))
        .values(status=status, **values or {})
        .returning(PlaySet),
        execution_options={"synchronize_session": False, "populate_existing": True},
    )
    return list(rows)


async def change(
    session: WriteSession,
    ids: Sequence[UUID],
    status: PlaySetStatus,
    values: Mapping[str, Any] | None = None,
) -> list[PlaySet]:
    """Change the state of those of these that may change to it; returns them."""
    return await _change(session, PlaySet.id.in_(ids), status, values)


async def change_of_task(session: WriteSession, task_id: UUID, status: PlaySetStatus) -> None:
    """Change the state of whatever the task is making."""
    is_open = PlaySet.status.in_(OPEN_PLAY_SETS)
    await _change(session, is_open & (PlaySet.task_id == task_id), status)


async def finish(session: WriteSession, id: UUID, values: Mapping[str, Any]) -> bool:
    """It can be played from now on; False when it was not to come any more."""
    return bool(await change(session, [id], PlaySetStatus.READY, values))


async def fail(session: WriteSession, task_ids: Sequence[UUID]) -> list[PlaySet]:
    """The play sets of these tasks that were still to come will not come; returns them."""
    encoded = (PlaySetStatus.TRANSCODED, PlaySetStatus.UPLOADING)
    rows = await session.scalars(
        update(PlaySet)
        .where(PlaySet.task_id.in_(task_ids), PlaySet.status.in_(OPEN_PLAY_SETS))
        .values(
            status=case(
                (PlaySet.status.in_(encoded), PlaySetStatus.UPLOAD_FAILED),
                else_=PlaySetStatus.TRANSCODE_FAILED,
            )
        )
        .returning(PlaySet),
        execution_options={"synchronize_session": False, "populate_existing": True},
    )
    return list(rows)


async def reopen(session: WriteSession, ids: Sequence[UUID], task_id: UUID) -> list[PlaySet]:
    """Have a task try failed play sets again; returns them."""
    has_failed = PlaySet.status.in_(FAILED_PLAY_SETS)
    return await _change(
        session, has_failed & PlaySet.id.in_(ids), PlaySetStatus.INITIAL, {"task_id": task_id}
    )


async def reopen_of_tasks(session: WriteSession, task_ids: Sequence[UUID]) -> list[PlaySet]:
    """Have these tasks try again what they did not make; returns it."""
    has_failed = PlaySet.status.in_(FAILED_PLAY_SETS)
    return await _change(
        session, has_failed & PlaySet.task_id.in_(task_ids), PlaySetStatus.INITIAL, {}
    )


async def give_up(session: WriteSession, ids: Sequence[UUID]) -> list[str]:
    """Delete play sets; returns the playlists that they had.

    Whoever is sharing their files at this moment is waited for.
    """
    wanted = select(PlaySet).where(PlaySet.id.in_(ids)).order_by(PlaySet.id).with_for_update()
    old = list(await session.scalars(wanted))
    lost = [one.playlist_key for one in old if one.playlist_key is not None]
    await change(
        session, ids, PlaySetStatus.DELETED, {"playlist_key": None, "audio_track_id": None}
    )
    return lost


async def drop_unheard(session: WriteSession, video_id: UUID) -> list[str]:
    """Delete the sound that no play set has any more; returns its playlists.

    As long as anything is being made of the video, its sound may be wanted.
    """
    of_video = PlaySet.video_id == video_id
    coming = select(PlaySet.id).where(of_video, PlaySet.status.in_(OPEN_PLAY_SETS)).exists()
    heard = select(PlaySet.id).where(PlaySet.audio_track_id == AudioTrack.id).exists()
    unheard = await session.scalars(
        delete(AudioTrack)
        .where(AudioTrack.video_id == video_id, ~heard, ~coming)
        .returning(AudioTrack.playlist_key)
    )
    return list(unheard)


async def older(session: ReadSession, video_id: UUID, fresh: Collection[UUID]) -> list[UUID]:
    """The READY play sets of a video that these, of the same video, take the place of.

    They are of the same templates: made with them as they are, or as they were before.
    """
    made = aliased(PlaySet)
    mine, theirs = aliased(Template), aliased(Template)
    my_key = func.coalesce(mine.replaced_by_id, mine.public_id)
    rows = await session.scalars(
        select(PlaySet.id)
        .join(theirs, theirs.id == PlaySet.template_id)
        .join(mine, my_key == func.coalesce(theirs.replaced_by_id, theirs.public_id))
        .join(made, made.template_id == mine.id)
        .where(
            made.id.in_(fresh),
            PlaySet.video_id == video_id,
            PlaySet.id.not_in(fresh),
            PlaySet.status == PlaySetStatus.READY,
        )
        .distinct()
    )
    return list(rows)


async def twins(
    session: WriteSession, content_id: UUID, template_ids: Collection[UUID]
) -> dict[UUID, PlaySet]:
    """A READY play set of each template, of any video with this content.

    Nobody replaces these as long as the transaction lasts.
    """
    rows = await session.scalars(
        select(PlaySet)
        .join(Video, Video.id == PlaySet.video_id)
        .where(
            Video.content_id == content_id,
            PlaySet.status == PlaySetStatus.READY,
            PlaySet.template_id.in_(template_ids),
        )
        .order_by(PlaySet.id)  # as whoever replaces them locks them
        .with_for_update(read=True, of=PlaySet)
    )
    return {row.template_id: row for row in rows}


_SHARED: Final = (
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
_SOUND: Final = ("playlist_key", "file_size", "bandwidth", "average_bandwidth", "codecs")


async def share(session: WriteSession, mine: PlaySet, twin: PlaySet) -> bool:
    """Make a play set READY with the files of its twin, sound included; whether it is now."""
    sound = None
    if twin.audio_track_id is not None:
        track = await session.get_one(AudioTrack, twin.audio_track_id)
        values = {name: getattr(track, name) for name in _SOUND}
        sound = await save_sound(session, mine.video_id, track.name, values)
    values = {name: getattr(twin, name) for name in _SHARED}
    finished = await finish(session, mine.id, {**values, "audio_track_id": sound})
    await session.refresh(mine)
    return finished


async def sounds(session: ReadSession, video_id: UUID) -> dict[UUID, AudioTrack]:
    rows = await session.scalars(select(AudioTrack).where(AudioTrack.video_id == video_id))
    return {row.id: row for row in rows}


async def latest_sounds(session: ReadSession, video_id: UUID) -> dict[str, UUID]:
    """The sound of each name that the video has, to go with further pictures."""
    rows = await session.execute(
        select(AudioTrack.name, AudioTrack.id)
        .where(AudioTrack.video_id == video_id)
        .order_by(AudioTrack.created_at, AudioTrack.id)
    )
    return {one.name: one.id for one in rows}


async def save_sound(
    session: WriteSession, video_id: UUID, name: str, values: Mapping[str, Any]
) -> UUID:
    """Add a sound; one of the same files is the same."""
    same = await session.scalar(
        select(AudioTrack.id).where(
            AudioTrack.video_id == video_id,
            AudioTrack.name == name,
            AudioTrack.playlist_key == values["playlist_key"],
        )
    )
    if same is not None:
        return same
    track = AudioTrack(video_id=video_id, name=name, **values)
    session.add(track)
    await session.flush()
    return track.id


async def add_key(session: WriteSession, id: UUID, video_id: UUID, value: bytes) -> None:
    session.add(SegmentKey(id=id, video_id=video_id, value=value))
    await session.flush()


async def key(session: ReadSession, id: UUID, video_id: UUID) -> bytes | None:
    """The value of a key, if it is one of this video's."""
    return await session.scalar(
        select(SegmentKey.value).where(SegmentKey.id == id, SegmentKey.video_id == video_id)
    )
