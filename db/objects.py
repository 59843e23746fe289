"""Content-addressed objects and how many videos refer to each."""

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import insert

from db.models import StoredObject
from db.session import ReadSession, WriteSession


async def refer(session: WriteSession, *, sha256: str, key: str, size: int) -> str:
    """Add a reference to these bytes, and return the key under which they are kept.

    It is another key than the one given when the same bytes were stored before; then the
    caller removes its own copy.
    """
    fresh = insert(StoredObject).values(sha256=sha256, key=key, size=size, references=1)
    kept = fresh.on_conflict_do_update(
        index_elements=[StoredObject.sha256],
        set_={"references": StoredObject.references + 1},
    )
    return (await session.scalars(kept.returning(StoredObject.key))).one()


async def is_kept(session: ReadSession, key: str) -> bool:
    """Whether an object row names this very key."""
    return await session.scalar(select(StoredObject.key).where(StoredObject.key == key)) is not None


async def key_of(session: ReadSession, sha256: str) -> str | None:
    return await session.scalar(select(StoredObject.key).where(StoredObject.sha256 == sha256))
