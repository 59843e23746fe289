"""Upload sessions: begin, take the bytes, complete, cancel."""

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

from db import events, tasks, uploads
from db.models import Task, UploadSession
from db.rows import Rows
from db.session import WriteSession
from domain import text
from domain.errors import (
    ChecksumMismatch,
    ChunksMissing,
    IncompleteBody,
    InvalidArgument,
    LimitExceeded,
    NotFound,
    SessionClosed,
)
from domain.events import topic
from domain.paging import Window
from domain.tasks import TaskKind, TaskStatus
from domain.tokens import Grant
from domain.uploads import (
    MAX_TARGETS,
    SESSION_HOURS,
    TAKES_CHUNKS,
    ChunkPlan,
    UploadStatus,
    plan_chunks,
)
from resolvers.context import Context
from storage.base import PartTarget

BEGUN = (UploadStatus.VERIFYING, UploadStatus.COMPLETED)
"""States in which the bytes are all there: completing again changes nothing."""


@dataclass(frozen=True, slots=True)
class NewUpload:
    """What the client says of the file that it is about to send. Sizes in bytes."""

    title: str
    description: str | None
    sha256: str
    file_size: int
    chunk_size: int | None
    total_chunks: int | None
    device_type: str | None


@dataclass(frozen=True, slots=True)
class Target:
    """Where the client sends one chunk."""

    number: int
    url: str
    expires_at: datetime


def plan_of(upload: UploadSession) -> ChunkPlan:
    return ChunkPlan(upload.file_size, upload.chunk_size)


async def create(ctx: Context, new: NewUpload) -> UploadSession:
    """Open a session for a file of known size and hash."""
    plan = plan_chunks(new.file_size, chunk_size=new.chunk_size, total_chunks=new.total_chunks)
    upload = UploadSession(
        id=uuid4(),
        account_id=ctx.account_id,
        status=UploadStatus.WAITING,
        title=text.title(new.title),
        description=text.optional("description", new.description, text.MAX_DESCRIPTION),
        device_type=text.optional("deviceType", new.device_type, text.MAX_DEVICE_TYPE),
        sha256=new.sha256,
        file_size=plan.file_size,
        chunk_size=plan.chunk_size,
        expires_at=datetime.now(UTC) + timedelta(hours=SESSION_HOURS),
    )
    await ctx.services.store.begin(str(upload.id), plan.file_size)
    async with ctx.services.db.write() as session:
        await uploads.add(session, upload)
    return upload


def own(ctx: Context) -> Rows:
    """The caller's upload sessions, by their keys."""
    return Rows.of(uploads.UPLOADS, by="id", account_id=ctx.account_id)


def by_id(ctx: Context, id: UUID | None) -> Rows | None:
    account_id = ctx.account_id  # first: without a key, nothing is said of any id
    return None if id is None else Rows.of(uploads.UPLOADS, account_id=account_id, id=id)


def page(ctx: Context, window: Window, *, statuses: Collection[UploadStatus] | None = None) -> Rows:
    return Rows.of(
        uploads.UPLOADS,
        order=uploads.NEWEST_FIRST,
        window=window,
        account_id=ctx.account_id,
        statuses=statuses,
    )


async def missing_chunks(ctx: Context, upload: UploadSession) -> list[int]:
    """Numbers of the chunks that have not arrived, ascending."""
    parts = await ctx.load.rows(Rows.of(uploads.PARTS, by="session_id"), upload.id)
    return plan_of(upload).missing({part.number for part in parts})


def targets(ctx: Context, upload: UploadSession, numbers: Sequence[int]) -> list[Target]:
    """Signed links for these chunks, numbered from 1."""
    if len(numbers) > MAX_TARGETS:
        raise LimitExceeded("The number of indexes", limit=MAX_TARGETS, actual=len(numbers))
    if upload.status not in TAKES_CHUNKS:
        raise _closed(upload)
    plan = plan_of(upload)
    for number in numbers:
        if not plan.holds(number):
            raise InvalidArgument(f"There is no chunk {number}; they are 1 to {plan.total}.")
    token = ctx.services.upload_links.sign(Grant(upload.id, upload.expires_at))
    place = f"{ctx.base_url}/uploads/{token}"
    return [Target(number, f"{place}/{number}", upload.expires_at) for number in numbers]


