"""Statements about plays: who watched how much of what."""

import uuid
from uuid import UUID

from sqlalchemy import ColumnElement, and_, case, func, literal, or_, select
from sqlalchemy.dialects.postgresql import insert

from db.models import Play, Video
from db.session import WriteSession
from domain.plays import Report
from domain.tokens import Grant
from domain.videos import VideoStatus

_PUBLISHED: ColumnElement[bool] = Video.status == VideoStatus.PUBLISHED


async def of_own(
    session: WriteSession, account_id: UUID, video_id: UUID, report: Report
) -> Play | None:
    """Record a play of one of the account's videos; None when that cannot be watched."""
    return await _record(session, (Video.id == video_id) & (Video.account_id == account_id), report)


async def of_link(session: WriteSession, grant: Grant, report: Report) -> Play | None:
    """Record a play of whoever has this link; None when it does not hold any more."""
    holds = and_(Video.id == grant.subject, Video.epoch == grant.epoch)
    if grant.public:
        holds = and_(holds, ~Video.auth_play)
    return await _record(session, holds, report)


async def _record(session: WriteSession, which: ColumnElement[bool], report: Report) -> Play | None:
    """One statement, so that neither repetition nor order nor haste makes a difference."""
    columns = ["id", "account_id", "video_id", "session", "viewer", "watched_ms", "progress"]
    video = select(
        literal(uuid.uuid4(), Play.id.type),
        Video.account_id,
        Video.id,
        literal(report.session, Play.session.type),
        literal(report.viewer, Play.viewer.type),
        literal(report.watched_ms, Play.watched_ms.type),
        literal(report.progress, Play.progress.type),
    ).where(which, _PUBLISHED)
    row = insert(Play).from_select(columns, video)
    sent = row.excluded
    is_news = or_(
        sent.watched_ms > Play.watched_ms,
        sent.progress > Play.progress,
        and_(Play.viewer.is_(None), sent.viewer.is_not(None)),
    )
    merged = row.on_conflict_do_update(
        index_elements=["video_id", "session"],
        set_={
            "watched_ms": func.greatest(Play.watched_ms, sent.watched_ms),
            "progress": func.greatest(Play.progress, sent.progress),
            "viewer": func.coalesce(Play.viewer, sent.viewer),
            "updated_at": case((is_news, func.now()), else_=Play.updated_at),
        },
    )
    return await session.scalar(merged.returning(Play))
