"""What the API and the workers do alike with uploads, and with what the store holds of them."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from uuid import UUID

from db import events, objects, tasks, uploads, video_states, videos
from db.models import Task, UploadSession
from db.session import Database, ReadSession, WriteSession
from domain.errors import InvalidState
from domain.events import topic
from domain.tasks import TaskKind, TaskStatus
from domain.uploads import OPEN, TAKES_CHUNKS, UploadLimits, UploadStatus
from domain.videos import COMING, VideoStatus
from jobs import plans
from jobs.plans import NewVideo
from jobs.queue import Queue
from storage.base import ObjectStore, UploadRef

CHECKED = (UploadStatus.COMPLETED, UploadStatus.FAILED)


def ref_of(upload: UploadSession) -> UploadRef:
    """The upload as the store knows it."""
    return UploadRef(upload.storage_key, upload.file_size, upload.chunk_size, upload.storage_token)


async def pieces(session: ReadSession, upload: UploadSession) -> list[UploadSession]:
    """The partial uploads that it is put together from, in this order."""
    found = await uploads.by_ids(session, upload.partials or [])
    return [found[id] for id in upload.partials or [] if id in found]


async def begin(
    db: Database,
    store: ObjectStore,
    upload: UploadSession,
    limits: UploadLimits,
    *,
    video: NewVideo | None = None,
    beside: Callable[[WriteSession], Awaitable[None]] | None = None,
) -> None:
    """Open a session in the store and insert its row, with its video and what `beside` writes.

    Raises what `db.uploads.make_room` and `beside` raise; then nothing is left of it.
    """
    size = uploads.size(upload)
    async with db.write() as session:  # first: what is refused leaves nothing behind
        await uploads.make_room(session, upload.account_id, size, limits, sessions=1)
    begun = await store.begin(
        upload.storage_key, upload.file_size, upload.chunk_size, upload.content_type
    )
    upload.storage_token = begun.token
    try:
        async with db.write() as session:
            await uploads.make_room(session, upload.account_id, size, limits, sessions=1)
            if video:
                upload.video_id = (await plans.promise(session, video)).id
            await uploads.add(session, upload)
            if beside:
                await beside(session)
    except BaseException:
        await asyncio.shield(_abort_unknown(db, store, upload.id, begun))
        raise


async def _abort_unknown(db: Database, store: ObjectStore, id: UUID, begun: UploadRef) -> None:
    """Drop an upload that got no session; the commit may have succeeded before we were stopped."""
    async with db.read() as session:
        known = await uploads.by_id(session, id)
    if known is None:
        await store.abort(begun)


async def hand_over(
    session: WriteSession,
    queue: Queue,
    upload: UploadSession,
    **values: Any,  # noqa: ANN401  (columns)
) -> UploadSession:
    """Close a session whose bytes are all there, and queue the check of its file.

    It is locked, and its video with it. Raises `InvalidState` when that awaits no file.
    """
    video_id: UUID | None = values.get("video_id", upload.video_id)
    if video_id is not None and not await video_states.arrived(session, video_id):
        raise await _not_awaited(session, video_id)
    task = Task(
        account_id=upload.account_id,
        kind=TaskKind.VERIFY,
        status=TaskStatus.QUEUED,
        upload_session_id=upload.id,
        video_id=video_id,
    )
    await tasks.add(session, task)
    await queue.defer(session, task)
    return await move(session, upload, UploadStatus.VERIFYING, **values)


async def _not_awaited(session: ReadSession, video_id: UUID) -> InvalidState:
    video = await videos.by_id(session, video_id)
    current = VideoStatus.DELETED if video is None else video.status
    allowed = [status.name for status in COMING]
    return InvalidState("The video of this upload", current=current.name, allowed=allowed)


async def abandon(
    session: WriteSession, upload: UploadSession, status: UploadStatus
) -> UploadSession:
    """Close a session that takes bytes, before it has all of them: CANCELLED or EXPIRED.

    It is locked, and its video with it. The video goes, too, unless it is in the recycle bin.
    """
    if upload.video_id is not None:
        await video_states.drop_coming(session, upload.video_id)
    return await move(session, upload, status)


async def move(
    session: WriteSession,
    upload: UploadSession,
    status: UploadStatus,
    **values: Any,  # noqa: ANN401  (columns)
) -> UploadSession:
    """Close a session that takes bytes, if it still does, and tell its watchers and its video's."""
    video_id: UUID | None = values.get("video_id", upload.video_id)
    watched = [topic("upload", upload.id), *([topic("video", video_id)] if video_id else [])]
    await uploads.change_status(session, upload.id, status, expected=TAKES_CHUNKS, **values)
    await events.wake(session, *watched)
    return await uploads.fresh(session, upload)


async def drop(db: Database, store: ObjectStore, ref: UploadRef) -> None:
    """Remove an upload, and its object unless a content is kept there.

    It is not when the same bytes were here before, or when this file was refused.
    """
    async with db.read() as session:
        kept = await objects.is_kept(session, ref.key)
    await store.abort(ref)  # first: nothing can become the object any more
    if not kept:
        await store.delete([ref.key])


async def clear(db: Database, store: ObjectStore, id: UUID) -> None:
    """Remove what the store holds of a closed upload, and of the pieces it was made from.

    Safe to repeat, also after a crash: who is killed here leaves the rest to a job.
    """
    async with db.read() as session:
        upload = await uploads.by_id(session, id)
        if upload is None or upload.status in OPEN:
            return
        # Until it was handed over, it had none: they may have become another upload's.
        parts = await pieces(session, upload) if upload.status in CHECKED else []
    held = [one for one in (upload, *parts) if one.storage_token]
    for one in held:
        await drop(db, store, ref_of(one))
    async with db.write() as session:
        await uploads.cleared(session, [one.id for one in held])
