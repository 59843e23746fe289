"""Statements about shared videos, and about wrong passwords for them."""

from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import undefer

from db.models import PasswordAttempt, Video
from db.session import ReadSession, WriteSession
from domain.shares import WINDOW, Wrong
from domain.videos import VideoStatus

_HASH = undefer(Video.share_password_hash)
_LATELY: ColumnElement[bool] = PasswordAttempt.attempted_at > func.now() - WINDOW


async def published(session: ReadSession, *, id: UUID | None, vid: str | None) -> Video | None:
    """A video that can be played, whosever it is, by one of its ids. With its password's hash."""
    named = Video.vid == vid if id is None else Video.id == id
    return await session.scalar(
        select(Video).options(_HASH).where(named, Video.status == VideoStatus.PUBLISHED)
    )


async def of_account(session: ReadSession, account_id: UUID, id: UUID) -> Video | None:
    """The account's video, with its password's hash."""
    own = Video.account_id == account_id
    return await session.scalar(select(Video).options(_HASH).where(Video.id == id, own))


async def lock(session: WriteSession, account_id: UUID, id: UUID) -> Video | None:
    """The same, locked until the transaction ends."""
    own = Video.account_id == account_id
    return await session.scalar(
        select(Video).options(_HASH).where(Video.id == id, own).with_for_update()
    )


async def turn(session: WriteSession, video_id: UUID) -> bool:
    """Be alone in counting a video's wrong passwords; False when the video is gone."""
    mine = select(Video.id).where(Video.id == video_id).with_for_update(key_share=True)
    return await session.scalar(mine) is not None


async def wrong(session: ReadSession, video_id: UUID, caller: str) -> Wrong:
    """What was wrong lately. None is recorded above the limit, so these are few."""
    rows = await session.execute(
        select(PasswordAttempt.attempted_at, PasswordAttempt.caller)
        .where(PasswordAttempt.video_id == video_id, _LATELY)
        .order_by(PasswordAttempt.attempted_at.desc())
    )
    found = [(row.attempted_at, row.caller) for row in rows]
    of_caller = [moment for moment, who in found if who == caller]
    return Wrong(of_caller=of_caller, of_all=[moment for moment, _ in found])


async def add_wrong(session: WriteSession, video_id: UUID, caller: str) -> None:
    session.add(PasswordAttempt(video_id=video_id, caller=caller))
    await session.flush()


async def clear(session: WriteSession, video_id: UUID, caller: str) -> None:
    """The caller knows the password after all."""
    await session.execute(
        delete(PasswordAttempt).where(
            PasswordAttempt.video_id == video_id, PasswordAttempt.caller == caller
        )
    )


async def forget(session: WriteSession) -> None:
    """Drop what counts no more."""
    await session.execute(delete(PasswordAttempt).where(~_LATELY))
