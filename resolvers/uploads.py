"""Upload sessions: begin, say where the bytes go, complete, cancel. The bytes: `chunks`."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from db import parts, uploads
from db.models import UploadSession
from db.rows import Rows
from db.session import WriteSession
from domain import details, text
from domain.errors import (
    ChecksumMismatch,
    ChunksMissing,
    InvalidArgument,
    LimitExceeded,
    NotFound,
    SessionClosed,
)
from domain.paging import Window
from domain.tokens import Grant
from domain.uploads import (
    MAX_TARGETS,
    TAKES_CHUNKS,
    ChunkPlan,
    UploadPurpose,
    UploadStatus,
    plan_chunks,
)
from jobs import plans
from jobs import uploads as stored
from jobs.plans import NewVideo
from resolvers import categories, direct
from resolvers.context import Context
from storage import keys

BEGUN = (UploadStatus.VERIFYING, UploadStatus.COMPLETED)
"""States in which the bytes are all there: completing again changes nothing."""

MAX_SIGNED_S = 7 * 24 * 3600
"""S3 takes no request that is signed for longer."""
CHECKSUM = "x-amz-checksum-sha256"
"""Header with a chunk's SHA-256 in base64."""


@dataclass(frozen=True, slots=True)
class NewUpload:
    """What the client says of the file that it is about to send. Sizes in bytes."""

    title: str
    file_size: int
    sha256: str | None = None
    description: str | None = None
    chunk_size: int | None = None
    total_chunks: int | None = None
    chunk_digests: Sequence[str] | None = None
    device_type: str | None = None
    file_name: str | None = None
    content_type: str | None = None
    purpose: UploadPurpose = UploadPurpose.VIDEO
    category_id: UUID | None = None
    owner_phone: str | None = None
    skip_auto_transcode: bool = False
    sequential: bool = False
    partials: Sequence[UUID] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class Target:
    """Where the client sends one chunk."""

    number: int
    method: str
    url: str
    headers: Sequence[tuple[str, str]]
    expires_at: datetime
    checksum_header: str | None


def plan_of(upload: UploadSession) -> ChunkPlan:
    return ChunkPlan(upload.file_size, upload.chunk_size)


async def create(ctx: Context, new: NewUpload) -> UploadSession:
    """Open a session for a file of known size."""
    account_id, store, limits = ctx.account_id, ctx.services.store, ctx.services.limits
    plan = plan_chunks(
        new.file_size,
        chunk_size=new.chunk_size,
        total_chunks=new.total_chunks,
        least=store.least_part,
        most=limits.file_size,
    )
    id = uuid4()
    upload = UploadSession(
        id=id,
        account_id=account_id,
        status=UploadStatus.WAITING,
        title=text.title(new.title),
        description=text.optional("description", new.description, text.MAX_DESCRIPTION),
        device_type=text.optional("deviceType", new.device_type, text.MAX_DEVICE_TYPE),
        file_name=text.file_name(new.file_name),
        content_type=text.content_type(new.content_type),
        purpose=new.purpose,
        category_id=new.category_id,
        owner_phone=details.phone(new.owner_phone),
        skip_auto_transcode=new.skip_auto_transcode,
        sequential=new.sequential,
        partials=list(new.partials) or None,
        sha256=new.sha256,
        chunk_digests=_digests(plan, new.chunk_digests),
        file_size=plan.file_size,
        chunk_size=plan.chunk_size,
        storage_key=keys.source(new.sha256, id),
        storage_token="",
        expires_at=datetime.now(UTC) + timedelta(hours=limits.session_hours),
    )
    await categories.check_own(ctx, new.category_id)
    video = _future(upload) if new.purpose is UploadPurpose.VIDEO else None
    await stored.begin(ctx.services.db, store, upload, limits, video=video)
    return upload


