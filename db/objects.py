"""Contents, who holds them, and what becomes of those that nobody holds any more.

A content's row is locked before its references change, so a delete and an instant upload of
the same bytes come one after the other. Whoever locks the account's row, too, does so first.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from db import accounts, garbage
from db.models import Account, Content, StoredObject, Video
from db.paging import Order
from db.rows import Source, equals
from db.session import ReadSession, WriteSession
from domain.videos import new_vid

OBJECTS = Source(
    StoredObject,
    {
        "account_id": equals("account_id"),
        "id": equals("id"),
        "storage_id": equals("storage_id"),
    },
)
NEWEST_FIRST = Order("created_at")


@dataclass(frozen=True, slots=True)
class NewObject:
    """A file of an account: what it is called, and of which type it says it is."""

    account_id: UUID
    file_name: str | None
    content_type: str


async def store(
    session: WriteSession, *, sha256: str, key: str, size: int, source: dict[str, Any] | None = None
) -> Content:
    """The content with this digest, locked; made with this key unless there is a sound one.

    Its key is another than the one given when the same bytes were stored before; then the
    caller removes its own copy. A damaged copy is replaced by the caller's.
    """
    fresh = insert(Content).values(sha256=sha256, key=key, size=size, references=0, source=source)
    kept = fresh.on_conflict_do_update(
        index_elements=[Content.sha256],
        set_={"source": func.coalesce(Content.source, fresh.excluded.source)},
    )
    content = (
        await session.scalars(
            kept.returning(Content), execution_options={"populate_existing": True}
        )
    ).one()
    if content.damaged_at is not None:
        await garbage.add(session, [content.key])
        content.key, content.damaged_at = key, None
        content.checked_at = func.now()
        await session.flush()
    return content


async def sound(session: WriteSession, *, sha256: str, size: int) -> Content | None:
    """The content with this digest and size, locked; None also when it is known to be damaged."""
    return await session.scalar(
        select(Content)
        .where(Content.sha256 == sha256, Content.size == size, Content.damaged_at.is_(None))
        .with_for_update()
    )


async def hold(
    session: WriteSession, content: Content, new: NewObject, *, kept: bool = False
) -> StoredObject:
    """The account's hold on a locked content: the one it has, or a new one.

    With `kept` it stays when the videos of these bytes go, whatever it was made for.
    """
    fresh = insert(StoredObject).values(
        storage_id=new_vid(),
        account_id=new.account_id,
        content_id=content.id,
        sha256=content.sha256,
        file_size=content.size,
        file_name=new.file_name,
        content_type=new.content_type,
        kept=kept,
    )
    held = await session.scalar(fresh.on_conflict_do_nothing().returning(StoredObject))
    if held is None:
        mine = (StoredObject.account_id == new.account_id, StoredObject.content_id == content.id)
        held = (await session.scalars(select(StoredObject).where(*mine))).one()
        if kept:
            await keep(session, held)
        return held
    await _count(session, new.account_id, content, 1)
    return held


async def keep(session: WriteSession, held: StoredObject) -> None:
    """The account's row is locked, so nobody gives up its holds meanwhile."""
    held.kept = True
    await session.flush()


@dataclass(frozen=True, slots=True)
class Released:
    """What ended: the account's holds, and the contents that nobody holds any more."""

    ids: list[UUID]
    contents: list[Content]


async def release(session: WriteSession, account_id: UUID, ids: Sequence[UUID]) -> Released:
    """Give up the account's holds, but for those that a video needs.

    The caller makes garbage of the contents' keys in the same transaction.
    """
    await accounts.lock(session, account_id)  # before contents, as everybody does
    mine = (StoredObject.id.in_(ids), StoredObject.account_id == account_id)
    contents = await session.scalars(
        select(Content)
        .where(Content.id.in_(select(StoredObject.content_id).where(*mine)))
        .order_by(Content.id)
        .with_for_update()
    )
    by_id = {content.id: content for content in contents}
    needed = select(Video.id).where(
        Video.account_id == account_id, Video.content_id == StoredObject.content_id
    )
    gone = await session.execute(
        delete(StoredObject)
        .where(*mine, ~needed.exists())
        .returning(StoredObject.id, StoredObject.content_id)
    )
    released: list[UUID] = []
    for id, content_id in gone.all():
        await _count(session, account_id, by_id[content_id], -1)
        released.append(id)
    orphans = [one for one in by_id.values() if one.references == 0]
    for one in orphans:
        await session.delete(one)
    await session.flush()
    return Released(released, orphans)


async def _count(session: WriteSession, account_id: UUID, content: Content, step: int) -> None:
    content.references += step
    await session.execute(
        update(Account)
        .where(Account.id == account_id)
        .values(storage_used=Account.storage_used + step * content.size)
    )
    await session.flush()


async def of_account(
    session: ReadSession, account_id: UUID, ids: Collection[UUID]
) -> dict[UUID, StoredObject]:
    rows = await session.scalars(
        select(StoredObject).where(StoredObject.id.in_(ids), StoredObject.account_id == account_id)
    )
    return {row.id: row for row in rows}


async def by_storage_id(
    session: ReadSession, account_id: UUID, storage_id: str
) -> StoredObject | None:
    return await session.scalar(
        select(StoredObject).where(
            StoredObject.storage_id == storage_id, StoredObject.account_id == account_id
        )
    )


async def content(session: ReadSession, id: UUID) -> Content | None:
    return await session.get(Content, id)


async def lock(session: WriteSession, id: UUID) -> Content | None:
    return await session.scalar(select(Content).where(Content.id == id).with_for_update())


async def lock_all(session: WriteSession, ids: Collection[UUID]) -> None:
    """Nobody changes what refers to these contents in this transaction."""
    await session.execute(
        select(Content.id).where(Content.id.in_(ids)).order_by(Content.id).with_for_update()
    )


async def holds(session: ReadSession, account_id: UUID, sha256: str | None) -> bool:
    """Whether the account has these bytes already, so that having them again costs nothing."""
    mine = select(StoredObject.id).where(
        StoredObject.account_id == account_id, StoredObject.sha256 == sha256
    )
    return await session.scalar(mine.limit(1)) is not None


async def is_kept(session: ReadSession, key: str) -> bool:
    """Whether a content's row names this very key."""
    return await session.scalar(select(Content.id).where(Content.key == key)) is not None


async def probed(session: WriteSession, id: UUID, source: dict[str, Any]) -> None:
    """Note what probing found, for the next video of the same bytes."""
    await session.execute(update(Content).where(Content.id == id).values(source=source))


async def least_lately_checked(
    session: ReadSession, *, before: datetime, limit: int
) -> list[Content]:
    """Sound contents that nobody looked at since `before`, the longest first."""
    rows = await session.scalars(
        select(Content)
        .where(Content.checked_at < before, Content.damaged_at.is_(None))
        .order_by(Content.checked_at)
        .limit(limit)
    )
    return list(rows)


async def checked(session: WriteSession, content: Content, *, is_sound: bool) -> None:
    """Note that the bytes under this key were read, and whether they have the digest."""
    damaged_at = None if is_sound else func.now()
    await session.execute(
        update(Content)
        .where(Content.id == content.id, Content.key == content.key)
        .values(checked_at=func.now(), damaged_at=damaged_at)
    )
