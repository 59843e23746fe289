"""One row of a fetch: its file is asked for, stored as an upload, and handed over to be checked.

The bytes go into an upload session as a client's would. How many are safe, and of which file they
are, is on the rows, so whoever takes over goes on from there, on whatever machine. The last byte
and the hand-over are one transaction: a row never has two videos.
"""

import logging
import uuid
from collections.abc import AsyncGenerator, AsyncIterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from typing import Final, TypeAlias
from uuid import UUID, uuid4

from db import fetches, parts
from db import uploads as sessions
from db.models import FetchItem, UploadSession
from db.session import WriteSession
from domain.errors import (
    Cancelled,
    DomainError,
    DuplicateContent,
    FetchFailed,
    FetchInterrupted,
    LimitExceeded,
    MediaRefused,
    QuotaExceeded,
    StorageBusy,
    StorageFull,
)
from domain.events import topic
from domain.fetches import BROUGHT_ON, DEVICE_TYPE, MAX_RETRIES, retry_at
from domain.media import Refusal
from domain.tasks import TaskStatus
from domain.uploads import TAKES_CHUNKS, ChunkPlan, UploadStatus, plan_chunks
from jobs import fetch_files, fetch_videos, uploads
from jobs import fetches as outcomes
from jobs.fetch_files import NoRoom
from jobs.runs import Internal, Overtaken, Run
from outbound import download
from outbound.download import Download, Limits
from outbound.spans import Resume
from storage import keys

log = logging.getLogger(__name__)

Received: TypeAlias = dict[UUID, int]
"""How many bytes of each row have come, safe or not."""

_OF_RANGES: Final = {HTTPStatus.PARTIAL_CONTENT, HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE}


@dataclass(frozen=True, slots=True)
class Row:
    """A row that is being fetched, by the latest run of its task."""

    run: Run
    item: FetchItem
    received: Received


async def check_running(session: WriteSession, run: Run) -> None:
    """Lock the task. Raises `Overtaken` unless it is running, and by this run."""
    if await fetches.hold(session, run.task) is not TaskStatus.RUNNING:
        raise Overtaken


async def fetch(run: Run, item: FetchItem, received: Received) -> None:
    """Bring one row as far as it gets now: to its check, to a later try, or to its end."""
    row = Row(run, item, received)
    try:
        await _download(row)
    except NoRoom as failure:  # its server may have lied about the size: the others go on
        await _try_again(row, failure, None)
    except (StorageFull, StorageBusy):  # it passes, and concerns all rows
        raise
    except FetchInterrupted as failure:
        await _try_again(row, failure, failure.retry_after_s)
    except DomainError as failure:
        await _give_up(row, failure)
    except Overtaken:
        raise
    except Exception:
        error_id = uuid.uuid4().hex[:12]
        log.exception("fetch %s, row %s: internal error %s", run.task.id, item.position, error_id)
        await _try_again(row, Internal(error_id), None)


async def _download(row: Row) -> None:
    client, limits = row.run.tools.client, _limits(row)
    upload = await _prepare(row)
    resume = _resume(row.item, upload)
    try:
        async with download.opened(client, row.item.url, limits=limits, resume=resume) as answer:
            if upload is not None and not (resume and answer.offset):
                await _forget(row, upload)  # what is there is of no use
                upload = None
            if answer.size is None:
                await _spool(row, answer)
            else:
                upload = upload or await _begin(row, answer, answer.size)
                blocks = _counted(row, answer.offset, answer.blocks())
                await _store(row, upload, answer.offset, blocks)
    except FetchFailed as failure:
        if not (upload and resume and failure.status in _OF_RANGES):
            raise
        await _forget(row, upload)  # it cannot go on, but it may do from the start
        raise FetchInterrupted(str(failure)) from failure


def _limits(row: Row) -> Limits:
    tools = row.run.tools
    return Limits(tools.limits.file_size, bytes_per_s=tools.bytes_per_s)


async def _prepare(row: Row) -> UploadSession | None:
    """The session of an earlier try, if it still takes bytes. Refuses a known origin at once."""
    async with row.run.tools.db.write() as session:
        await check_running(session, row.run)
        await fetch_videos.refuse_known(session, row.run.task, row.item)
        upload = row.item.upload_session_id and await sessions.lock(
            session, row.item.upload_session_id
        )
        if not upload or upload.status is UploadStatus.EXPIRED:
            return None
        if upload.status not in TAKES_CHUNKS:
            raise Cancelled("The upload of this file was cancelled.")
        upload.expires_at = _expiry(row)
    return upload


def _expiry(row: Row) -> datetime:
    return datetime.now(UTC) + timedelta(hours=row.run.tools.limits.session_hours)


def _resume(item: FetchItem, upload: UploadSession | None) -> Resume | None:
    if upload is None or item.validator is None or not upload.received_bytes:
        return None
    return Resume(upload.received_bytes, item.validator, upload.file_size)


async def _forget(row: Row, upload: UploadSession) -> None:
    """Give up what came of another file, or cannot be continued."""
    async with row.run.tools.db.write() as session:
        await check_running(session, row.run)
        await fetches.note(session, row.item.id, upload_session_id=None, validator=None)
        current = await sessions.lock(session, upload.id)
        if current and current.status in TAKES_CHUNKS:
            await uploads.move(session, current, UploadStatus.CANCELLED)
    row.item.upload_session_id = None
    await uploads.clear(row.run.tools.db, row.run.tools.store, upload.id)


