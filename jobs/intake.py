"""A new source becomes a video: checked, probed, kept, and its transcoding planned."""

import asyncio
from dataclasses import dataclass
from uuid import UUID

from db import events, objects, tasks, uploads
from db.models import PlaySet, Task, UploadSession, Video
from db.session import WriteSession
from domain.errors import ChecksumMismatch
from domain.events import EventType, NewEvent
from domain.media import Source
from domain.tasks import TaskKind, TaskStatus
from domain.uploads import TAKES_CHUNKS, UploadStatus
from domain.videos import PlaySetStatus, Resolution, TranscodePass, VideoStatus, new_vid
from jobs import outcomes
from jobs.queue import Queue
from jobs.runs import Overtaken, Run, Tools
from media import ladder
from media.probe import probe
from storage import keys


async def verify(run: Run) -> None:
    """Turn the upload that this task is about into a video."""
    upload = await _upload_of(run)
    name = str(upload.id)
    await _check_digest(run, upload)
    async with run.tools.store.upload_file(name) as path:
        source = await probe(path)
    key = _key(upload)
    await run.tools.store.finish(name, key)
    async with run.tools.db.write() as session:
        await _complete(session, run, upload, source, key)


async def clean(tools: Tools, task_id: UUID) -> None:
    """Remove what a closed upload no longer needs. Safe to repeat, also after a crash."""
    async with tools.db.read() as session:
        task = (await tasks.by_ids(session, [task_id])).get(task_id)
        if task is None or task.upload_session_id is None:
            return
        upload = await uploads.by_id(session, task.upload_session_id)
        if upload is None or upload.status in (*TAKES_CHUNKS, UploadStatus.VERIFYING):
            return
        kept = await objects.is_kept(session, _key(upload))
    await tools.store.abort(str(upload.id))  # first: nothing can become the object any more
    if not kept:  # the same bytes were here before, or this file was refused
        await tools.store.delete([_key(upload)])


def _key(upload: UploadSession) -> str:
    return keys.source(upload.sha256, upload.id)


async def _upload_of(run: Run) -> UploadSession:
    id = run.task.upload_session_id
    if id is None:
        raise ValueError(f"the task {run.task.id} has no upload")
    async with run.tools.db.read() as session:
        upload = await uploads.by_id(session, id)
    if upload is None or upload.status is not UploadStatus.VERIFYING:
        raise Overtaken
    return upload


async def _check_digest(run: Run, upload: UploadSession) -> None:
    loop = asyncio.get_running_loop()
    done = 0

    def count(size: int) -> None:
        nonlocal done
        done += size

    async def report() -> None:
        while True:
            await run.report(done / upload.file_size)
            await asyncio.sleep(0.5)

    reporting = loop.create_task(report())
    hashing = loop.create_task(run.tools.store.digest(str(upload.id), count))
    try:
        await asyncio.wait((reporting, hashing), return_when=asyncio.FIRST_COMPLETED)
        if reporting.done():
            reporting.result()  # cancelled or overtaken
        actual = await hashing
    finally:
        reporting.cancel()
        hashing.cancel()
    if actual != upload.sha256:
        raise ChecksumMismatch("the whole file", expected=upload.sha256, actual=actual)


async def _complete(
    session: WriteSession, run: Run, upload: UploadSession, source: Source, key: str
) -> None:
    """All or nothing: the object, the video, its play sets and tasks, and the closed session."""
    if not await tasks.succeed(session, run.task):
        raise Overtaken
    await objects.refer(session, sha256=upload.sha256, key=key, size=upload.file_size)
    video = await add_video(
        session,
        run.tools.queue,
        source,
        NewVideo(
            account_id=upload.account_id,
            title=upload.title,
            description=upload.description,
            sha256=upload.sha256,
            file_size=upload.file_size,
        ),
    )
    await uploads.change_status(
        session,
        upload.id,
        UploadStatus.COMPLETED,
        expected=[UploadStatus.VERIFYING],
        video_id=video.id,
    )
    await outcomes.wake_watchers(session, run.task)
    event = NewEvent(
        EventType.UPLOAD_COMPLETED,
        upload.account_id,
        upload_session_id=upload.id,
        video_id=video.id,
    )
    await events.record(session, event)


@dataclass(frozen=True, slots=True)
class NewVideo:
    account_id: UUID
    title: str
    description: str | None
    sha256: str
    file_size: int


async def add_video(session: WriteSession, queue: Queue, source: Source, new: NewVideo) -> Video:
    """A PROCESSING video with its planned play sets, and the first of their jobs queued."""
    width, height = ladder.display_size(source)
    video = Video(
        vid=new_vid(),
        account_id=new.account_id,
        status=VideoStatus.PROCESSING,
        title=new.title,
        description=new.description,
        source_sha256=new.sha256,
        source=source.to_json(),
        file_size=new.file_size,
        width=width,
        height=height,
        duration_ms=source.duration_ms,
    )
    session.add(video)
    await session.flush()
    for kind, resolutions in _passes(source).items():
        task = await _add_transcode(session, video, kind, resolutions)
        if kind is not TranscodePass.LADDER:  # that one follows the first play
            await queue.defer(session, task)
    return video


def _passes(source: Source) -> dict[TranscodePass, list[Resolution]]:
    first, *others = ladder.rungs(source)
    passes = {TranscodePass.FIRST_PLAY: [first]}
    if ladder.origin_possible(source):
        passes[TranscodePass.ORIGIN] = [Resolution.ORIGIN]
    if others:
        passes[TranscodePass.LADDER] = others
    return passes


async def _add_transcode(
    session: WriteSession, video: Video, kind: TranscodePass, resolutions: list[Resolution]
) -> Task:
    task = Task(
        account_id=video.account_id,
        kind=TaskKind.TRANSCODE,
        status=TaskStatus.QUEUED,
        video_id=video.id,
        transcode_pass=kind,
    )
    session.add(task)
    await session.flush()
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