async def receive(
    ctx: Context,
    token: str,
    number: int,
    *,
    length: int,
    sha256: str | None,
    body: AsyncIterator[bytes],
) -> str:
    """Take the bytes of one chunk and return their SHA-256 in hexadecimal.

    The same chunk with the same digest may come again; another digest replaces it. A failure
    leaves nothing recorded of this chunk, and all other chunks as they were.
    """
    id = ctx.services.upload_links.read(token).subject
    async with ctx.services.db.read() as session:
        upload = await uploads.by_id(session, id)
    if upload is None:
        raise NotFound("UploadSession", id)
    target = _part_target(upload, number, length)
    async with ctx.services.store.part(target) as part:
        if await _is_stored(ctx, id, number, sha256):
            return await _drain(body, str(sha256))
        await _clear(ctx, upload, number)
        digest = await part.write(body, sha256=sha256)
        async with ctx.services.db.write() as session:
            added = await uploads.add_part(session, id, number=number, size=length, sha256=digest)
            if not added:
                raise _closed(await uploads.by_id(session, id) or upload)
    ctx.services.bus.wake_soon(topic("upload", id))
    return digest


def _part_target(upload: UploadSession, number: int, length: int) -> PartTarget:
    if upload.status not in TAKES_CHUNKS:
        raise _closed(upload)
    plan = plan_of(upload)
    if not plan.holds(number):
        raise InvalidArgument(f"There is no part {number}; they are 1 to {plan.total}.")
    if length != plan.length(number):
        raise IncompleteBody(expected=plan.length(number), actual=length)
    return PartTarget(str(upload.id), number, plan.offset(number), length)


async def _is_stored(ctx: Context, id: UUID, number: int, sha256: str | None) -> bool:
    if sha256 is None:
        return False
    async with ctx.services.db.read() as session:
        return await uploads.part_digest(session, id, number) == sha256


async def _drain(body: AsyncIterator[bytes], digest: str) -> str:
    """Let the client finish what it need not have sent again."""
    async for _ in body:
        pass
    return digest


async def _clear(ctx: Context, upload: UploadSession, number: int) -> None:
    """Forget what was stored of a part: its bytes are about to be overwritten."""
    async with ctx.services.db.write() as session:
        current = await uploads.lock(session, upload.id)
        if current is None or current.status not in TAKES_CHUNKS:
            raise _closed(current or upload)
        await uploads.clear_part(session, upload.id, number)


async def complete(ctx: Context, id: UUID, final_sha256: str) -> UploadSession:
    """Hand the whole file over to be checked and made into a video.

    Calling it again while that goes on, or after it went well, changes nothing.
    """
    async with ctx.services.db.write() as session:
        upload = await _own(session, ctx, id)
        if upload.status in BEGUN and final_sha256 == upload.sha256:
            return upload
        if upload.status not in TAKES_CHUNKS:
            raise _closed(upload)
        await _check_whole(session, upload, final_sha256)
        task = Task(
            account_id=upload.account_id,
            kind=TaskKind.VERIFY,
            status=TaskStatus.QUEUED,
            upload_session_id=upload.id,
        )
        await tasks.add(session, task)
        await ctx.services.queue.defer(session, task)
        return await _move(session, upload, UploadStatus.VERIFYING)


async def _check_whole(session: WriteSession, upload: UploadSession, final_sha256: str) -> None:
    if final_sha256 != upload.sha256:
        raise ChecksumMismatch(
            "the file", expected=upload.sha256, actual=final_sha256, path=["finalSha256"]
        )
    missing = plan_of(upload).missing((await uploads.parts(session, [upload.id]))[upload.id])
    if missing:
        raise ChunksMissing(missing)


async def cancel(ctx: Context, id: UUID) -> UploadSession:
    """Close the session and drop its bytes. Cancelling again changes nothing."""
    async with ctx.services.db.write() as session:
        upload = await _own(session, ctx, id)
        if upload.status is UploadStatus.CANCELLED:
            return upload
        if upload.status not in TAKES_CHUNKS:
            raise _closed(upload)
        upload = await _move(session, upload, UploadStatus.CANCELLED)
    await ctx.services.store.abort(str(id))
    return upload


async def _own(session: WriteSession, ctx: Context, id: UUID) -> UploadSession:
    """The caller's own session, locked until the transaction ends."""
    account_id = ctx.account_id  # first: without a key, nothing is said of any id
    upload = await uploads.lock(session, id)
    if upload is None or upload.account_id != account_id:
        raise NotFound("UploadSession", id, path=["id"])
    return upload


async def _move(
    session: WriteSession, upload: UploadSession, status: UploadStatus
) -> UploadSession:
    await uploads.change_status(session, upload.id, status, expected=TAKES_CHUNKS)
    await events.wake(session, topic("upload", upload.id))
    return await uploads.fresh(session, upload)


def _closed(upload: UploadSession) -> SessionClosed:
    allowed = [status.name for status in TAKES_CHUNKS]
    return SessionClosed("The session", current=upload.status.name, allowed=allowed)
