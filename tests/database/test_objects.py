"""How often stored bytes are referred to."""

import asyncio

import pytest
from sqlalchemy import select

from db import objects
from db.models import StoredObject
from db.session import Database
from resolvers.context import Services

DIGEST = "ab" * 32


@pytest.fixture
def db(services: Services) -> Database:
    return services.db


async def refer(db: Database, key: str, sha256: str = DIGEST) -> str:
    async with db.write() as session:
        return await objects.refer(session, sha256=sha256, key=key, size=7)


async def references(db: Database) -> list[tuple[str, int, int]]:
    async with db.read() as session:
        rows = await session.scalars(select(StoredObject).order_by(StoredObject.key))
        return [(row.key, row.size, row.references) for row in rows]


async def test_new_bytes_are_kept_under_their_key(db: Database) -> None:
    assert await refer(db, "first") == "first"
    assert await references(db) == [("first", 7, 1)]


async def test_the_same_bytes_again_are_kept_once(db: Database) -> None:
    await refer(db, "first")
    assert await refer(db, "second") == "first"
    assert await references(db) == [("first", 7, 2)]


async def test_other_bytes_have_a_row_of_their_own(db: Database) -> None:
    await refer(db, "first")
    assert await refer(db, "second", "cd" * 32) == "second"
    assert await references(db) == [("first", 7, 1), ("second", 7, 1)]


async def test_references_made_at_once_are_all_counted(db: Database) -> None:
    keys = await asyncio.gather(*(refer(db, f"key {n}") for n in range(8)))
    assert len(set(keys)) == 1
    assert await references(db) == [(keys[0], 7, 8)]


async def test_only_the_key_of_the_row_is_kept(db: Database) -> None:
    await refer(db, "first")
    await refer(db, "second")
    async with db.read() as session:
        assert await objects.is_kept(session, "first")
        assert not await objects.is_kept(session, "second")
        assert await objects.key_of(session, DIGEST) == "first"
        assert await objects.key_of(session, "00" * 32) is None
