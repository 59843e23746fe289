"""Contents, each kept once, and how many accounts hold them."""

import asyncio

import pytest
from sqlalchemy import select

from db import objects
from db.models import Account, Content, StoredObject
from db.objects import NewObject
from db.session import Database
from resolvers.context import Services
from tests.support import factories

DIGEST = "ab" * 32


@pytest.fixture
def db(services: Services) -> Database:
    return services.db


async def somebody(db: Database) -> Account:
    return (await factories.owner(db)).account


async def hold(db: Database, account: Account, key: str, sha256: str = DIGEST) -> str:
    """Have the account hold these bytes, brought under this key; returns that of the content."""
    async with db.write() as session:
        content = await objects.store(session, sha256=sha256, key=key, size=7)
        await objects.hold(session, content, NewObject(account.id, None, "video/mp4"))
        return content.key


async def references(db: Database) -> list[tuple[str, int, int]]:
    async with db.read() as session:
        rows = await session.scalars(select(Content).order_by(Content.key))
        return [(row.key, row.size, row.references) for row in rows]


async def used(db: Database, account: Account) -> int:
    async with db.read() as session:
        return (await session.get_one(Account, account.id)).storage_used


async def test_new_bytes_are_kept_under_their_key(db: Database) -> None:
    account = await somebody(db)
    assert await hold(db, account, "first") == "first"
    assert await references(db) == [("first", 7, 1)]
    assert await used(db, account) == 7


async def test_the_same_bytes_again_are_kept_once(db: Database) -> None:
    await hold(db, await somebody(db), "first")
    assert await hold(db, await somebody(db), "second") == "first"
    assert await references(db) == [("first", 7, 2)]


async def test_an_account_holds_bytes_once(db: Database) -> None:
    account = await somebody(db)
    await hold(db, account, "first")
    assert await hold(db, account, "second") == "first"
    assert await references(db) == [("first", 7, 1)]
    assert await used(db, account) == 7


async def test_other_bytes_have_a_row_of_their_own(db: Database) -> None:
    account = await somebody(db)
    await hold(db, account, "first")
    assert await hold(db, account, "second", "cd" * 32) == "second"
    assert await references(db) == [("first", 7, 1), ("second", 7, 1)]
    assert await used(db, account) == 14


async def test_references_made_at_once_are_all_counted(db: Database) -> None:
    accounts = [await somebody(db) for _ in range(8)]
    keys = await asyncio.gather(
        *(hold(db, account, f"key {n}") for n, account in enumerate(accounts))
    )
    assert len(set(keys)) == 1
    assert await references(db) == [(keys[0], 7, 8)]


async def test_references_of_one_account_made_at_once_are_one(db: Database) -> None:
    account = await somebody(db)
    keys = await asyncio.gather(*(hold(db, account, f"key {n}") for n in range(8)))
    assert await references(db) == [(keys[0], 7, 1)]
    assert await used(db, account) == 7
    async with db.read() as session:
        (held,) = await session.scalars(select(StoredObject))
    assert held.account_id == account.id


async def test_only_the_key_of_the_row_is_kept(db: Database) -> None:
    await hold(db, await somebody(db), "first")
    await hold(db, await somebody(db), "second")
    async with db.read() as session:
        assert await objects.is_kept(session, "first")
        assert not await objects.is_kept(session, "second")
    async with db.write() as session:
        found = await objects.sound(session, sha256=DIGEST, size=7)
        assert found is not None
        assert found.key == "first"
        assert await objects.sound(session, sha256=DIGEST, size=8) is None
        assert await objects.sound(session, sha256="00" * 32, size=7) is None
