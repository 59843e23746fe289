"""An uploaded file is checked and becomes what it was sent for; a stored one, a video."""

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from uuid import UUID

from db import accounts, events, objects, runs, tasks, videos
from db import uploads as sessions
from db.models import Content, StoredObject, UploadSession
from db.objects import NewObject
from db.session import WriteSession
from domain.errors import ChecksumMismatch
from domain.events import EventType, NewEvent
from domain.media import Source
from domain.uploads import UploadPurpose, UploadStatus
from jobs import fetches, outcomes, plans, uploads
from jobs.reading import Reading, beside
from jobs.runs import Overtaken, Run, Tools
from media.probe import probe
from storage.base import HashedFile, ObjectStore, UploadRef

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Checked:
    """What checking a file found; no source when it is not to become a video."""

    sha256: str
    source: Source | None


async def verify(run: Run) -> None:
    """Turn the upload that this task is about into what it was sent for."""
    upload = await _upload_of(run)
    ref = uploads.ref_of(upload)
    if upload.partials and not await _is_whole(run.tools.store, ref):
        await _assemble(run, upload, ref)
    await run.tools.store.finish(ref)
    async with _hashed(run, upload) as file:
        if upload.sha256 not in (None, file.sha256):
            raise ChecksumMismatch(
                "the whole file", expected=str(upload.sha256), actual=file.sha256
            )
        wanted = upload.purpose is UploadPurpose.VIDEO
        checked = Checked(file.sha256, await probe(file.path) if wanted else None)
    async with run.tools.db.write() as session:
        await _complete(session, run, upload, checked)


async def examine(run: Run) -> None:
    """Look into the stored file of the video that this task is about, and plan the video."""
    task, store = run.task, run.tools.store
    if task.video_id is None:
        raise ValueError(f"the task {task.id} has no video")
    async with run.tools.db.read() as session:
        video = await videos.by_id(session, task.video_id)
        content = video and video.content_id and await objects.content(session, video.content_id)
    if not content:
        raise Overtaken
    async with store.object_file(content.key) as path:
        source = await probe(path)
    async with run.tools.db.write() as session:
        await accounts.lock(session, task.account_id)
        video = await videos.lock(session, task.video_id)
        if video is None or not await runs.succeed(session, task):
            raise Overtaken
        await objects.probed(session, content.id, source.to_json())
        await plans.make(session, run.tools.queue, video, source)
        await outcomes.wake_watchers(session, task)


async def clean(tools: Tools, task_id: UUID) -> None:
    """Remove what the closed upload of this task no longer needs. Safe to repeat."""
    async with tools.db.read() as session:
        task = (await tasks.by_ids(session, [task_id])).get(task_id)
    if task is not None and task.upload_session_id is not None:
        await uploads.clear(tools.db, tools.store, task.upload_session_id)


async def _upload_of(run: Run) -> UploadSession:
    id = run.task.upload_session_id
    if id is None:
        raise ValueError(f"the task {run.task.id} has no upload")
    async with run.tools.db.read() as session:
        upload = await sessions.by_id(session, id)
    if upload is None or upload.status is not UploadStatus.VERIFYING:
        raise Overtaken
    return upload


async def _is_whole(store: ObjectStore, ref: UploadRef) -> bool:
    """Whether a run that was interrupted has made the object already."""
    try:
        return (await store.stat(ref.key)).size == ref.size
    except FileNotFoundError:
        return False


async def _assemble(run: Run, upload: UploadSession, ref: UploadRef) -> None:
    """Put the file together from the partial uploads that it consists of."""
    store = run.tools.store
    async with run.tools.db.read() as session:
        pieces = await uploads.pieces(session, upload)
    for piece in pieces:
        await store.finish(uploads.ref_of(piece))

    async def body() -> AsyncGenerator[bytes]:
        for piece in pieces:
            async for block in store.read(piece.storage_key):
                yield block

    async def kept(_offset: int) -> None:
        """Nobody can resume this: it is done again from the start."""

    await store.append(ref, 0, body(), digest=None, keep=kept)


@asynccontextmanager
async def _hashed(run: Run, upload: UploadSession) -> AsyncGenerator[HashedFile]:
    """The file with its digest; the task's progress tells how much of it was read."""
    reading = Reading(run, upload.file_size)
    opened = run.tools.store.hashed_file(upload.storage_key, reading.heard)
    file = await beside(reading.report, opened.__aenter__)
    try:
        yield file
    finally:
        await opened.__aexit__(None, None, None)


async def _complete(
    session: WriteSession, run: Run, upload: UploadSession, checked: Checked
) -> None:
    """All or nothing: the object, the video and its plan, and the closed session."""
    await accounts.lock(session, upload.account_id)
    await outcomes.lock_video(session, run.task)
    if not await runs.succeed(session, run.task):
        raise Overtaken
    await fetches.settle(session, upload.id, video_id=upload.video_id, failure=None)
    content = await objects.store(
        session,
        sha256=checked.sha256,
        key=upload.storage_key,
        size=upload.file_size,
        source=checked.source.to_json() if checked.source else None,
    )
    stored = await objects.hold(
        session,
        content,
        NewObject(upload.account_id, upload.file_name, upload.content_type),
        kept=upload.purpose is UploadPurpose.OBJECT,
    )
    await _begin_video(session, run, upload, content, stored)
    closed = await sessions.change_status(
        session,
        upload.id,
        UploadStatus.COMPLETED,
        expected=[UploadStatus.VERIFYING],
        sha256=checked.sha256,
        object_id=stored.id,
    )
    if not closed:
        raise Overtaken
    await outcomes.wake_watchers(session, run.task)
    event = NewEvent(
        EventType.UPLOAD_COMPLETED,
        upload.account_id,
        upload_session_id=upload.id,
        video_id=upload.video_id,
    )
    await events.record(session, event)


async def _begin_video(
    session: WriteSession, run: Run, upload: UploadSession, content: Content, stored: StoredObject
) -> None:
    if upload.video_id is None:
        return
    video = await videos.lock(session, upload.video_id)
    if video is None:
        raise Overtaken
    await plans.begin(session, run.tools.queue, video, content, stored)
