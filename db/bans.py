"""Statements about bans. Whoever calls them has locked the videos."""

from collections.abc import Sequence
from typing import Any
from uuid import UUID

from sqlalchemy import func, update

from db import events
from db.models import Video
from db.session import WriteSession
from domain.events import EventType
from domain.videos import VideoStatus


async def ban(
    session: WriteSession, published: Sequence[Video], *, reason: str | None, by_id: UUID
) -> None:
    """Nobody can play these from now on, by no link; `by_id` is the API key that says so."""
    values: dict[str, Any] = {"banned_at": func.now(), "ban_reason": reason, "banned_by_id": by_id}
    values |= {"epoch": Video.epoch + 1}
    await _change(session, published, VideoStatus.PUBLISHED, VideoStatus.BANNED, values)
    await events.tell(session, EventType.VIDEO_BANNED, published)


async def unban(session: WriteSession, banned: Sequence[Video]) -> None:
    """They can be played again, by new links."""
    values = {"banned_at": None, "ban_reason": None, "banned_by_id": None}
    await _change(session, banned, VideoStatus.BANNED, VideoStatus.PUBLISHED, values)
    await events.tell(session, EventType.VIDEO_UNBANNED, banned)


async def _change(
    session: WriteSession,
    changed: Sequence[Video],
    before: VideoStatus,
    after: VideoStatus,
    values: dict[str, Any],
) -> None:
    await session.execute(
        update(Video)
        .where(Video.id.in_([video.id for video in changed]), Video.status == before)
        .values(status=after, **values)
        .execution_options(synchronize_session=False)
    )