def _future(upload: UploadSession) -> NewVideo:
    """The video whose file the session is to bring."""
    return NewVideo(
        account_id=upload.account_id,
        title=upload.title,
        description=upload.description,
        file_size=upload.file_size,
        category_id=upload.category_id,
        owner_phone=upload.owner_phone,
        skip_auto_transcode=upload.skip_auto_transcode,
    )


def _digests(plan: ChunkPlan, digests: Sequence[str] | None) -> bytes | None:
    if not digests:
        return None
    if len(digests) != plan.total:
        raise InvalidArgument(
            f"There are {plan.total} chunks, but {len(digests)} digests.", path=["chunkSha256"]
        )
    return b"".join(map(bytes.fromhex, digests))


def own(ctx: Context) -> Rows:
    """The caller's upload sessions, by their keys."""
    return Rows.of(uploads.UPLOADS, by="id", account_id=ctx.account_id)


def by_id(ctx: Context, id: UUID | None) -> Rows | None:
    account_id = ctx.account_id  # first: without a key, nothing is said of any id
    return None if id is None else Rows.of(uploads.UPLOADS, account_id=account_id, id=id)


def page(
    ctx: Context,
    window: Window,
    *,
    statuses: Collection[UploadStatus] | None = None,
    device_types: Collection[str] | None = None,
) -> Rows:
    return Rows.of(
        uploads.UPLOADS,
        order=uploads.NEWEST_FIRST,
        window=window,
        account_id=ctx.account_id,
        statuses=statuses,
        device_types=device_types,
    )


async def missing_chunks(ctx: Context, upload: UploadSession) -> list[int]:
    """Numbers of the chunks that have not arrived, ascending."""
    plan = plan_of(upload)
    if upload.sequential or upload.partials:
        return list(range(plan.reached(upload.received_bytes) + 1, plan.total + 1))
    if await direct.refresh(ctx, upload):
        async with ctx.services.db.read() as session:
            return plan.missing((await parts.numbers(session, [upload.id]))[upload.id])
    arrived = await ctx.load.rows(Rows.of(parts.PARTS, by="session_id"), upload.id)
    return plan.missing({part.number for part in arrived})


def targets(ctx: Context, upload: UploadSession, numbers: Sequence[int]) -> list[Target]:
    """Signed links for these chunks, numbered from 1."""
    if len(numbers) > MAX_TARGETS:
        raise LimitExceeded("The number of indexes", limit=MAX_TARGETS, actual=len(numbers))
    if upload.status not in TAKES_CHUNKS or upload.sequential:
        raise closed(upload)
    plan = plan_of(upload)
    for number in numbers:
        if not plan.holds(number):
            raise InvalidArgument(f"There is no chunk {number}; they are 1 to {plan.total}.")
    ref = stored.ref_of(upload)
    token = ctx.services.upload_links.sign(Grant(upload.id, upload.expires_at))
    place = f"{ctx.base_url}/uploads/{token}"
    now, ends, store = datetime.now(UTC), upload.expires_at, ctx.services.store
    ttl_s = min(max(1, int((ends - now).total_seconds())), MAX_SIGNED_S)
    direct_ends = min(ends, now + timedelta(seconds=ttl_s))

    def target(number: int) -> Target:
        """At the store itself where that is possible, else here."""
        request = store.part_request(ref, number, ttl_s)
        if request is not None:
            return Target(number, request.method, request.url, request.headers, direct_ends, None)
        headers = [("Content-Type", text.OCTETS)]
        return Target(number, "PUT", f"{place}/{number}", headers, ends, CHECKSUM)

    return [target(number) for number in numbers]


async def refresh(ctx: Context, id: UUID) -> UploadSession:
    """Count the chunks that arrived at the store itself, and return the session."""
    async with ctx.services.db.read() as session:
        upload = (await uploads.of_account(session, ctx.account_id, [id])).get(id)
    if upload is None:
        raise NotFound("UploadSession", id, path=["id"])
    if not await direct.refresh(ctx, upload):
        return upload
    async with ctx.services.db.read() as session:
        return (await uploads.of_account(session, ctx.account_id, [id]))[id]


