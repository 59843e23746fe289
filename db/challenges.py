"""Possession challenges that were answered. They are remembered until they expire."""

from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from db.models import SpentChallenge
from db.session import WriteSession


async def spend(session: WriteSession, nonce: bytes, *, expires_at: datetime) -> bool:
    """Whether this is the first answer to the challenge."""
    fresh = insert(SpentChallenge).values(nonce=nonce, expires_at=expires_at)
    first = fresh.on_conflict_do_nothing().returning(SpentChallenge.expires_at)
    return await session.scalar(first) is not None


async def forget(session: WriteSession, *, now: datetime) -> None:
    """Drop those that nobody could answer any more anyway."""
    await session.execute(delete(SpentChallenge).where(SpentChallenge.expires_at < now))
