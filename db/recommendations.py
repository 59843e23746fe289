"""Statements about recommendations: what is read of them, and for whom they are made anew."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, String, Uuid, all_, bindparam, delete, func, select, text
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.types import TypeEngine

from db import recommending
from db.models import PublicRecommended, Recommendation, Recommended, Recommending, Video
from db.paging import Order
from db.rows import Filter, Source
from db.session import ReadSession, WriteSession
from domain.videos import VideoStatus


def _is_none_of(column: str, kind: TypeEngine[Any]) -> Filter:
    return lambda row, name: getattr(row, column) != all_(bindparam(name, type_=ARRAY(kind)))


_FILTERS: Final = {
    "excluded": _is_none_of("id", Uuid()),
    "excluded_vids": _is_none_of("vid", String()),
}
RECOMMENDED: Final = Source(Recommended, _FILTERS)
PUBLIC: Final = Source(PublicRecommended, _FILTERS)
BEST_FIRST: Final = Order("place", descending=False)

CHUNK: Final = 1_000
"""Videos whose recommendations are made by one statement."""
MARGIN: Final = timedelta(minutes=1)
"""What was changed by a transaction this long is not overlooked."""


@dataclass(frozen=True, slots=True)
class Due:
    """An account whose recommendations are to be made, or to be finished."""

    account_id: UUID
    reached: UUID | None


_DUE: Final = text("""
select account.id, recommending.reached
from account left join recommending on recommending.account_id = account.id
where recommending.reached is not null
    or exists (
        select from video
        where video.account_id = account.id
            and video.updated_at >= coalesce(recommending.begun_at, '-infinity')
    )
    or exists (
        select from play
        where play.account_id = account.id
            and play.started_at >= coalesce(recommending.begun_at, '-infinity')
    )
    or recommending.begun_at is not null and exists (
        select from category
        where category.account_id = account.id and category.updated_at >= recommending.begun_at
    )
order by recommending.reached is null, recommending.begun_at nulls first, account.id
limit :limit
""")


async def due(session: ReadSession, *, limit: int) -> list[Due]:
    """Accounts that have changed since theirs were made: what is begun, then the longest ago."""
    rows = await session.execute(_DUE, {"limit": limit})
    return [Due(row.id, row.reached) for row in rows]


async def advance(session: WriteSession, one: Due, *, size: int = CHUNK) -> UUID | None:
    """Make those of some videos more; the last of these, or None when all are made."""
    ids = await _next(session, one, size)
    reached = ids[-1] if len(ids) == size else None
    await _clear(session, one, until=reached)
    if ids:
        await recommending.make(session, one.account_id, ids)
    await _note(session, one, reached)
    return reached


async def _next(session: ReadSession, one: Due, size: int) -> Sequence[UUID]:
    wanted = select(Video.id).where(
        Video.account_id == one.account_id, Video.status == VideoStatus.PUBLISHED
    )
    if one.reached is not None:
        wanted = wanted.where(Video.id > one.reached)
    return list(await session.scalars(wanted.order_by(Video.id).limit(size)))


async def _clear(session: WriteSession, one: Due, *, until: UUID | None) -> None:
    """Remove what was made before, also for videos that are not there any more."""
    old = delete(Recommendation).where(Recommendation.account_id == one.account_id)
    if one.reached is not None:
        old = old.where(Recommendation.video_id > one.reached)
    if until is not None:
        old = old.where(Recommendation.video_id <= until)
    await session.execute(old.execution_options(synchronize_session=False))


async def _note(session: WriteSession, one: Due, reached: UUID | None) -> None:
    """How far it is. What changes from its beginning on makes it due once more."""
    begun_at = func.now() - MARGIN
    row = insert(Recommending).values(account_id=one.account_id, begun_at=begun_at, reached=reached)
    others: dict[str, Any] = {"reached": reached}
    if one.reached is None:
        others["begun_at"] = row.excluded.begun_at
    await session.execute(row.on_conflict_do_update(index_elements=["account_id"], set_=others))
