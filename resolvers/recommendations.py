"""What to watch after a video."""

import asyncio
from collections.abc import Sequence
from typing import Any
from uuid import UUID

from db import recommendations, videos
from db.models import Video
from db.rows import Rows
from domain.errors import InvalidArgument, LimitExceeded
from domain.paging import Window
from domain.recommendations import MAX_FOR_VIEWERS, check_excluded
from domain.videos import ShareState, VideoStatus
from resolvers.context import Context


def of_video(_ctx: Context, window: Window, *, exclude: Sequence[UUID] | None) -> Rows:
    """Others of the caller's, for videos that are the caller's own."""
    return Rows.of(
        recommendations.RECOMMENDED,
        by="video_id",
        order=recommendations.BEST_FIRST,
        window=window,
        excluded=sorted(exclude) if exclude else None,
    )


async def for_viewers(
    ctx: Context, video: Video, *, first: int, exclude: Sequence[str]
) -> list[Any]:
    """Others of the same owner that everybody may watch, for whoever may see this one."""
    check_excluded(len(exclude))
    if first < 0:
        raise InvalidArgument(f"`first` is {first}; it must not be negative.", path=["first"])
    if first > MAX_FOR_VIEWERS:
        raise LimitExceeded("`first`", limit=MAX_FOR_VIEWERS, actual=first, path=["first"])
    wanted = Rows.of(
        recommendations.PUBLIC,
        by="video_id",
        order=recommendations.BEST_FIRST,
        limit=first,
        excluded_vids=sorted({one for one in exclude if _is_vid(one)}) or None,
    )
    found = await ctx.load.rows(wanted, video.id)
    public = Rows.of(
        videos.VIDEOS,
        by="id",
        statuses=[VideoStatus.PUBLISHED],
        share_states=[ShareState.PUBLIC],
    )
    rows = await asyncio.gather(*(ctx.load.row(public, one.id) for one in found))
    return [row for row in rows if row is not None]


def _is_vid(text: str) -> bool:
    """Whether a video could have it. PostgreSQL refuses to compare some other texts."""
    return text.isascii() and "\0" not in text
