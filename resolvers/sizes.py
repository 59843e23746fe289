"""How many bytes the caller's videos take."""

from collections.abc import Collection
from uuid import UUID

from db import accounts, sizes
from db.rows import Rows
from domain.paging import Window
from domain.sizes import Count, Sizes, Usage
from resolvers.context import Context


def of_videos(ctx: Context, window: Window, ids: Collection[UUID]) -> Rows:
    """The caller's videos among these, newest first."""
    return _page(ctx, window, ids=ids)


def of_categories(ctx: Context, window: Window, ids: Collection[UUID], *, deep: bool) -> Rows:
    """The caller's videos in these categories; if `deep`, or below them."""
    return _page(ctx, window, category_tree=ids) if deep else _page(ctx, window, category_ids=ids)


def _page(
    ctx: Context,
    window: Window,
    *,
    ids: Collection[UUID] | None = None,
    category_ids: Collection[UUID] | None = None,
    category_tree: Collection[UUID] | None = None,
) -> Rows:
    return Rows.of(
        sizes.SIZED,
        order=sizes.NEWEST_FIRST,
        window=window,
        account_id=ctx.account_id,
        deleted=False,
        ids=ids,
        category_ids=category_ids,
        category_tree=category_tree,
    )


async def of_video(ctx: Context, id: UUID) -> Sizes:
    """What one of the caller's videos takes."""
    return await ctx.load.answer(sizes.of_videos, id)


async def count(ctx: Context, category_id: UUID, *, deep: bool) -> Count:
    """The videos in one of the caller's categories; if `deep`, or below it."""
    return await ctx.load.answer(sizes.COUNTS[deep], category_id)


async def total(ctx: Context, category_id: UUID, *, deep: bool) -> int:
    """Bytes that these take."""
    return await ctx.load.answer(sizes.BYTES[deep], category_id)


async def usage(ctx: Context) -> Usage:
    async with ctx.services.db.read() as session:
        account = await accounts.by_id(session, ctx.account_id)
        count, taken = await sizes.of_account(session, account.id)
    quota = account.storage_quota
    return Usage(
        storage_used=account.storage_used,
        storage_quota=ctx.services.limits.storage_quota if quota is None else quota,
        count=count,
        sizes=taken,
    )
