"""What is made of a video: its play sets, the tasks that make them, and the first jobs.

What was made of the same bytes before, for whichever video, is shared and not made again.
Statements only, no media code: the API plans instant uploads, and workers all others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from db import categories, costs, events, play_sets, tasks, templates, video_states, videos
from db.models import Content, PlaySet, StoredObject, Task, Video
from db.session import ReadSession, WriteSession
from domain import ladder, passes
from domain.events import EventType, NewEvent, topic
from domain.media import Source
from domain.passes import Pass
from domain.play_sets import FAILED_PLAY_SETS, OPEN_PLAY_SETS, PlaySetStatus
from domain.simulation import Simulation
from domain.tasks import TaskKind, TaskStatus
from domain.templates import DEFAULTS, Encryption, Skip, Template, choose, lowest_first
from domain.videos import Resolution, SourceKind, TranscodePass, VideoStatus, new_vid
from jobs import outcomes
from jobs.queue import Queue, place


@dataclass(frozen=True, slots=True, kw_only=True)
class NewVideo:
    """What is known of a video before its file was looked at. The size is bytes."""

    account_id: UUID
    title: str
    description: str | None = None
    file_size: int = 0
    """As announced; 0 where nothing was."""
    source_kind: SourceKind = SourceKind.UPLOAD
    source_type: str | None = None
    source_id: str | None = None
    category_id: UUID | None = None
    """None, or of one that has gone: the account's default category."""
    clipped_from_id: UUID | None = None
    simulation: Simulation | None = None
    skip_auto_transcode: bool = False
    owner_phone: str | None = None


async def add_video(session: WriteSession, new: NewVideo) -> Video:
    """A PROCESSING video of a file that is still to be checked, or to be made."""
    return await _add(session, new, VideoStatus.PROCESSING)


async def promise(session: WriteSession, new: NewVideo) -> Video:
    """An INITIAL video, whose file an upload is to bring."""
    return await _add(session, new, VideoStatus.INITIAL)


async def _add(session: WriteSession, new: NewVideo, status: VideoStatus) -> Video:
    video = Video(
        vid=new_vid(),
        account_id=new.account_id,
        status=status,
        description=new.description,
        source_kind=new.source_kind,
        source_type=new.source_type,
        source_id=new.source_id,
        category_id=await categories.place(session, new.account_id, new.category_id),
        clipped_from_id=new.clipped_from_id,
        simulation=new.simulation and new.simulation.to_json(),
        file_size=new.file_size,
        skip_auto_transcode=new.skip_auto_transcode,
        owner_phone=new.owner_phone,
    )
    videos.entitle(video, new.title)
    await videos.add(session, video)
    return video


async def begin(
    session: WriteSession, queue: Queue, video: Video, content: Content, stored: StoredObject
) -> None:
    """Give a video its file, and begin what is to be made of it.

    A file that nobody has looked into yet is probed first, by a job that calls `make` then.
    """
    await video_states.give_file(session, video, content, storage_id=stored.storage_id)
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
    """Plan what the account wants of every such video, and begin."""
    video.source, video.duration_ms = source.to_json(), source.duration_ms
    video.width, video.height = ladder.display_size(source)
    await session.flush()
    wanted = [] if video.skip_auto_transcode else (await automatic(session, video, source))[0]
    if wanted:
        await transcode(session, queue, video, wanted)
    else:
        await announce(session, video, [])


async def automatic(
    session: ReadSession, video: Video, source: Source
) -> tuple[list[Template], list[Skip]]:
    """What rules want and the source is good for, and what it is not good for.

    A rule that reaches too high gets one rung.
    """
    ruled = await templates.automatic(session, video)
    wanted = list(DEFAULTS if ruled is None else ruled)
    chosen, skipped = choose(source, wanted)
    encoded = [one for one in wanted if one.resolution is not Resolution.ORIGIN]
    if skipped and encoded and not any(one in chosen for one in encoded):
        lowest = lowest_first(encoded)[0]
        chosen.append(lowest)  # at the source's own size
        skipped = [one for one in skipped if one.template != lowest]
    return chosen, skipped


async def transcode(
    session: WriteSession,
    queue: Queue,
    video: Video,
    wanted: Sequence[Template],
    *,
    again: Sequence[Template] = (),
) -> list[PlaySet]:
    """Plan play sets, share those that exist, and queue the first jobs of the others.

    None of the templates has a play set that is open, or READY unless it is made `again`. What
    is made again is not shared, and replaces what is READY.
    """
    runs = await passes_of(session, video, wanted, again=again)
    planned = [await _plan(session, video, one) for one in runs]
    ids = [task.id for task in planned]
    await share(session, video, [task.id for task in planned if not task.redo])
    done = {task.id for task in planned if await close(session, task)}
    first_plays = [one for one in planned if one.transcode_pass is TranscodePass.FIRST_PLAY]
    leading = {one.redo for one in first_plays if one.id not in done}
    for task in planned:
        # The ladder follows the first play: it shares its sound.
        follows = task.transcode_pass is TranscodePass.LADDER and task.redo in leading
        if task.id not in done and not follows:
            await queue.defer(session, task)
    await events.wake(session, topic("video", video.id))
    return [one for made in (await play_sets.of_tasks(session, ids)).values() for one in made]


