"""Statements about playing: links that were used up, and files as they were uploaded."""

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, select
from sqlalchemy.dialects.postgresql import insert

from db.models import Content, PlaySet, SpentToken, Video
from db.session import ReadSession, WriteSession
from domain.media import Source
from domain.play_sets import LIVE_PLAY_SETS
from domain.templates import Encryption


@dataclass(frozen=True, slots=True)
class SourceFile:
    """The file that a video was made of."""

    key: str
    title: str
    source: Source


async def spend(session: WriteSession, id: UUID, *, expires_at: datetime) -> bool:
    """Whether this is the first use of a token for one."""
    fresh = insert(SpentToken).values(id=id, expires_at=expires_at)
    first = fresh.on_conflict_do_nothing().returning(SpentToken.id)
    return await session.scalar(first) is not None


async def forget_spent(session: WriteSession, *, now: datetime) -> None:
    """Drop the tokens that nobody could use any more anyway."""
    await session.execute(delete(SpentToken).where(SpentToken.expires_at < now))


async def source_file(session: ReadSession, video_id: UUID) -> SourceFile | None:
    """None as well when a play set is encrypted, which the plain file would make pointless."""
    encrypted = select(PlaySet.id).where(
        PlaySet.video_id == video_id,
        PlaySet.status.in_(LIVE_PLAY_SETS),
        PlaySet.encryption != Encryption.NONE,
    )
    row = (
        await session.execute(
            select(Content.key, Video.title, Video.source)
            .join(Content, Content.id == Video.content_id)
            .where(Video.id == video_id, Video.source.is_not(None), ~encrypted.exists())
        )
    ).first()
    return SourceFile(row.key, row.title, Source.from_json(row.source)) if row else None
