"""What an account does so that only those play its videos who shall."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from db import accounts, events, video_states, videos
from db.models import Account, Video
from db.session import WriteSession
from domain import playback_rules
from domain.batches import BatchPolicy
from domain.errors import DomainError, NotFound
from domain.events import EventType, topic
from domain.trash import check_live
from resolvers import batches
from resolvers.batches import Outcome
from resolvers.context import Context
from resolvers.gate import RULES


@dataclass(frozen=True, slots=True)
class NewRules:
    """Which rules an account is to have; None: as before."""

    referrers: Sequence[str] | None = None
    empty_referrer: bool | None = None
    networks: Sequence[str] | None = None


async def revoke(ctx: Context, video_id: UUID) -> Video:
    """End every link to the video that was given out until now."""
    account_id = ctx.account_id
    async with ctx.services.db.write() as session:
        video = (await videos.lock_all(session, account_id, [video_id])).get(video_id)
        if video is None:
            raise NotFound("Video", video_id, path=["videoId"])
        await video_states.end_playback(session, [video_id])
        await events.tell(session, EventType.VIDEO_UPDATED, [video])
        return await videos.fresh(session, video)


async def set_auth_play(
    ctx: Context, ids: Sequence[str], *, enabled: bool, policy: BatchPolicy
) -> list[Outcome]:
    """Choose whether viewers need a token that the owner's server asked for.

    Links that viewers have got without one are refused as long as they do.
    """

    async def apply(session: WriteSession, chosen: Sequence[Video]) -> None:
        await video_states.set_auth_play(session, [one.id for one in chosen], enabled=enabled)
        await events.tell(session, EventType.VIDEO_UPDATED, chosen)

    return await batches.change(ctx, ids, policy=policy, check=_check, apply=apply)


async def set_rules(ctx: Context, new: NewRules) -> Account:
    """Change whose pages and which networks may play the account's videos."""
    account_id = ctx.account_id
    referrers = None if new.referrers is None else playback_rules.referrers(new.referrers)
    networks = None if new.networks is None else playback_rules.networks(new.networks)
    async with ctx.services.db.write() as session:
        account = await accounts.lock(session, account_id)
        if referrers is not None:
            account.referrers = referrers
        if new.empty_referrer is not None:
            account.empty_referrer = new.empty_referrer
        if networks is not None:
            account.networks = networks
        await session.flush()
        await events.wake(session, topic(RULES, account_id))
    return account


def _check(video: Video) -> DomainError | None:
    return check_live(video.status)
