"""Statements about the bytes of upload sessions: their parts, and how far they are."""

from collections.abc import Collection, Mapping, Sequence
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
    delete,
    extract,
    func,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.dml import ReturningInsert

from db.models import UploadPart, UploadSession
from db.rows import Source, equals
from db.session import ReadSession, WriteSession
from domain.uploads import SPEED_WINDOW_S, TAKES_CHUNKS, UploadStatus

PARTS = Source(
    UploadPart,
    {"session_id": equals("session_id"), "number": equals("number")},
    lambda row: [row.number],
)


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


_ADD = _adding()


async def numbers(session: ReadSession, ids: Sequence[UUID]) -> dict[UUID, list[int]]:
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


async def clear(session: WriteSession, id: UUID, number: int) -> None:
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


async def add(session: WriteSession, id: UUID, *, number: int, size: int, sha256: str) -> bool:
    """Record a stored part and count it. False, and no change, when the session is closed."""
    part = {"session": id, "part": number, "bytes": size, "digest": sha256}
    connection = await session.connection()
    return await connection.scalar(_ADD, part) is not None


async def note(
    session: WriteSession, id: UUID, sizes: Mapping[int, int], wrong: Collection[int]
) -> bool:
    """Record chunks that the store says it has; whether that is news.

    Only those that it has with a `wrong` size are forgotten: what it did not list may have come
    since.
    """
    rows = await session.execute(
        select(UploadPart.number, UploadPart.size).where(UploadPart.session_id == id)
    )
    known = {row.number: row.size for row in rows}
    new = {number: size for number, size in sizes.items() if number not in known}
    gone = [number for number in known if number in wrong]
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
