"""Uploads that are put together from partial ones."""

from collections.abc import Sequence
from dataclasses import replace
from uuid import UUID

from db import uploads as sessions
from db.models import UploadSession
from domain.errors import ChunksMissing, LimitExceeded, NotFound, SessionClosed
from domain.uploads import MAX_PARTIALS, TAKES_CHUNKS, UploadPurpose
from resolvers import uploads
from resolvers.context import Context
from resolvers.uploads import NewUpload


async def concatenate(ctx: Context, new: NewUpload, ids: Sequence[UUID]) -> UploadSession:
    """One upload of the files of several partial ones, in this order, and complete at once."""
    if not 1 <= len(ids) <= MAX_PARTIALS:
        raise LimitExceeded("The number of partial uploads", limit=MAX_PARTIALS, actual=len(ids))
    async with ctx.services.db.read() as session:
        known = await sessions.of_account(session, ctx.account_id, ids)
        made = await sessions.made_of(session, ctx.account_id, ids)
    for id in ids:
        if id not in known or known[id].purpose is not UploadPurpose.PARTIAL:
            raise NotFound("UploadSession", id)
    if made is not None:
        return made  # the answer to the first request was lost
    for id in ids:
        _check_piece(known[id])
    size = sum(known[id].file_size for id in ids)
    upload = await uploads.create(ctx, replace(new, file_size=size, sequential=True, partials=ids))
    try:
        return await _take_over(ctx, upload.id, ids)
    except SessionClosed:
        await uploads.cancel(ctx, upload.id)
        raise


async def _take_over(ctx: Context, id: UUID, pieces: Sequence[UUID]) -> UploadSession:
    async with ctx.services.db.write() as session:
        upload = await sessions.lock_with_video(session, id)
        if upload is None:
            raise NotFound("UploadSession", id)
        if await sessions.close_partials(session, pieces) < len(pieces):
            # Another request was faster.
            raise SessionClosed("A partial upload", current="COMPLETED", allowed=["UPLOADING"])
        arrived = {
            "received_bytes": upload.file_size,
            "received_chunks": uploads.plan_of(upload).total,
        }
        return await uploads.hand_over(session, ctx, upload, **arrived)


def _check_piece(upload: UploadSession) -> None:
    if upload.status not in TAKES_CHUNKS:
        raise uploads.closed(upload)
    if upload.received_bytes < upload.file_size:
        plan = uploads.plan_of(upload)
        raise ChunksMissing(range(plan.reached(upload.received_bytes) + 1, plan.total + 1))
