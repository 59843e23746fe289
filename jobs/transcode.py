"""One pass of ffmpeg over a video, and the play sets it makes.

ffmpeg writes to a folder of this process; its files are stored under the attempt's own
prefix, and one fenced transaction publishes all of them. So a pass is READY as a whole or
not at all, and whatever a killed run left is below its own prefix, where the next clears it.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID

from db import objects, tasks, videos
from db.models import Content, PlaySet, Video
from db.session import WriteSession
from domain import playlists
from domain.media import Source
from domain.passes import Pass, sounds_of
from domain.playback import content_type
from domain.tasks import TaskStatus
from domain.templates import DEFAULTS
from domain.videos import OPEN_PLAY_SETS, TranscodePass
from jobs import outcomes, plans
from jobs.runs import Overtaken, Run, Waiting
from media.passes import Output, Progress, Storyboard, Track
from storage import keys

AUDIO_OF = {TranscodePass.ORIGIN: "origin-audio"}
"""Which sound the pictures of a pass go with; all encoded rungs share one."""


@dataclass(frozen=True, slots=True)
class Subject:
    """What a run needs to know, read once."""

    video: Video
    kind: TranscodePass
    source: Source
    content: Content
    play_sets: Sequence[PlaySet]


async def transcode(run: Run) -> None:
    """Make the play sets of this task that are still to come."""
    subject = await _begin(run)
    if subject is None:  # what another video has of the same bytes was all that was wanted
        return
    tools, task = run.tools, run.task
    await _clear_earlier(run, subject.content)
    prefix = keys.attempt(subject.content.id, task.id, task.attempt)
    try:
        with tools.workspace.folder() as folder:
            output = await _encode(run, subject, folder)
            stored = await _store(run, output, prefix, subject.source.duration_ms)
        async with tools.db.write() as session:
            await _publish(session, run, subject, output, stored)
    except BaseException:
        await _discard(run, prefix)
        raise


async def _clear_earlier(run: Run, content: Content) -> None:
    """Remove what killed runs left: they can publish no more. A later run's is not ours."""
    store, task = run.tools.store, run.task
    folder = keys.task(content.id, task.id)
    found = {int(one.key.removeprefix(folder).split("/")[0]) async for one in store.list(folder)}
    for number in found:
        if number < task.attempt:
            await store.delete_all(keys.attempt(content.id, task.id, number))


async def _encode(run: Run, subject: Subject, folder: Path) -> Output:
    async with run.tools.store.object_file(subject.content.key) as input:
        return await run.tools.encoder.run(
            _pass(subject), subject.source, input, folder, _reporter(run)
        )


def _pass(subject: Subject) -> Pass:
    """The ladder goes with the sound of the first play."""
    wanted = {play_set.resolution for play_set in subject.play_sets}
    chosen = [one for one in DEFAULTS if one.resolution in wanted]
    sounds = [] if subject.kind is TranscodePass.LADDER else sounds_of(subject.source, chosen)
    pictures = subject.kind is TranscodePass.FIRST_PLAY
    return Pass(subject.kind, chosen, sounds, pictures)


async def _discard(run: Run, prefix: str) -> None:
    """Remove what a run stored and did not publish.

    It may have published it: the connection can break after a commit and before its answer.
    """
    async with run.tools.db.read() as session:
        task = (await tasks.by_ids(session, [run.task.id])).get(run.task.id)
    if task is None or (task.status, task.attempt) != (TaskStatus.SUCCEEDED, run.task.attempt):
        await run.tools.store.delete_all(prefix)


async def _begin(run: Run) -> Subject | None:
    """What is to be made; None when nothing is, any more."""
    task, kind = run.task, run.task.transcode_pass
    if task.video_id is None or kind is None:
        raise ValueError(f"the task {task.id} has no video or no pass")
    async with run.tools.db.write() as session:
        video = await videos.lock(session, task.video_id)
        if video is None or video.source is None or video.content_id is None:
            raise Overtaken
        content = await objects.content(session, video.content_id)
        if content is None:
            raise Overtaken
        await plans.share(session, video)
        if await plans.close(session, task):
            await _follow(session, run, video, kind)
            return None
        if await tasks.twin_runs(session, task, content.id):
            raise Waiting
        await videos.start_play_sets(session, task.id)
        play_sets = (await videos.play_sets_of_tasks(session, [task.id]))[task.id]
        await outcomes.wake_watchers(session, task)
    todo = [play_set for play_set in play_sets if play_set.status in OPEN_PLAY_SETS]
    return Subject(video, kind, Source.from_json(video.source), content, todo)


async def _follow(session: WriteSession, run: Run, video: Video, kind: TranscodePass) -> None:
    if kind is TranscodePass.FIRST_PLAY:
        await plans.queue_ladder(session, run.tools.queue, video.id)


def _reporter(run: Run) -> Callable[[Progress], Awaitable[None]]:
    async def report(progress: Progress) -> None:
        await run.report(progress.fraction, progress.speed)

    return report


async def _store(run: Run, output: Output, prefix: str, duration_ms: int) -> Mapping[str, str]:
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


async def _publish(
    session: WriteSession, run: Run, subject: Subject, output: Output, stored: Mapping[str, str]
) -> None:
    task, video = run.task, subject.video
    if not await tasks.succeed(session, task, log=output.warning or output.log):
        raise Overtaken
    sound = await _publish_sound(session, subject, output, stored)
    tracks = {track.name: track for track in output.tracks}
    for play_set in subject.play_sets:
        values = _values(tracks[play_set.resolution.value], stored)
        await videos.finish_play_set(session, play_set.id, {**values, "audio_track_id": sound})
    if output.poster:
        vtt = output.storyboard.image.with_suffix(".vtt").name if output.storyboard else ""
        await videos.set_pictures(
            session,
            video.id,
            poster_key=stored[output.poster.name],
            storyboard_key=stored.get(vtt),
        )
    await plans.announce(session, video, [play_set.id for play_set in subject.play_sets])
    await outcomes.wake_watchers(session, task)
    await _follow(session, run, video, subject.kind)


async def _publish_sound(
    session: WriteSession, subject: Subject, output: Output, stored: Mapping[str, str]
) -> UUID | None:
    """The sound that goes with this pass's pictures: its own, or the first play's."""
    video_id, name = subject.video.id, AUDIO_OF.get(subject.kind, "audio")
    track = next((track for track in output.tracks if track.name == name), None)
    if track is None:
        return await videos.audio_track_id(session, video_id, name)
    values = {
        "playlist_key": stored[track.playlist.name],
        "file_size": track.size,
        "bandwidth": track.bandwidth,
        "average_bandwidth": track.average_bandwidth,
        "codecs": track.codecs,
    }
    return await videos.save_audio_track(session, video_id, name, values)


def _values(track: Track, stored: Mapping[str, str]) -> dict[str, Any]:
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
