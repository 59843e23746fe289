"""Statements about the bytes of upload sessions: their parts, and how far they are."""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, Final, cast
from uuid import UUID

from sqlalchemy import (
    CTE,
    BigInteger,
    BindParameter,
    ColumnElement,
    Integer,
    String,
    Table,
    Uuid,
    bindparam,
    delete,
    extract,
    func,
    literal,
    select,
    update,
)
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.sql.dml import ReturningInsert

from db.models import UploadPart, UploadSession, Video
from db.rows import Source, equals
from db.session import ReadSession, WriteSession
from domain.uploads import SPEED_WINDOW_S, TAKES_CHUNKS, UploadStatus
from domain.videos import VideoStatus, before

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


_SESSION: Final = cast("Table", UploadSession.__table__)
_VIDEO: Final = cast("Table", Video.__table__)


def _counting(session_id: ColumnElement[UUID], values: Mapping[str, Any]) -> CTE:
    """Change a session that takes bytes, whose video is UPLOADING with the first of them.

    The video's row is locked before the session's, as everywhere: so the one refers to the other.
    """
    waiting = select(_SESSION.c.video_id).where(
        _SESSION.c.id == session_id, _SESSION.c.status == UploadStatus.WAITING
    )
    begun = (
        update(_VIDEO)
        .where(
            _VIDEO.c.id == waiting.scalar_subquery(),
            _VIDEO.c.status.in_(before(VideoStatus.UPLOADING)),
        )
        .values(status=VideoStatus.UPLOADING)
        .returning(_VIDEO.c.id)
        .cte("begun")
    )
    after_it = select(func.count()).select_from(begun).scalar_subquery() >= 0
    return (
        update(_SESSION)
        .where(_SESSION.c.id == session_id, _SESSION.c.status.in_(TAKES_CHUNKS), after_it)
        .values(status=UploadStatus.UPLOADING, **values)
        .returning(_SESSION.c.id)
        .cte("counted")
    )


def _adding() -> ReturningInsert[int]:
    """One statement: parts come by the thousand, and each costs a round trip to PostgreSQL."""
    size: BindParameter[int] = bindparam("bytes", type_=BigInteger)
    values = {
        "received_chunks": _SESSION.c.received_chunks + 1,
        "received_bytes": _SESSION.c.received_bytes + size,
        **_heard(size),
    }
    counted = _counting(bindparam("session", type_=Uuid()), values)
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
    counted = _counting(literal(id, Uuid()), values)
    connection = await session.connection()
    return await connection.scalar(select(counted.c.id)) is not None
