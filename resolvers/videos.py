"""Which videos a caller may ask for."""

from collections.abc import Collection
from uuid import UUID

from db import videos
from db.rows import Rows
from domain.paging import Window
from domain.videos import LIVE, VideoOrder, VideoStatus
from resolvers.context import Context


def own(ctx: Context) -> Rows:
    """The caller's videos, by their keys."""
    return Rows.of(videos.VIDEOS, by="id", account_id=ctx.account_id)


def by_id(ctx: Context, id: UUID | None) -> Rows | None:
    account_id = ctx.account_id  # first: without a key, nothing is said of any id
    return None if id is None else Rows.of(videos.VIDEOS, account_id=account_id, id=id)


def by_vid(ctx: Context, vid: str) -> Rows | None:
    account_id = ctx.account_id
    if "\0" in vid:  # which PostgreSQL refuses to compare with anything
        return None
    return Rows.of(videos.VIDEOS, account_id=account_id, vid=vid)


def page(
    ctx: Context,
    window: Window,
    *,
    statuses: Collection[VideoStatus] | None = None,
    order: VideoOrder = VideoOrder.CREATED_AT,
    descending: bool = True,
) -> Rows:
    """Those in the recycle bin are left out, unless they are asked for."""
    return Rows.of(
        videos.VIDEOS,
        order=videos.ordered(order, descending=descending),
        window=window,
        account_id=ctx.account_id,
        statuses=statuses or LIVE,
    )
