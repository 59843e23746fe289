"""Which videos a caller may ask for."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from db import videos
from db.rows import Rows
from domain import grams
from domain.paging import Window
from domain.text import is_storable
from domain.videos import ShareState, SourceKind, VideoOrder, VideoStatus
from resolvers.context import Context

NO_ID: Final = UUID(int=0)
"""No row has this key."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which videos a list holds; None leaves a condition out."""

    search: str | None = None
    """An id of any kind, or a part of the title."""
    search_id: UUID | None = None
    """The key that `search` is the global id of, if it is one."""
    title: str | None = None
    """A part of it."""
    statuses: Collection[VideoStatus] | None = None
    """None is all but DELETED."""
    source_type: str | None = None
    source_kinds: Collection[SourceKind] | None = None
    owner_phone: str | None = None
    category_id: UUID | None = None
    category_tree: Collection[UUID] | None = None
    """These categories, or what lies in them at any depth."""
    share_states: Collection[ShareState] | None = None
    tags: Collection[str] | None = None
    """All of them."""
    created_from: datetime | None = None
    created_before: datetime | None = None


def own(ctx: Context) -> Rows:
    """The caller's videos, by their keys."""
    return Rows.of(videos.VIDEOS, by="id", account_id=ctx.account_id)


def by_id(ctx: Context, id: UUID | None) -> Rows | None:
    account_id = ctx.account_id  # first: without a key, nothing is said of any id
    return None if id is None else Rows.of(videos.VIDEOS, account_id=account_id, id=id)


def by_vid(ctx: Context, vid: str) -> Rows | None:
    account_id = ctx.account_id
    if not is_storable(vid):
        return None
    return Rows.of(videos.VIDEOS, account_id=account_id, vid=vid)


def by_storage_id(ctx: Context, storage_id: str) -> Rows | None:
    return _newest(ctx, {"storage_id": storage_id})


def by_sha256(ctx: Context, sha256: str) -> Rows | None:
    return _newest(ctx, {"sha256": sha256})


def by_source(ctx: Context, source_type: str, source_id: str) -> Rows | None:
    return _newest(ctx, {"source_type": source_type, "source_id": source_id})


def _newest(ctx: Context, where: Mapping[str, Any]) -> Rows | None:
    """The newest video that fits and is not DELETED."""
    account_id = ctx.account_id
    if not all(map(is_storable, where.values())):
        return None
    order = videos.ordered(VideoOrder.CREATED_AT, descending=True)
    return Rows.of(videos.VIDEOS, order=order, limit=1, account_id=account_id, kept=True, **where)


def page(
    ctx: Context,
    window: Window,
    wanted: Wanted | None = None,
    *,
    order: VideoOrder = VideoOrder.CREATED_AT,
    descending: bool = True,
) -> Rows:
    """Those in the recycle bin are left out, unless they are asked for."""
    account_id, wanted = ctx.account_id, wanted or Wanted()
    return Rows.of(
        videos.VIDEOS,
        order=videos.ordered(order, descending=descending),
        window=window,
        account_id=account_id,
        kept=None if wanted.statuses else True,
        **_searched(wanted, account_id),
    )


def _searched(wanted: Wanted, account_id: UUID) -> dict[str, Any]:
    """The conditions by name, with what is needed to look for texts."""
    found = asdict(wanted)
    for name in ("search", "title"):
        text = grams.normal(found[name] or "")
        found[name] = text or None
        found[f"{name}_grams"] = grams.wanted(text, account_id) or None
    if found["search"]:
        name = (wanted.search or "").strip()
        found |= {"search_name": name, "search_id": wanted.search_id or NO_ID}
    return found
