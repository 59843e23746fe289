"""What is made of a video: its play sets, the tasks that make them, and the first jobs.

What was made of the same bytes before, for whichever video, is shared and not made again.
Statements only, no media code: the API plans instant uploads, and workers all others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from db import events, tasks, videos
from db.models import Content, PlaySet, StoredObject, Task, Video
from db.session import WriteSession
from domain import ladder, passes, templates
from domain.events import EventType, NewEvent, topic
from domain.media import Source
from domain.tasks import UNFINISHED, TaskKind, TaskStatus
from domain.videos import (
    OPEN_PLAY_SETS,
    PlaySetStatus,
    Resolution,
    TranscodePass,
    VideoStatus,
    new_vid,
)
from jobs.queue import Queue


@dataclass(frozen=True, slots=True)
class NewVideo:
    """What is known of a video before its file was looked at. The size is bytes."""

    account_id: UUID
    title: str
    description: str | None
    file_size: int
    source_type: str | None = None
    source_id: str | None = None
    skip_auto_transcode: bool = False


async def add_video(session: WriteSession, new: NewVideo) -> Video:
    """A PROCESSING video of a file that is still to be checked."""
    video = Video(
        vid=new_vid(),
        account_id=new.account_id,
        status=VideoStatus.PROCESSING,
        title=new.title,
        description=new.description,
        source_type=new.source_type,
        source_id=new.source_id,
        file_size=new.file_size,
        skip_auto_transcode=new.skip_auto_transcode,
    )
    await videos.add(session, video)
    return video


async def begin(
    session: WriteSession, queue: Queue, video: Video, content: Content, stored: StoredObject
) -> None:
    """Give a video its file, and begin what is to be made of it.

    A file that nobody has looked into yet is probed first, by a job that calls `make` then.
    """
    video.content_id, video.storage_id = content.id, stored.storage_id
    video.source_sha256, video.file_size = content.sha256, content.size
    await session.flush()
    if content.source is not None:
        await make(session, queue, video, Source.from_json(content.source))
        return
    task = Task(
        account_id=video.account_id,
        kind=TaskKind.PROBE,
        status=TaskStatus.QUEUED,
        video_id=video.id,
    )
    await tasks.add(session, task)
    await queue.defer(session, task)


async def make(session: WriteSession, queue: Queue, video: Video, source: Source) -> None:
    """Plan the play sets, share those that exist, and queue the first jobs of the others."""
    video.source, video.duration_ms = source.to_json(), source.duration_ms
    video.width, video.height = ladder.display_size(source)
    await session.flush()
    if video.skip_auto_transcode:
        await announce(session, video, [])
        return
    planned = [await _plan(session, video, *one) for one in _passes(source).items()]
    await share(session, video)
    done = {task.transcode_pass for task in planned if await close(session, task)}
    for task in planned:
        if task.transcode_pass in done:
            continue
        # The ladder follows the first play: it shares its sound.
        if task.transcode_pass is not TranscodePass.LADDER or TranscodePass.FIRST_PLAY in done:
            await queue.defer(session, task)


def _passes(source: Source) -> dict[TranscodePass, list[Resolution]]:
    wanted, _ = templates.choose(source, templates.DEFAULTS)
    planned = passes.plan(source, wanted, pictures=True)
    return {one.kind: [template.resolution for template in one.templates] for one in planned}


async def _plan(
    session: WriteSession, video: Video, kind: TranscodePass, resolutions: Sequence[Resolution]
) -> Task:
    task = Task(
        account_id=video.account_id,
        kind=TaskKind.TRANSCODE,
        status=TaskStatus.QUEUED,
        video_id=video.id,
        transcode_pass=kind,
    )
    await tasks.add(session, task)
    session.add_all(
        PlaySet(
            video_id=video.id,
            task_id=task.id,
            resolution=resolution,
            status=PlaySetStatus.INITIAL,
        )
        for resolution in resolutions
    )
    await session.flush()
    return task


async def share(session: WriteSession, video: Video) -> None:
    """Make READY what another video of the same bytes has READY, from the same files."""
    if video.content_id is None:
        return
    wanted = {
        play_set.resolution: play_set
        for play_set in (await videos.play_sets(session, [video.id]))[video.id]
        if play_set.status in OPEN_PLAY_SETS
    }
    twins = await videos.twins(session, video.content_id, list(wanted))
    if not twins:
        return
    await videos.share_pictures(session, video.id, next(iter(twins.values())).video_id)
    for resolution, twin in twins.items():
        await videos.share_play_set(session, wanted[resolution], twin)
    await announce(session, video, [wanted[resolution].id for resolution in twins])


async def close(session: WriteSession, task: Task) -> bool:
    """End a task whose play sets are all READY, although it made none; whether they are."""
    play_sets = (await videos.play_sets_of_tasks(session, [task.id]))[task.id]
    if any(one.status in OPEN_PLAY_SETS for one in play_sets):
        return False
    await tasks.spare(session, task.id)
    await events.wake(session, topic("task", task.id))
    return True


async def queue_ladder(session: WriteSession, queue: Queue, video_id: UUID) -> None:
    """Queue the pass that follows the first play, unless that was done before."""
    siblings = (await tasks.of_video(session, [video_id]))[video_id]
    for task in siblings:
        is_ladder = task.transcode_pass is TranscodePass.LADDER
        if is_ladder and task.status in UNFINISHED and task.job_id is None:
            await queue.defer(session, task)


async def announce(session: WriteSession, video: Video, play_sets: Sequence[UUID]) -> None:
    """Each play set is READY; the first one makes the video ready, or that none is wanted."""
    account = video.account_id
    news = [
        NewEvent(EventType.PLAY_SET_READY, account, video_id=video.id, play_set_id=id)
        for id in play_sets
    ]
    if await videos.publish(session, video.id):
        news.append(NewEvent(EventType.VIDEO_READY, account, video_id=video.id))
    await events.record(session, *news)
