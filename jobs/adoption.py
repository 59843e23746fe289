"""A file that a run has made becomes the account's, and that of a video, like an uploaded one."""

import asyncio
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from uuid import uuid4

from db import garbage, objects, runs, uploads, videos
from db.objects import NewObject
from db.session import WriteSession
from domain.media import Source
from jobs import outcomes, plans
from jobs.reading import Reading, beside
from jobs.runs import Overtaken, Run, Tools
from media.probe import probe
from storage import keys
from storage.files import FileThreads

MP4: Final = "video/mp4"


@dataclass(frozen=True, slots=True)
class _Made:
    """A file that a run has made, and where in the store it goes."""

    name: str
    key: str
    sha256: str
    source: Source
    reading: Reading

    @property
    def size(self) -> int:
        return self.reading.size


async def adopt(run: Run, path: Path, *, name: str, begun: float) -> None:
    """Make the MP4 file at `path` that of the task's video, as if it had been uploaded.

    The task succeeds with that. `begun` is the part of it that was done before. The file may be
    moved away. Raises `MediaRefused` and `QuotaExceeded`; then nothing is stored.
    """
    store = run.tools.store
    made = await _look(run, path, name, begun)
    async with run.tools.db.write() as session:
        await _announce(session, run, made)
    try:
        await beside(made.reading.report, lambda: store.put_file(made.key, path, MP4))
        async with run.tools.db.write() as session:
            await _adopt(session, run, made)
    finally:
        await _drop_unless_kept(run.tools, made.key)


async def _look(run: Run, path: Path, name: str, begun: float) -> _Made:
    source = await probe(path)
    reading = Reading(run, (await asyncio.to_thread(path.stat)).st_size, begun)
    with closing(FileThreads(1)) as threads:
        sha256 = await beside(reading.report, lambda: threads.sha256(path, reading.heard))
    # A key of its own: two runs do not always make the same bytes.
    return _Made(name, keys.source(sha256, uuid4()), sha256, source, reading)


async def _announce(session: WriteSession, run: Run, made: _Made) -> None:
    """Have the object that comes now removed, unless it gets an owner in time."""
    await _make_room(session, run, made)
    if not await runs.hold(session, run.task):
        raise Overtaken
    await garbage.announce(session, made.key)


async def _make_room(session: WriteSession, run: Run, made: _Made) -> None:
    account_id, limits = run.task.account_id, run.tools.limits
    held = await objects.holds(session, account_id, made.sha256)
    await uploads.make_room(session, account_id, 0 if held else made.size, limits)


async def _adopt(session: WriteSession, run: Run, made: _Made) -> None:
    """All or nothing: the object, the video's plan, and the end of the task."""
    task, source = run.task, made.source.to_json()
    await _make_room(session, run, made)
    video = task.video_id and await videos.lock(session, task.video_id)
    if not video or not await runs.succeed(session, task):
        raise Overtaken
    content = await objects.store(
        session, sha256=made.sha256, key=made.key, size=made.size, source=source
    )
    if content.key == made.key:
        await garbage.keep(session, made.key)
    stored = await objects.hold(session, content, NewObject(task.account_id, made.name, MP4))
    await plans.begin(session, run.tools.queue, video, content, stored)
    await outcomes.wake_watchers(session, task)


async def _drop_unless_kept(tools: Tools, key: str) -> None:
    """Also after an error: the connection can break after a commit and before its answer."""
    async with tools.db.read() as session:
        kept = await objects.is_kept(session, key)
    if not kept:
        await tools.store.delete([key])
