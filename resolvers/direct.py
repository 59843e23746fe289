"""Chunks that clients send to the store itself: we hear of them only by asking it."""

import asyncio
import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from uuid import UUID

from db import events, parts, uploads
from db.models import UploadSession
from db.session import WriteSession
from domain.errors import StorageBusy
from domain.events import topic
from domain.uploads import TAKES_CHUNKS, UploadStatus
from jobs.uploads import ref_of
from resolvers.context import Context

log = logging.getLogger(__name__)

WATCH_EVERY_S = 1.0
"""How often the store is asked about an upload that somebody watches."""


async def refresh(ctx: Context, upload: UploadSession) -> bool:
    """Record what the store has of an open session; whether there was anything to ask."""
    if not ctx.services.store.direct or upload.status not in TAKES_CHUNKS or upload.sequential:
        return False
    ref = ref_of(upload)
    try:
        found = await ctx.services.store.parts(ref)
    except FileNotFoundError:  # closed in the meantime
        return False
    planned = [part for part in found if 1 <= part.number <= ref.parts]
    sizes = {part.number: part.size for part in planned if part.size == ref.length(part.number)}
    wrong = {part.number for part in planned} - sizes.keys()
    async with ctx.services.db.write() as session:
        if await lock(session, upload) is None:
            return False
        if await parts.note(session, upload.id, sizes, wrong):
            watched = [topic("upload", upload.id)]
            if upload.status is UploadStatus.WAITING and upload.video_id is not None:
                watched.append(topic("video", upload.video_id))  # these are its first bytes
            await events.wake(session, *watched)
    return True


async def lock(session: WriteSession, upload: UploadSession) -> UploadSession | None:
    """Lock a session whose chunks are to be counted; its video with it, if these are the first."""
    may_begin = upload.status is UploadStatus.WAITING
    locked = uploads.lock_with_video if may_begin else uploads.lock
    return await locked(session, upload.id)


@asynccontextmanager
async def watched(ctx: Context, id: UUID) -> AsyncGenerator[None]:
    """Ask the store again and again, as long as the block lasts; news wakes who watches."""
    if not ctx.services.store.direct:
        yield
        return
    asking = asyncio.create_task(_keep_asking(ctx, id))
    try:
        yield
    finally:
        asking.cancel()


async def _keep_asking(ctx: Context, id: UUID) -> None:
    while True:
        async with ctx.services.db.read() as session:
            upload = (await uploads.of_account(session, ctx.account_id, [id])).get(id)
        if upload is None or upload.status not in TAKES_CHUNKS:
            return
        try:
            await refresh(ctx, upload)
        except StorageBusy:
            pass  # a second later it may answer
        except Exception:
            log.exception("the chunks of a watched upload could not be counted")
        await asyncio.sleep(WATCH_EVERY_S)
