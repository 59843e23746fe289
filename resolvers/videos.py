"""Videos as their owner sees them."""

from collections.abc import Collection
from dataclasses import dataclass

from db import paging, videos
from db.models import Video
from db.paging import Page
from domain.paging import Window
from domain.videos import VideoOrder, VideoStatus
from resolvers.context import Context


@dataclass(frozen=True, slots=True)
class Listing:
    """Which videos are wanted, in which order."""

    statuses: Collection[VideoStatus] | None = None
    order: VideoOrder = VideoOrder.CREATED_AT
    descending: bool = True


async def by_vid(ctx: Context, vid: str) -> Video | None:
    if "\0" in vid:  # which PostgreSQL refuses to compare with anything
        return None
    async with ctx.services.db.read() as session:
        return await videos.by_vid(session, ctx.account_id, vid)


async def page(ctx: Context, window: Window, listing: Listing) -> Page[Video]:
    order = videos.ordered(listing.order, descending=listing.descending)
    async with ctx.services.db.read() as session:
        rows = videos.list_of(ctx.account_id, listing.statuses)
        return await paging.page(session, rows, order, window)


async def count(ctx: Context, listing: Listing) -> int:
    async with ctx.services.db.read() as session:
        return await paging.count(session, videos.list_of(ctx.account_id, listing.statuses))


def cursor(listing: Listing, video: Video) -> str:
    """The video's place in this listing."""
    order = videos.ordered(listing.order, descending=listing.descending)
    return order.cursor(video).encode()
