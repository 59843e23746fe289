"""Statements about key points: marks on the timeline of a video."""

from collections.abc import Collection, Sequence
from uuid import UUID

from sqlalchemy import bindparam, delete, func, select

from db.models import KeyPoint, Video
from db.rows import Source
from db.session import ReadSession, WriteSession

KEY_POINTS = Source(
    KeyPoint,
    {
        "account_id": lambda row, name: (
            select(Video.id)
            .where(Video.id == row.video_id, Video.account_id == bindparam(name))
            .exists()
        ),
    },
    lambda row: [row.at_ms, row.id],
)


async def of_account(
    session: ReadSession, account_id: UUID, ids: Collection[UUID]
) -> dict[UUID, KeyPoint]:
    rows = await session.scalars(
        select(KeyPoint)
        .join(Video, Video.id == KeyPoint.video_id)
        .where(KeyPoint.id.in_(ids), Video.account_id == account_id)
    )
    return {row.id: row for row in rows}


async def count(session: ReadSession, video_id: UUID) -> int:
    counted = select(func.count()).where(KeyPoint.video_id == video_id)
    return await session.scalar(counted) or 0


async def at(session: ReadSession, video_id: UUID, at_ms: int) -> KeyPoint | None:
    """The one at this moment."""
    return await session.scalar(
        select(KeyPoint).where(KeyPoint.video_id == video_id, KeyPoint.at_ms == at_ms).limit(1)
    )


async def save(session: WriteSession, key_point: KeyPoint) -> None:
    """Insert or change the row, and fill in what the database chose."""
    session.add(key_point)
    await session.flush()
    await session.refresh(key_point)


async def remove(session: WriteSession, ids: Collection[UUID]) -> Sequence[UUID]:
    """Returns those that were there still."""
    rows = await session.scalars(
        delete(KeyPoint).where(KeyPoint.id.in_(ids)).returning(KeyPoint.id)
    )
    return list(rows)
