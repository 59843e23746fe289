"""Statements about upload sessions and their parts."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, cast
from uuid import UUID

from sqlalchemy import (
    BigInteger,
    BindParameter,
    ColumnElement,
    Integer,
    String,
    Table,
    bindparam,
    case,
    delete,
    extract,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.dml import ReturningInsert

from db import accounts
from db.models import UploadPart, UploadSession
from db.paging import Order
from db.rows import Source, among, equals
from db.session import ReadSession, WriteSession
from domain.errors import DomainError, LimitExceeded, QuotaExceeded
from domain.uploads import (
    OPEN,
    SPEED_WINDOW_S,
    TAKES_CHUNKS,
    UploadLimits,
    UploadPurpose,
    UploadStatus,
)

UPLOADS = Source(
    UploadSession,
    {
        "account_id": equals("account_id"),
        "id": equals("id"),
        "statuses": among("status"),
        "device_types": among("device_type"),
    },
)
PARTS = Source(
    UploadPart,
    {"session_id": equals("session_id"), "number": equals("number")},
    lambda row: [row.number],
)
NEWEST_FIRST = Order("created_at")


def _heard(size: ColumnElement[int] | int) -> dict[str, Any]:
    """Bytes came just now: a running average in which old ones hardly count."""
    last = func.coalesce(UploadSession.heard_at, UploadSession.created_at)
    passed = func.greatest(extract("epoch", func.clock_timestamp() - last), 0.001)
    # PostgreSQL refuses to compute what is too close to zero.
    kept = func.exp(-func.least(passed / SPEED_WINDOW_S, 100))
    average = UploadSession.speed * kept + size / passed * (1 - kept)
    return {
        "speed": func.coalesce(average, size / passed),
        "heard_at": func.clock_timestamp(),
    }


def _adding() -> ReturningInsert[int]:
    """One statement: parts come by the thousand, and each costs a round trip to PostgreSQL."""
    size: BindParameter[int] = bindparam("bytes", type_=BigInteger)
    session: Table = cast("Table", UploadSession.__table__)
    counted = (
        update(session)
        .where(session.c.id == bindparam("session"), session.c.status.in_(TAKES_CHUNKS))
        .values(
            status=UploadStatus.UPLOADING,
            received_chunks=session.c.received_chunks + 1,
            received_bytes=session.c.received_bytes + size,
            **_heard(size),
        )
        .returning(session.c.id)
        .cte("counted")
    )
    part = select(
        counted.c.id,
        bindparam("part", type_=Integer),
        size,
        bindparam("digest", type_=String),
    )
    columns = ["session_id", "number", "size", "sha256"]
    return insert(UploadPart).from_select(columns, part).returning(UploadPart.number)


_ADD_PART = _adding()


async def by_id(session: ReadSession, id: UUID) -> UploadSession | None:
    """For holders of a signed link and for workers; callers of the API use `of_account`."""
    return await session.get(UploadSession, id)


async def by_ids(session: ReadSession, ids: Sequence[UUID]) -> dict[UUID, UploadSession]:
    rows = await session.scalars(select(UploadSession).where(UploadSession.id.in_(ids)))
    return {row.id: row for row in rows}


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


async def declared_digest(session: ReadSession, id: UUID, number: int) -> str | None:
    """The SHA-256 that was announced for a chunk, in hexadecimal."""
    digest = await session.scalar(
        select(func.substr(UploadSession.chunk_digests, 32 * (number - 1) + 1, 32)).where(
            UploadSession.id == id
        )
    )
    return digest.hex() if digest else None


async def add(session: WriteSession, upload: UploadSession, limits: UploadLimits) -> None:
    """Insert the row and fill in what the database chose, if the account may open one more.

    Raises `LimitExceeded` or `QuotaExceeded`. The account's row is locked until the
    transaction ends, so that sessions opened at once are counted one after the other.
    """
    await make_room(session, upload.account_id, size(upload), limits, sessions=1)
    session.add(upload)
    await session.flush()
    await session.refresh(upload)


def size(upload: UploadSession) -> int:
    """Bytes that are not counted yet: those of partial uploads are."""
    return 0 if upload.partials else upload.file_size


async def make_room(
    session: WriteSession, account_id: UUID, size: int, limits: UploadLimits, *, sessions: int = 0
) -> None:
    """Refuse what would bring the account above its quota or its open sessions."""
    account = await accounts.lock(session, account_id)
    counts_by_pieces = UploadSession.partials.is_not(None) & UploadSession.status.in_(TAKES_CHUNKS)
    counted = case((counts_by_pieces, 0), else_=UploadSession.file_size)
    waiting, coming = (
        await session.execute(
            select(
                func.count().filter(UploadSession.status.in_(TAKES_CHUNKS)),
                func.coalesce(func.sum(counted), 0),
            ).where(UploadSession.account_id == account_id, UploadSession.status.in_(OPEN))
        )
    ).one()
    if waiting + sessions > limits.open_sessions:
        raise LimitExceeded(
            "The number of open upload sessions",
            limit=limits.open_sessions,
            actual=waiting + sessions,
        )
    quota = account.storage_quota if account.storage_quota is not None else limits.storage_quota
    total = account.storage_used + int(coming) + size
    if quota is not None and total > quota:
        raise QuotaExceeded("The storage needed", limit=quota, actual=total, path=["fileSize"])


async def resumable(session: ReadSession, account_id: UUID, sha256: str) -> UploadSession | None:
    """The account's newest session that still takes chunks of a video of these bytes."""
    return await session.scalar(
        select(UploadSession)
        .where(
            UploadSession.account_id == account_id,
            UploadSession.sha256 == sha256,
            UploadSession.status.in_(TAKES_CHUNKS),
            UploadSession.purpose == UploadPurpose.VIDEO,
            UploadSession.sequential.is_(False),
        )
        .order_by(UploadSession.created_at.desc())
        .limit(1)
    )


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
        await _change(
            session,
            id,
            received_chunks=UploadSession.received_chunks - 1,
            received_bytes=UploadSession.received_bytes - size,
        )


