"""The cover that a video's owner chose is made, and shown from then on."""

from dataclasses import dataclass
from pathlib import Path
from uuid import UUID

from db import accounts, covers, events, garbage, objects, runs, videos
from db.models import Task, Video
from db.session import ReadSession, WriteSession
from domain.covers import FILE_NAME
from domain.errors import NotFound
from domain.events import EventType, NewEvent
from domain.media import Source
from domain.playback import content_type
from jobs import outcomes, publishing, showing
from jobs.runs import Overtaken, Run
from media import covers as making
from storage import keys


@dataclass(frozen=True, slots=True)
class Wanted:
    """What the cover is made of, and beside what it is to lie."""

    video_id: UUID
    content_id: UUID
    source: Source | None
    """What the video is, if the cover is a frame of it."""
    key: str
    """The file to be read."""

    def prefix(self, run: Run) -> str:
        return keys.attempt(self.content_id, run.task.id, run.task.attempt)


async def make(run: Run) -> None:
    """Make the cover that this task is about, and have the video show it."""
    async with run.tools.db.read() as session:
        wanted = await _wanted(session, run.task)
    await publishing.clear_earlier(run, wanted.content_id)
    prefix = wanted.prefix(run)
    try:
        with run.tools.workspace.folder() as folder:
            made = await _make(run, wanted, folder / FILE_NAME)
            await _announce(run, prefix)
            await run.tools.store.put_file(prefix + FILE_NAME, made, content_type(FILE_NAME))
        async with run.tools.db.write() as session:
            await _publish(session, run, wanted, prefix)
    except BaseException:
        await publishing.discard(run, prefix)
        raise


async def _wanted(session: ReadSession, task: Task) -> Wanted:
    video = await videos.by_id(session, task.video_id) if task.video_id else None
    if video is None or video.content_id is None:
        raise Overtaken
    if task.at_ms is not None:
        return await _frame_of(session, video, video.content_id)
    found = await covers.picture(session, task.account_id, task.object_id)
    if found is None:
        raise _gone(task)
    return Wanted(video.id, video.content_id, None, found[1].key)


async def _frame_of(session: ReadSession, video: Video, content_id: UUID) -> Wanted:
    content = await objects.content(session, content_id)
    if content is None or video.source is None:
        raise Overtaken
    return Wanted(video.id, content_id, Source.from_json(video.source), content.key)


def _gone(task: Task) -> NotFound:
    return NotFound("StoredObject", str(task.object_id or ""))


async def _make(run: Run, wanted: Wanted, output: Path) -> Path:
    task, encoder = run.task, run.tools.encoder
    try:
        async with run.tools.store.object_file(wanted.key) as input:
            if wanted.source is None or task.at_ms is None:
                return await making.of_picture(encoder, input, output)
            return await making.of_frame(encoder, wanted.source, input, output, at_ms=task.at_ms)
    except FileNotFoundError as gone:  # given up since it was chosen
        raise _gone(task) from gone


async def _announce(run: Run, prefix: str) -> None:
    """Have the file that comes now removed, unless it is published in time."""
    async with run.tools.db.write() as session:
        if not await runs.hold(session, run.task):
            raise Overtaken
        await garbage.announce(session, prefix)


async def _publish(session: WriteSession, run: Run, wanted: Wanted, prefix: str) -> None:
    task = run.task
    await accounts.lock(session, task.account_id)  # whoever gives up the picture waits
    video = await videos.lock(session, wanted.video_id)
    if video is None or not await runs.succeed(session, task):
        raise Overtaken
    await garbage.keep(session, prefix)
    known = await covers.picture(session, task.account_id, task.object_id)
    object_id = known[0].id if known else None  # it may have been given up meanwhile
    await showing.show(session, video, key=prefix + FILE_NAME, object_id=object_id)
    await outcomes.wake_watchers(session, task)
    changed = NewEvent(EventType.VIDEO_UPDATED, video.account_id, video_id=video.id)
    await events.record(session, changed)