async def _begin(row: Row, answer: Download, size: int) -> UploadSession:
    """Reserve room for the file, and open the session that takes it."""
    tools, item, task = row.run.tools, row.item, row.run.task
    if size == 0:
        raise MediaRefused(Refusal.NOT_MEDIA, "The file is empty.")
    plan = plan_chunks(size, least=tools.store.least_part, most=tools.limits.file_size)
    async with tools.db.read() as session:
        category_id = await fetches.category_id(session, task.id)
    id = uuid4()
    upload = UploadSession(
        id=id,
        account_id=task.account_id,
        status=UploadStatus.WAITING,
        title=item.title or answer.file_name or "Untitled",
        device_type=DEVICE_TYPE,
        category_id=category_id,
        skip_auto_transcode=task.skip_auto_transcode,
        file_name=answer.file_name,
        content_type=answer.content_type,
        sequential=True,
        file_size=plan.file_size,
        chunk_size=plan.chunk_size,
        storage_key=keys.source(None, id),
        storage_token="",
        expires_at=_expiry(row),
    )

    async def link(session: WriteSession) -> None:
        await check_running(session, row.run)
        await fetches.note(
            session,
            item.id,
            upload_session_id=id,
            validator=answer.validator,
            file_size=size,
            bytes_fetched=row.received[item.id],
        )

    try:
        await uploads.begin(tools.db, tools.store, upload, tools.limits, beside=link)
    except QuotaExceeded:
        raise
    except StorageFull as failure:
        raise NoRoom from failure
    except LimitExceeded as failure:  # others of the account's sessions will end
        raise FetchInterrupted(str(failure)) from failure
    item.upload_session_id = id
    return upload


async def _spool(row: Row, answer: Download) -> None:
    """Learn the size of a file whose server does not tell it: from the file."""
    with row.run.tools.workspace.folder() as folder:
        path = folder / "file"
        size = await fetch_files.write(row.run, path, _counted(row, 0, answer.blocks()))
        upload = await _begin(row, answer, size)
        await _store(row, upload, 0, fetch_files.read(path))


async def _counted(row: Row, offset: int, blocks: AsyncIterator[bytes]) -> AsyncGenerator[bytes]:
    row.received[row.item.id] = offset
    async for block in blocks:
        row.received[row.item.id] += len(block)
        yield block


async def _store(
    row: Row, upload: UploadSession, offset: int, blocks: AsyncIterator[bytes]
) -> None:
    """Append the bytes to the session; with the last one, the file is handed over."""
    tools, task, item = row.run.tools, row.run.task, row.item
    plan = ChunkPlan(upload.file_size, upload.chunk_size)
    counted = offset

    async def keep(reached: int) -> None:
        nonlocal counted
        async with tools.db.write() as session:
            is_whole = reached == upload.file_size
            twin = await fetch_videos.lock_twin(session, task, item) if is_whole else None
            status = await fetches.hold(session, task)
            if status is None:
                raise Overtaken
            if not await parts.advance(
                session, upload.id, offset=reached, chunks=plan.reached(reached)
            ):
                raise await _closed(session, upload)
            await fetches.note(session, item.id, bytes_fetched=row.received[item.id])
            if reached - counted >= BROUGHT_ON or is_whole:
                counted = reached
                await _brought_on(session, row)
            if is_whole:
                await fetch_videos.hand_over(session, row.run, item, upload=upload, twin=twin)
        tools.bus.wake_soon(topic("upload", upload.id))
        if status is TaskStatus.PAUSED:
            raise Overtaken

    async with tools.locks.hold(f"upload {upload.id}") as mine:
        if not mine:  # a run that was taken for dead still writes: it cannot write elsewhere
            await _forget(row, upload)
            raise FetchInterrupted("Another worker was fetching this file.")
        ref = uploads.ref_of(upload)
        await tools.store.append(ref, offset, blocks, digest=None, keep=keep)


async def _brought_on(session: WriteSession, row: Row) -> None:
    """What failed before no longer counts: not on the row, and not on the whole task."""
    await fetches.note(session, row.item.id, failures=0)
    await fetches.forgive(session, row.run.task)
    row.item.failures = row.run.task.failures = 0


async def _closed(session: WriteSession, upload: UploadSession) -> DomainError:
    """Why a session takes no more bytes."""
    now = await sessions.lock(session, upload.id)
    if now is not None and now.status is UploadStatus.CANCELLED:
        return Cancelled("The upload of this file was cancelled.")
    return FetchInterrupted("The upload of this file took too long.")


async def _try_again(row: Row, failure: DomainError, retry_after_s: int | None) -> None:
    if row.item.failures >= MAX_RETRIES:
        await _give_up(row, failure)
        return
    at = retry_at(datetime.now(UTC), row.item.failures + 1, retry_after_s)
    async with row.run.tools.db.write() as session:
        await check_running(session, row.run)
        await fetches.retry_later(session, row.item, failure, at)
    log.info("fetch %s: row %s waits: %s", row.run.task.id, row.item.position, failure)


async def _give_up(row: Row, failure: DomainError) -> None:
    """The row is over without a video; a video of the same origin is named."""
    tools, item = row.run.tools, row.item
    values = {"video_id": failure.video_id} if isinstance(failure, DuplicateContent) else {}
    async with tools.db.write() as session:
        if await fetches.hold(session, row.run.task) is None:
            raise Overtaken
        await fetches.end(session, item.id, outcomes.ended_by(failure), failure=failure, **values)
        upload = item.upload_session_id and await sessions.lock(session, item.upload_session_id)
        if upload and upload.status in TAKES_CHUNKS:
            await uploads.move(session, upload, UploadStatus.CANCELLED)
        task = await fetches.lock(session, row.run.task.id)
        if task is not None:
            await outcomes.counted(session, task)
        row.run.task.failures = 0
    log.info("fetch %s: row %s failed: %s", row.run.task.id, item.position, failure)
    if item.upload_session_id:
        await uploads.clear(tools.db, tools.store, item.upload_session_id)
