"""What lies in which category: moving a category, emptying one into another, moving videos."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from db import accounts, categories, events, videos
from db.models import Category, Video
from db.session import WriteSession
from domain.batches import BatchPolicy, TooManyIds
from domain.categories import (
    DEFAULT_CATEGORY,
    MOST_MOVED,
    CategoryIsDefault,
    CategoryIsParent,
    CategorySame,
)
from domain.errors import DomainError
from domain.events import EventType
from domain.trash import check_live
from resolvers import batches
from resolvers.batches import Outcome
from resolvers.categories import check, check_own, known, put
from resolvers.context import Context


@dataclass(frozen=True, slots=True)
class Deletion:
    """What became of the things in a category."""

    videos_to: Category
    moved: int
    """Videos."""
    rule_ids: Sequence[UUID] = ()
    """Rules that were about it, and went with it."""
    remaining: int = 0
    """Videos that are still in it; as long as there are any, it stays."""


async def move(ctx: Context, id: UUID, parent_id: UUID | None) -> Category:
    """Put a category into another one, or outermost; to where it lies is a mistake here."""
    account_id = ctx.account_id
    if id == parent_id:
        raise CategorySame(path=["destinationId"])
    async with ctx.services.db.write() as session:
        await accounts.lock(session, account_id)  # two moves at once could make a ring
        row = await known(session, account_id, id, field="categoryId")
        if row.number == DEFAULT_CATEGORY:
            raise CategoryIsDefault(path="categoryId")
        if row.parent_id == parent_id:
            raise CategoryIsParent(path="destinationId")
        await put(session, row, parent_id, field="destinationId")
        await categories.save(session, row)
    return row


async def delete(ctx: Context, id: UUID, *, videos_to: UUID | None) -> Deletion:
    """Delete a category: its videos go to another one, what lies in it moves up.

    Of very many videos, some are moved, and the category stays for the next call.
    """
    account_id = ctx.account_id
    if id == videos_to:
        raise CategorySame(path=["videosTo"])
    async with ctx.services.db.write() as session:
        await accounts.lock(session, account_id)
        row = await known(session, account_id, id, field="id")
        if row.number == DEFAULT_CATEGORY:
            raise CategoryIsDefault(path="id")
        videos_to = videos_to or await categories.default_id(session, account_id)
        other = await known(session, account_id, videos_to, field="videosTo")
        moved = await categories.move_videos(session, row, to=other.id, most=MOST_MOVED)
        if moved == MOST_MOVED and (left := await categories.video_count(session, row.id)):
            return Deletion(other, moved, remaining=left)
        late, rule_ids = await categories.delete_into(session, row, videos_to=other.id)
        await session.refresh(other)  # it may have lain in the one that is gone
    return Deletion(other, moved + late, rule_ids)


async def move_videos(
    ctx: Context, ids: Sequence[str], category_id: UUID, *, policy: BatchPolicy
) -> list[Outcome]:
    """Put videos into a category, as `batches.change` does it."""
    account_id = ctx.account_id
    await check_own(ctx, category_id)

    def refused(video: Video) -> DomainError | None:
        is_there = CategorySame() if video.category_id == category_id else None
        return check_live(video.status) or is_there

    async def apply(session: WriteSession, rows: Sequence[Video]) -> None:
        await check(session, account_id, category_id)  # it may have gone meanwhile
        await videos.put_into(session, [one.id for one in rows], category_id)
        await events.tell(session, EventType.VIDEO_UPDATED, rows)

    try:
        return await batches.change(
            ctx, ids, policy=policy, check=refused, apply=apply, with_account=True
        )
    except TooManyIds as failure:
        failure.path = ("videoIds",)
        raise