async def add_part(session: WriteSession, id: UUID, *, number: int, size: int, sha256: str) -> bool:
    """Record a stored part and count it. False, and no change, when the session is closed."""
    part = {"session": id, "part": number, "bytes": size, "digest": sha256}
    connection = await session.connection()
    return await connection.scalar(_ADD_PART, part) is not None


async def note_parts(session: WriteSession, id: UUID, sizes: Mapping[int, int]) -> bool:
    """Record the chunks that the store says it has, and forget others; whether that is news."""
    rows = await session.execute(
        select(UploadPart.number, UploadPart.size).where(UploadPart.session_id == id)
    )
    known = {row.number: row.size for row in rows}
    new = {number: size for number, size in sizes.items() if number not in known}
    gone = [number for number in known if number not in sizes]
    if not new and not gone:
        return False
    size = sum(new.values()) - sum(known[number] for number in gone)
    counted = await _change(
        session,
        id,
        received_chunks=UploadSession.received_chunks + len(new) - len(gone),
        received_bytes=UploadSession.received_bytes + size,
        **_heard(max(0, size)),
    )
    if counted and gone:
        await session.execute(
            delete(UploadPart).where(UploadPart.session_id == id, UploadPart.number.in_(gone))
        )
    if counted and new:
        rows = [{"session_id": id, "number": one, "size": new[one]} for one in new]
        await session.execute(insert(UploadPart).values(rows))
    return counted


async def advance(session: WriteSession, id: UUID, *, offset: int, chunks: int) -> bool:
    """Note how far a sequential upload has come. False, and no change, when it is closed."""
    return await _change(
        session,
        id,
        received_bytes=offset,
        received_chunks=chunks,
        **_heard(offset - UploadSession.received_bytes),
    )


async def _change(session: WriteSession, id: UUID, **values: object) -> bool:
    """Change a session that takes bytes. False when it does not."""
    changed = await session.scalar(
        update(UploadSession)
        .where(UploadSession.id == id, UploadSession.status.in_(TAKES_CHUNKS))
        .values(status=UploadStatus.UPLOADING, **values)
        .returning(UploadSession.id)
    )
    return changed is not None


async def change_status(
    session: WriteSession,
    id: UUID,
    status: UploadStatus,
    *,
    expected: Sequence[UploadStatus],
    failure: DomainError | None = None,
    **values: object,
) -> bool:
    """Move the session to `status` if it is in one of the `expected` ones.

    `values` are further columns that change with it.
    """
    changed = await session.scalar(
        update(UploadSession)
        .where(UploadSession.id == id, UploadSession.status.in_(expected))
        .values(
            status=status,
            error_code=failure.code if failure else None,
            error_message=str(failure) if failure else None,
            **values,
        )
        .returning(UploadSession.id)
    )
    return changed is not None


async def uncleared(
    session: ReadSession, *, before: datetime, limit: int = 100
) -> list[UploadSession]:
    """Sessions that were closed before then, and whose bytes may still be in the store."""
    rows = await session.scalars(
        select(UploadSession)
        .where(
            UploadSession.status.not_in(OPEN),
            (UploadSession.purpose != UploadPurpose.PARTIAL)
            | (UploadSession.status != UploadStatus.COMPLETED),
            UploadSession.storage_token != "",
            UploadSession.updated_at < before,
        )
        .limit(limit)
    )
    return list(rows)


async def cleared(session: WriteSession, ids: Sequence[UUID]) -> None:
    """The store holds nothing of these uploads any more."""
    await session.execute(
        update(UploadSession)
        .where(UploadSession.id.in_(ids))
        .values(storage_token="", updated_at=UploadSession.updated_at)
    )


async def made_of(
    session: ReadSession, account_id: UUID, ids: Sequence[UUID]
) -> UploadSession | None:
    """The account's upload that these partial ones became, in this order."""
    return await session.scalar(
        select(UploadSession).where(
            UploadSession.account_id == account_id,
            UploadSession.partials == list(ids),
            UploadSession.status.in_((UploadStatus.VERIFYING, UploadStatus.COMPLETED)),
        )
    )


async def close_partials(session: WriteSession, ids: Sequence[UUID]) -> int:
    """They become part of another upload, which removes their bytes when it needs them no more.

    Returns how many of them were open.
    """
    closed = await session.scalars(
        update(UploadSession)
        .where(UploadSession.id.in_(ids), UploadSession.status.in_(TAKES_CHUNKS))
        .values(status=UploadStatus.COMPLETED)
        .returning(UploadSession.id)
    )
    return len(closed.all())


async def expire(session: WriteSession, *, now: datetime) -> list[UploadSession]:
    """Close the sessions whose time is over; returns them."""
    rows = await session.scalars(
        update(UploadSession)
        .where(UploadSession.status.in_(TAKES_CHUNKS), UploadSession.expires_at < now)
        .values(status=UploadStatus.EXPIRED, updated_at=func.now())
        .returning(UploadSession)
    )
    return list(rows)
