"""The bytes of uploads that pass through us: chunk by chunk, or in order from the start.

A failure leaves nothing recorded of what it was about, and all else as it was.
"""

from collections.abc import AsyncIterator
from uuid import UUID

from db import parts, uploads
from db.models import UploadPart, UploadSession
from db.rows import Rows
from domain.errors import (
    ChecksumMismatch,
    IncompleteBody,
    InvalidArgument,
    LimitExceeded,
    NotFound,
    OffsetMismatch,
    PartBusy,
    SessionClosed,
)
from domain.events import topic
from domain.files import File
from domain.uploads import TAKES_CHUNKS, UploadPurpose, UploadStatus
from jobs.uploads import ref_of
from resolvers import direct
from resolvers.context import Context
from resolvers.uploads import closed, hand_over, plan_of
from storage.base import Digest


async def by_link(ctx: Context, token: str) -> UploadSession:
    """The session of a signed link; raises `LinkInvalid`, `LinkExpired` or `NotFound`."""
    id = ctx.services.upload_links.read(token).subject
    upload: UploadSession | None = await ctx.load.row(Rows.of(uploads.UPLOADS, id=id))
    if upload is None:
        raise NotFound("UploadSession", id)
    return upload


async def receive(
    ctx: Context,
    upload: UploadSession,
    number: int,
    *,
    length: int,
    sha256: str | None,
    body: AsyncIterator[bytes],
) -> str:
    """Take the bytes of one chunk and return their SHA-256 in hexadecimal.

    The same chunk with the same digest may come again; another digest replaces it.
    """
    _check_place(upload, number, length)
    async with ctx.services.locks.hold(f"upload {upload.id} part {number}") as mine:
        if not mine:
            raise PartBusy(number)
        wanted = await _wanted(ctx, upload, number, sha256)
        known = Rows.of(parts.PARTS, session_id=upload.id, number=number)
        stored: UploadPart | None = await ctx.load.row(known)
        if stored is not None:
            if wanted is not None and stored.sha256 == wanted:
                return await _drain(body, wanted)
            await _clear(ctx, upload, number)
        digest = await _write(ctx, upload, number, body, wanted)
        if not await _record(ctx, upload, number, length, digest):
            raise closed(await _now(ctx, upload))
    _tell(ctx, upload)
    return digest


def _tell(ctx: Context, upload: UploadSession) -> None:
    """Wake who watches the session, as it was before these bytes; its video's, at the first."""
    ctx.services.bus.wake_soon(topic("upload", upload.id))
    if upload.status is UploadStatus.WAITING and upload.video_id is not None:
        ctx.services.bus.wake_soon(topic("video", upload.video_id))


def _check_place(upload: UploadSession, number: int, length: int) -> None:
    if upload.status not in TAKES_CHUNKS or upload.sequential:
        raise closed(upload)
    plan = plan_of(upload)
    if not plan.holds(number):
        raise InvalidArgument(f"There is no part {number}; they are 1 to {plan.total}.")
    if length != plan.length(number):
        raise IncompleteBody(expected=plan.length(number), actual=length)


async def _wanted(
    ctx: Context, upload: UploadSession, number: int, sha256: str | None
) -> str | None:
    """The digest that the chunk must have: as it was sent, or announced; both must agree."""
    if not upload.has_digests:
        return sha256
    async with ctx.services.db.read() as session:
        declared = await parts.declared_digest(session, upload.id, number)
    if sha256 not in (None, declared):
        raise ChecksumMismatch(
            f"part {number}", expected=str(declared), actual=str(sha256), path=["sha256"]
        )
    return declared


async def _write(
    ctx: Context, upload: UploadSession, number: int, body: AsyncIterator[bytes], sha256: str | None
) -> str:
    try:
        return await ctx.services.store.write_part(ref_of(upload), number, body, sha256=sha256)
    except FileNotFoundError:
        now = await _now(ctx, upload)
        if now.status in TAKES_CHUNKS:
            raise  # the store has lost it
        raise closed(now) from None


