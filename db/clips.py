"""Statements about the pieces that clips and splices are made of."""

from collections.abc import Sequence
from uuid import UUID

from sqlalchemy import select

from db.models import ClipSegment, Content, Video
from db.rows import Source
from db.session import ReadSession, WriteSession
from domain.clips import Segment

SEGMENTS = Source(ClipSegment, {}, lambda row: [row.position])


async def add(session: WriteSession, task_id: UUID, pieces: Sequence[tuple[UUID, Segment]]) -> None:
    """What the task is to cut, in this order: of which video, and which piece of it."""
    session.add_all(
        ClipSegment(
            task_id=task_id,
            position=position,
            video_id=video_id,
            start_ms=segment.start_ms,
            end_ms=segment.end_ms,
        )
        for position, (video_id, segment) in enumerate(pieces)
    )
    await session.flush()


async def of_task(
    session: ReadSession, task_id: UUID
) -> list[tuple[ClipSegment, Video, Content | None]]:
    """The pieces in their order, each with its video and the video's content."""
    rows = await session.execute(
        select(ClipSegment, Video, Content)
        .join(Video, Video.id == ClipSegment.video_id)
        .outerjoin(Content, Content.id == Video.content_id)
        .where(ClipSegment.task_id == task_id)
        .order_by(ClipSegment.position)
    )
    return [(segment, video, content) for segment, video, content in rows]


async def sources(
    session: ReadSession, account_id: UUID, ids: Sequence[UUID]
) -> dict[UUID, tuple[Video, Content | None]]:
    """The account's videos of these ids, each with its content."""
    rows = await session.execute(
        select(Video, Content)
        .outerjoin(Content, Content.id == Video.content_id)
        .where(Video.id.in_(ids), Video.account_id == account_id)
    )
    return {video.id: (video, content) for video, content in rows}
