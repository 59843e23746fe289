"""What a pass has made: stored, then published by one fenced transaction."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from db import costs, garbage, play_sets, runs, tasks, videos
from db.models import Content, PlaySet, Video
from db.session import WriteSession
from domain import playlists, simulation
from domain.media import Source
from domain.passes import Pass
from domain.playback import MAX_TTL_SECONDS, content_type
from domain.tasks import TaskStatus
from domain.templates import Template
from domain.videos import TranscodePass
from jobs import discards, outcomes, plans
from jobs.runs import Overtaken, Run
from media.encryption import SegmentKey
from media.passes import Output, Storyboard, Track
from storage import keys

_AFTER_LINKS: Final = timedelta(seconds=MAX_TTL_SECONDS)
"""When no link that was given out before is good any more."""


@dataclass(frozen=True, slots=True)
class Key:
    """What this run encrypts with. A run that follows has another one."""

    id: UUID
    value: bytes = field(repr=False)

    def for_segments(self) -> SegmentKey:
        return SegmentKey(self.value, keys.key_uri(self.id))


@dataclass(frozen=True, slots=True)
class Subject:
    """What a run needs to know, read once."""

    video: Video
    source: Source
    content: Content
    one: Pass
    play_sets: Sequence[tuple[PlaySet, Template]]
    sounds: Mapping[str, UUID]
    """The sound that the video has already, by name."""
    key: Key | None

    def prefix(self, run: Run) -> str:
        """Below which the run's files are stored."""
        return keys.attempt(self.content.id, run.task.id, run.task.attempt)

    @property
    def pace(self) -> float | None:
        """How fast the source is read, for a video that is only simulated."""
        return simulation.pace_of(self.video.simulation)


async def follow(session: WriteSession, run: Run, video: Video, kind: TranscodePass) -> None:
    if kind is TranscodePass.FIRST_PLAY:
        await plans.queue_ladder(session, run.tools.queue, video.id)


async def clear_earlier(run: Run, content_id: UUID) -> None:
    """Remove what killed runs left: they can publish no more. A later run's is not ours."""
    store, task = run.tools.store, run.task
    folder = keys.task(content_id, task.id)
    found = {int(one.key.removeprefix(folder).split("/")[0]) async for one in store.list(folder)}
    for number in found:
        if number < task.attempt:
            await store.delete_all(keys.attempt(content_id, task.id, number))


async def discard(run: Run, prefix: str) -> None:
    """Remove what a run stored and did not publish.

    It may have published it: the connection can break after a commit and before its answer.
    """
    async with run.tools.db.read() as session:
        task = (await tasks.by_ids(session, [run.task.id])).get(run.task.id)
    if task is None or (task.status, task.attempt) != (TaskStatus.SUCCEEDED, run.task.attempt):
        await run.tools.store.delete_all(prefix)


async def store(run: Run, output: Output, prefix: str, duration_ms: int) -> Mapping[str, str]:
    """Store every file of the output; returns the key of each by its name."""
    files = [file for track in output.tracks for file in (track.file, track.playlist)]
    files += [output.poster] if output.poster else []
    if output.storyboard:
        files += [output.storyboard.image, _write_vtt(output.storyboard, duration_ms)]
    for file in files:
        await run.tools.store.put_file(prefix + file.name, file, content_type(file.name))
    return {file.name: prefix + file.name for file in files}


def _write_vtt(storyboard: Storyboard, duration_ms: int) -> Path:
    path = storyboard.image.with_suffix(".vtt")
    text = playlists.storyboard(
        duration_ms,
        storyboard.step_ms,
        storyboard.columns,
        storyboard.rows,
        storyboard.tile_width,
        storyboard.tile_height,
        storyboard.image.name,
    )
    path.write_text(text)
    return path


async def publish(
    session: WriteSession, run: Run, subject: Subject, output: Output, stored: Mapping[str, str]
) -> None:
    task, video, key = run.task, subject.video, subject.key
    await videos.lock(session, video.id)
    if not await runs.succeed(session, task, log=output.warning or output.log):
        raise Overtaken
    await garbage.keep(session, subject.prefix(run))
    if key is not None:
        await play_sets.add_key(session, key.id, video.id, key.value)
    tracks = {track.name: track for track in output.tracks}
    sounds = await _publish_sounds(session, subject, tracks, stored)
    ids = [play_set.id for play_set, _ in subject.play_sets]
    lost = await play_sets.give_up(session, await play_sets.older(session, video.id, ids))
    for play_set, template in subject.play_sets:
        track = tracks[template.track]
        values = _picture(track, stored) | {
            "audio_track_id": sounds.get(template.sound.name),
            "key_id": key.id if key is not None and track.encrypted else None,
        }
        if not await play_sets.finish(session, play_set.id, values):
            raise ValueError(f"the play set {play_set.id} was not to come any more")
    lost += await play_sets.drop_unheard(session, video.id)
    await discards.later(session, [subject.content.id], lost, after=_AFTER_LINKS)
    if output.poster:
        vtt = output.storyboard.image.with_suffix(".vtt").name if output.storyboard else ""
        await videos.set_pictures(
            session,
            video.id,
            poster_key=stored[output.poster.name],
            storyboard_key=stored.get(vtt),
        )
    await plans.announce(session, video, ids)
    await outcomes.wake_watchers(session, task)
    await follow(session, run, video, subject.one.kind)
    await costs.learn(session, video, subject.one.templates, seconds=run.seconds)


async def _publish_sounds(
    session: WriteSession, subject: Subject, tracks: Mapping[str, Track], stored: Mapping[str, str]
) -> Mapping[str, UUID]:
    """The sound that goes with this pass's pictures, by name: its own, or what there is."""
    sounds, key = dict(subject.sounds), subject.key
    for sound in subject.one.sounds:
        track = tracks[sound.name]
        values = {
            "playlist_key": stored[track.playlist.name],
            "file_size": track.size,
            "bandwidth": track.bandwidth,
            "average_bandwidth": track.average_bandwidth,
            "codecs": track.codecs,
            "key_id": key.id if key is not None and track.encrypted else None,
        }
        sounds[sound.name] = await play_sets.save_sound(
            session, subject.video.id, sound.name, values
        )
    return sounds


def _picture(track: Track, stored: Mapping[str, str]) -> dict[str, Any]:
    return {
        "playlist_key": stored[track.playlist.name],
        "file_size": track.size,
        "width": track.width,
        "height": track.height,
        "frame_rate": str(track.frame_rate),
        "duration_ms": track.duration_ms,
        "bandwidth": track.bandwidth,
        "average_bandwidth": track.average_bandwidth,
        "codecs": track.codecs,
    }
