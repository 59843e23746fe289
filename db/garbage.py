"""What the store still has and nothing refers to any more. It is removed when it is due.

A row is added in the transaction that ends the last reference, or before an object is written
that gets its first reference later. Keys are never written twice, so what nothing refers to any
more does not come back to life.
"""

from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select
from sqlalchemy.dialects.postgresql import insert

from db.models import Garbage
from db.session import ReadSession, WriteSession

GRACE = timedelta(hours=1)
"""How long whoever began to read what is gone may still do so."""
STORED_WITHIN = timedelta(days=1)
"""What a run stores and does not keep by then is removed: the run was killed."""


async def add(session: WriteSession, keys: Collection[str], *, after: timedelta = GRACE) -> None:
    """Have these keys, and prefixes that end in `/`, removed after a while."""
    if keys:
        rows = [{"key": key, "due_at": func.now() + after} for key in keys]
        await session.execute(insert(Garbage).values(rows).on_conflict_do_nothing())


async def due(
    session: ReadSession, *, now: datetime, after: str = "", limit: int = 1_000
) -> list[str]:
    """What is due, in the order of the keys, from the one behind `after`."""
    rows = await session.scalars(
        select(Garbage.key)
        .where(Garbage.due_at <= now, Garbage.key > after)
        .order_by(Garbage.key)
        .limit(limit)
    )
    return list(rows)


async def announce(session: WriteSession, key: str) -> None:
    """Before a run stores anything there: it is removed, unless it is kept in time."""
    await add(session, [key], after=STORED_WITHIN)


async def keep(session: WriteSession, key: str) -> None:
    """Something refers from now on to what was announced.

    Raises `TimeoutError` when that is too late: it may be gone.
    """
    kept = await session.scalar(
        delete(Garbage)
        .where(Garbage.key == key, Garbage.due_at > func.now())
        .returning(Garbage.key)
    )
    if kept is None:
        raise TimeoutError(f"storing {key} took longer than {STORED_WITHIN}")


async def removed(session: WriteSession, keys: Collection[str]) -> None:
    await session.execute(delete(Garbage).where(Garbage.key.in_(keys)))


async def waiting(session: ReadSession) -> list[str]:
    """All keys and prefixes that are still to be removed."""
    return list(await session.scalars(select(Garbage.key)))
