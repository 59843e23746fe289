"""Chunks that clients send to the store itself: we hear of them only by asking it."""

from uuid import UUID

from db import events, uploads
from domain.events import topic
from domain.uploads import TAKES_CHUNKS, UploadStatus
from resolvers.context import Context
from storage.base import UploadRef


async def refresh(ctx: Context, id: UUID, ref: UploadRef, status: UploadStatus) -> bool:
    """Record what the store has of an open session; whether there was anything to ask."""
    if status not in TAKES_CHUNKS or not ctx.services.store.direct:
        return False
    try:
        found = await ctx.services.store.parts(ref)
    except FileNotFoundError:  # closed in the meantime
        return False
    sizes = {
        part.number: part.size
        for part in found
        if 1 <= part.number <= ref.parts and part.size == ref.length(part.number)
    }
    async with ctx.services.db.write() as session:
        upload = await uploads.lock(session, id)
        if upload is not None and not upload.sequential:  # else `chunks` counts
            await uploads.note_parts(session, id, sizes)
            await events.wake(session, topic("upload", id))
    return True