async def complete(ctx: Context, id: UUID, final_sha256: str) -> UploadSession:
    """Hand the whole file over to be checked and made into what it was sent for.

    Calling it again while that goes on, or after it went well, changes nothing.
    """
    if ctx.services.store.direct:
        await refresh(ctx, id)
    async with ctx.services.db.write() as session:
        upload = await _own(session, ctx, id)
        if upload.status in BEGUN and final_sha256 == upload.sha256:
            return upload
        if upload.status not in TAKES_CHUNKS or upload.purpose is UploadPurpose.PARTIAL:
            raise closed(upload)
        await _check_whole(session, upload, final_sha256)
        return await hand_over(session, ctx, upload, sha256=final_sha256)


async def _check_whole(session: WriteSession, upload: UploadSession, final_sha256: str) -> None:
    if upload.sha256 not in (None, final_sha256):
        raise ChecksumMismatch(
            "the file", expected=str(upload.sha256), actual=final_sha256, path=["finalSha256"]
        )
    plan = plan_of(upload)
    if upload.sequential:
        missing = list(range(plan.reached(upload.received_bytes) + 1, plan.total + 1))
    else:
        missing = plan.missing((await parts.numbers(session, [upload.id]))[upload.id])
    if missing:
        raise ChunksMissing(missing)


async def hand_over(
    session: WriteSession,
    ctx: Context,
    upload: UploadSession,
    **values: Any,  # noqa: ANN401  (columns)
) -> UploadSession:
    """Close a session whose bytes are all there, and queue what follows.

    It is locked, and its video with it. Only one of a process from before videos began with their
    uploads has none yet.
    """
    if upload.purpose is UploadPurpose.VIDEO and upload.video_id is None:
        values["video_id"] = (await plans.promise(session, _future(upload))).id
    return await stored.hand_over(session, ctx.services.queue, upload, **values)


async def cancel(ctx: Context, id: UUID) -> UploadSession:
    """Close the caller's session and drop its bytes. Cancelling again changes nothing."""
    async with ctx.services.db.write() as session:
        upload = await _cancel(session, await _own(session, ctx, id))
    await discard(ctx, upload.id)
    return upload


async def _cancel(session: WriteSession, upload: UploadSession) -> UploadSession:
    if upload.status is UploadStatus.CANCELLED:
        return upload
    if upload.status not in TAKES_CHUNKS:
        raise closed(upload)
    return await stored.abandon(session, upload, UploadStatus.CANCELLED)


async def cancel_by_link(ctx: Context, token: str) -> None:
    """As `cancel`, for holders of the upload's signed link."""
    id = ctx.services.upload_links.read(token).subject
    async with ctx.services.db.write() as session:
        upload = await uploads.lock_with_video(session, id)
        if upload is None:
            raise NotFound("UploadSession", id)
        await _cancel(session, upload)
    await discard(ctx, id)


async def discard(ctx: Context, id: UUID) -> None:
    """Drop what the store holds of a closed session."""
    await stored.clear(ctx.services.db, ctx.services.store, id)


async def _own(session: WriteSession, ctx: Context, id: UUID) -> UploadSession:
    """The caller's own session, locked until the transaction ends, and its video with it."""
    account_id = ctx.account_id  # first: without a key, nothing is said of any id
    known = await uploads.of_account(session, account_id, [id])
    upload = await uploads.lock_with_video(session, id) if known else None
    if upload is None:
        raise NotFound("UploadSession", id, path=["id"])
    return upload


def closed(upload: UploadSession) -> SessionClosed:
    """Why the session does not take what it was sent."""
    what = "The session"
    if upload.sequential:
        what = "The session, which takes its bytes by tus only,"
    allowed = [status.name for status in TAKES_CHUNKS]
    return SessionClosed(what, current=upload.status.name, allowed=allowed)
