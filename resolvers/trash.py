"""The recycle bin: deleting videos, restoring them, and removing them for good."""

from collections.abc import Sequence

from db import trash as bins
from db.models import Task, Video
from db.session import WriteSession
from domain.batches import BatchPolicy
from domain.errors import DomainError
from domain.trash import check_in_bin, check_live
from jobs import trash
from jobs.queue import stop_all
from resolvers import batches
from resolvers.batches import Outcome
from resolvers.context import Context


async def delete(ctx: Context, ids: Sequence[str], *, policy: BatchPolicy) -> list[Outcome]:
    """Put videos into the bin. Nobody can play them from now on, and nothing more is made."""
    ended: list[Task] = []

    async def apply(session: WriteSession, chosen: Sequence[Video]) -> None:
        ended.extend(await trash.delete(session, chosen))

    outcomes = await batches.change(
        ctx, ids, policy=policy, check=lambda video: check_live(video.status), apply=apply
    )
    await stop_all(ctx.services.db, ended)
    return outcomes


async def restore(ctx: Context, ids: Sequence[str], *, policy: BatchPolicy) -> list[Outcome]:
    """Take videos out of the bin."""

    async def apply(session: WriteSession, chosen: Sequence[Video]) -> None:
        await trash.restore(session, ctx.services.queue, chosen)

    return await batches.change(
        ctx,
        ids,
        policy=policy,
        check=_check_in_bin,
        refuse=trash.conflicts,
        apply=apply,
        with_account=True,  # of two videos of one origin, one comes back
    )


async def purge(ctx: Context, ids: Sequence[str], *, policy: BatchPolicy) -> list[Outcome]:
    """Remove videos in the bin for good, before their time is over."""
    return await batches.change(
        ctx,
        ids,
        policy=policy,
        check=_check_in_bin,
        apply=trash.purge,
        lock=bins.lock_with_clips,
        with_account=True,  # its bytes are counted
    )


def _check_in_bin(video: Video) -> DomainError | None:
    return check_in_bin(video.status)