async def passes_of(
    session: ReadSession,
    video: Video,
    wanted: Sequence[Template],
    *,
    again: Sequence[Template] = (),
) -> list[Pass]:
    """Which runs make these of the video as it is now; the same in a dry run."""
    source = Source.from_json(video.source or {})
    known = await play_sets.latest_sounds(session, video.id)
    pictures = video.poster_key is None and not await _pictures_come(session, video)
    return passes.plan(source, wanted, pictures=pictures, sounds=known, again=again)


async def _pictures_come(session: ReadSession, video: Video) -> bool:
    """Whether a pass that makes the poster and the storyboard is not over."""
    siblings = (await tasks.of_video(session, [video.id]))[video.id]
    return any(map(outcomes.leads, siblings))


async def _plan(session: WriteSession, video: Video, one: Pass) -> Task:
    task = Task(
        account_id=video.account_id,
        kind=TaskKind.TRANSCODE,
        status=TaskStatus.QUEUED,
        video_id=video.id,
        transcode_pass=one.kind,
        redo=one.redo,
    )
    task.queue, task.priority = place(task)  # of its job, which may come much later
    task.cost_s = await costs.expected_s(session, video, one.templates)
    await tasks.add(session, task)
    failed = {
        found.template_id: found.id
        for found in (await play_sets.of_videos(session, [video.id]))[video.id]
        if found.status in FAILED_PLAY_SETS
    }
    again = [failed[template.id] for template in one.templates if template.id in failed]
    await play_sets.reopen(session, again, task.id)
    session.add_all(
        PlaySet(
            video_id=video.id,
            task_id=task.id,
            template_id=template.id,
            resolution=template.resolution,
            status=PlaySetStatus.INITIAL,
        )
        for template in one.templates
        if template.id not in failed
    )
    await session.flush()
    return task


async def share(session: WriteSession, video: Video, task_ids: Sequence[UUID]) -> None:
    """Make READY what another video of the same bytes has READY, from the same files.

    What is encrypted is not shared: its key is this video's own.
    """
    if video.content_id is None:
        return
    found = await play_sets.of_tasks(session, task_ids)
    coming = [one for made in found.values() for one in made if one.status in OPEN_PLAY_SETS]
    made_with = await templates.of_play_sets(session, coming)
    wanted = {
        one.template_id: one
        for one in coming
        if made_with[one.template_id].encryption is Encryption.NONE
    }
    twins = await play_sets.twins(session, video.content_id, list(wanted))
    if not twins:
        return
    await videos.share_pictures(session, video.id, [twin.video_id for twin in twins.values()])
    shared = [
        wanted[template_id].id
        for template_id, twin in twins.items()
        if await play_sets.share(session, wanted[template_id], twin)
    ]
    await announce(session, video, shared)


async def close(session: WriteSession, task: Task) -> bool:
    """End a task whose play sets are all READY, although it made none; whether they are."""
    made = (await play_sets.of_tasks(session, [task.id]))[task.id]
    if any(one.status in OPEN_PLAY_SETS for one in made):
        return False
    await tasks.spare(session, task.id)
    await events.wake(session, topic("task", task.id), topic("tasks", task.account_id))
    return True


async def queue_ladder(session: WriteSession, queue: Queue, video_id: UUID) -> None:
    """Queue the pass that follows the first play, unless that was done before."""
    siblings = (await tasks.of_video(session, [video_id]))[video_id]
    for task in siblings:
        is_ladder = task.transcode_pass is TranscodePass.LADDER
        if is_ladder and task.status is TaskStatus.QUEUED and task.job_id is None:
            await queue.defer(session, task)


async def announce(session: WriteSession, video: Video, ids: Sequence[UUID]) -> None:
    """Each play set is READY; the first one makes the video ready, or that none is wanted."""
    account = video.account_id
    news = [
        NewEvent(EventType.PLAY_SET_READY, account, video_id=video.id, play_set_id=id) for id in ids
    ]
    if await video_states.publish(session, video.id):
        news.append(NewEvent(EventType.VIDEO_READY, account, video_id=video.id))
    await events.record(session, *news)
