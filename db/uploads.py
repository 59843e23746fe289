"""Statements about upload sessions and their parts."""

from collections.abc import Sequence
from datetime import datetime
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from db.models import UploadPart, UploadSession
from db.paging import Order
from db.rows import Source, among, equals
from db.session import ReadSession, WriteSession
from domain.errors import DomainError
from domain.uploads import TAKES_CHUNKS, UploadStatus

UPLOADS = Source(
    UploadSession,
    {
        "account_id": equals("account_id"),
        "id": equals("id"),
        "statuses": among("status"),
    },
)
PARTS = Source(UploadPart, {}, lambda row: [row.number])
NEWEST_FIRST = Order("created_at")


async def by_id(session: ReadSession, id: UUID) -> UploadSession | None:
    """For holders of a signed link and for workers; callers of the API use `of_account`."""
    return await session.get(UploadSession, id)


async def of_account(
    session: ReadSession, account_id: UUID, ids: Sequence[UUID]
) -> dict[UUID, UploadSession]:
    rows = await session.scalars(
        select(UploadSession).where(
            UploadSession.id.in_(ids), UploadSession.account_id == account_id
        )
    )
    return {row.id: row for row in rows}


async def parts(session: ReadSession, ids: Sequence[UUID]) -> dict[UUID, list[int]]:
    """Numbers of the parts that are stored, of each session, ascending."""
    rows = await session.execute(
        select(UploadPart.session_id, UploadPart.number)
        .where(UploadPart.session_id.in_(ids))
        .order_by(UploadPart.number)
    )
    grouped: dict[UUID, list[int]] = {id: [] for id in ids}
    for session_id, number in rows:
        grouped[session_id].append(number)
    return grouped


async def part_digest(session: ReadSession, id: UUID, number: int) -> str | None:
    return await session.scalar(
        select(UploadPart.sha256).where(UploadPart.session_id == id, UploadPart.number == number)
    )


async def add(session: WriteSession, upload: UploadSession) -> None:
    """Insert the row and fill in what the database chose."""
    session.add(upload)
    await session.flush()
    await session.refresh(upload)


async def fresh(session: WriteSession, upload: UploadSession) -> UploadSession:
    """The row as this transaction has changed it."""
    await session.refresh(upload)
    return upload


async def lock(session: WriteSession, id: UUID) -> UploadSession | None:
    """The session's row, locked until the transaction ends."""
    return await session.scalar(
        select(UploadSession).where(UploadSession.id == id).with_for_update()
    )


async def clear_part(session: WriteSession, id: UUID, number: int) -> None:
    """Forget a part that is about to be overwritten. The session's row must be locked."""
    size = await session.scalar(
        delete(UploadPart)
        .where(UploadPart.session_id == id, UploadPart.number == number)
        .returning(UploadPart.size)
    )
    if size is not None:
        await _count(session, id, chunks=-1, size=-size)


async def add_part(session: WriteSession, id: UUID, *, number: int, size: int, sha256: str) -> bool:
    """Record a stored part and count it. False, and no change, when the session is closed."""
    if not await _count(session, id, chunks=1, size=size):
        return False
    await session.execute(
        insert(UploadPart).values(session_id=id, number=number, size=size, sha256=sha256)
    )
    return True


async def _count(session: WriteSession, id: UUID, *, chunks: int, size: int) -> bool:
    counted = await session.scalar(
        update(UploadSession)
        .where(UploadSession.id == id, UploadSession.status.in_(TAKES_CHUNKS))
        .values(
            status=UploadStatus.UPLOADING,
            received_chunks=UploadSession.received_chunks + chunks,
            received_bytes=UploadSession.received_bytes + size,
        )
        .returning(UploadSession.id)
    )
    return counted is not None


async def change_status(
    session: WriteSession,
    id: UUID,
    status: UploadStatus,
    *,
    expected: Sequence[UploadStatus],
    video_id: UUID | None = None,
    failure: DomainError | None = None,
) -> bool:
    """Move the session to `status` if it is in one of the `expected` ones."""
    changed = await session.scalar(
        update(UploadSession)
        .where(UploadSession.id == id, UploadSession.status.in_(expected))
        .values(
            status=status,
            video_id=video_id,
            error_code=failure.code if failure else None,
            error_message=str(failure) if failure else None,
        )
        .returning(UploadSession.id)
    )
    return changed is not None


async def expire(session: WriteSession, *, now: datetime) -> list[UploadSession]:
    """Close the sessions whose time is over; returns them."""
    rows = await session.scalars(
        update(UploadSession)
        .where(UploadSession.status.in_(TAKES_CHUNKS), UploadSession.expires_at < now)
        .values(status=UploadStatus.EXPIRED, updated_at=func.now())
        .returning(UploadSession)
    )
    return list(rows)
