"""Banning videos: nobody plays them, until they are unbanned."""

from collections.abc import Sequence

from db import bans
from db.models import Video
from db.session import WriteSession
from domain import text
from domain.bans import MAX_REASON, check
from domain.batches import BatchPolicy
from domain.errors import Unauthenticated
from resolvers import batches
from resolvers.batches import Outcome
from resolvers.context import Context


async def ban(
    ctx: Context, ids: Sequence[str], *, reason: str | None, policy: BatchPolicy
) -> list[Outcome]:
    """Ban videos that are PUBLISHED. Every link to them ends."""
    if ctx.viewer is None:
        raise Unauthenticated
    reason = (text.optional("reason", reason, MAX_REASON) or "").strip() or None
    by_id = ctx.viewer.api_key_id

    async def apply(session: WriteSession, chosen: Sequence[Video]) -> None:
        await bans.ban(session, chosen, reason=reason, by_id=by_id)

    return await batches.change(
        ctx, ids, policy=policy, check=lambda video: check(video.status, banned=True), apply=apply
    )


async def unban(ctx: Context, ids: Sequence[str], *, policy: BatchPolicy) -> list[Outcome]:
    """Have banned videos be PUBLISHED again. Links of before the ban stay dead."""
    return await batches.change(
        ctx,
        ids,
        policy=policy,
        check=lambda video: check(video.status, banned=False),
        apply=bans.unban,
    )