async def _record(ctx: Context, upload: UploadSession, number: int, size: int, sha256: str) -> bool:
    """Count a chunk that is stored; whether the session still took it."""
    if not ctx.services.store.direct:
        async with ctx.services.db.write_once() as session:
            return await parts.add(session, upload.id, number=number, size=size, sha256=sha256)
    async with ctx.services.db.write() as session:  # who asked the store may have counted it
        await direct.lock(session, upload)
        await parts.clear(session, upload.id, number)
        return await parts.add(session, upload.id, number=number, size=size, sha256=sha256)


async def _now(ctx: Context, upload: UploadSession) -> UploadSession:
    """The session as it has become since."""
    async with ctx.services.db.read() as session:
        return await uploads.by_id(session, upload.id) or upload


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
            raise closed(current or upload)
        await parts.clear(session, upload.id, number)


async def receive_file(
    ctx: Context, id: UUID, number: int, file: File, *, size: int, sha256: str
) -> UploadSession:
    """Take a chunk that came with a request to the API, and return the session after it."""
    async with ctx.services.db.read() as session:
        upload = (await uploads.of_account(session, ctx.account_id, [id])).get(id)
    if upload is None:
        raise NotFound("UploadSession", id, path=["sessionId"])
    most = ctx.services.limits.small_file_size
    if file.size > most:
        raise LimitExceeded("The size of the chunk", limit=most, actual=file.size, path=["file"])
    if file.size != size:
        raise IncompleteBody(expected=size, actual=file.size)
    await receive(ctx, upload, number, length=size, sha256=sha256, body=file.body)
    async with ctx.services.db.read() as session:
        return (await uploads.of_account(session, ctx.account_id, [id]))[id]


async def append(
    ctx: Context,
    token: str,
    offset: int,
    *,
    digest: Digest | None,
    body: AsyncIterator[bytes],
) -> UploadSession:
    """Take bytes of a sequential upload from `offset` on, and return the session after them.

    What came before a break is kept, unless it was to be checked by a digest. The last byte
    completes the upload. Raises `OffsetMismatch` when other bytes come next, and `PartBusy`
    while another request sends some.
    """
    id = ctx.services.upload_links.read(token).subject
    async with ctx.services.locks.hold(f"upload {id}") as mine:
        if not mine:
            raise PartBusy(1)
        upload = await by_link(ctx, token)
        if upload.status not in TAKES_CHUNKS or not upload.sequential:
            raise closed(upload)
        if offset != upload.received_bytes:
            raise OffsetMismatch(expected=upload.received_bytes, actual=offset)
        plan = plan_of(upload)

        async def keep(reached: int) -> None:
            async with ctx.services.db.write() as session:
                chunks = plan.reached(reached)
                if not await parts.advance(session, id, offset=reached, chunks=chunks):
                    raise closed(await uploads.by_id(session, id) or upload)
            _tell(ctx, upload)

        try:
            await ctx.services.store.append(ref_of(upload), offset, body, digest=digest, keep=keep)
        except SessionClosed:
            await ctx.services.store.abort(ref_of(upload))  # also what came since it was closed
            raise
        return await _after(ctx, id)


async def _after(ctx: Context, id: UUID) -> UploadSession:
    """The session as it is now; closed, if it has all its bytes."""
    async with ctx.services.db.write() as session:
        upload = await uploads.by_id(session, id)
        if upload is not None and _is_complete(upload):
            upload = await uploads.lock_with_video(session, id)
            if upload is not None and _is_complete(upload):  # nobody was faster
                upload = await hand_over(session, ctx, upload)
        if upload is None:
            raise NotFound("UploadSession", id)
    return upload


def _is_complete(upload: UploadSession) -> bool:
    """Whether an open session has all its bytes, and nobody else is to close it."""
    is_whole = upload.status in TAKES_CHUNKS and upload.received_bytes == upload.file_size
    return is_whole and upload.purpose is not UploadPurpose.PARTIAL
