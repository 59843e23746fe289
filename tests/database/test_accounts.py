"""The first account of an installation, its keys, and the secret under signed links."""

import asyncio
from collections.abc import AsyncIterator
from datetime import UTC, datetime

import pytest
from sqlalchemy import func, select, update

from db import accounts, migrate
from db.embedded import EmbeddedPostgres
from db.models import Account, ApiKey, SigningSecret
from db.session import Database
from domain.accounts import Viewer, digest
from resolvers.accounts import create_owner
from resolvers.context import Services
from tests.support import factories, postgres

AT_ONCE = 20


@pytest.fixture
async def fresh(postgres_server: EmbeddedPostgres) -> AsyncIterator[Database]:
    """A database that nobody has used yet, with room for all callers at once."""
    url = postgres.create_database(postgres_server, "accounts")
    migrate.upgrade(url)
    db = Database(url, pool_size=AT_ONCE)
    yield db
    await db.close()


async def viewer_of(db: Database, api_key: str) -> Viewer | None:
    async with db.read() as session:
        return await accounts.viewer_of(session, api_key)


async def test_only_one_of_many_first_starts_makes_the_owner(fresh: Database) -> None:
    keys = await asyncio.gather(*(create_owner(fresh) for _ in range(AT_ONCE)))
    (key,) = [key for key in keys if key is not None]
    async with fresh.read() as session:
        (owner,) = await session.scalars(select(Account))
        (api_key,) = await session.scalars(select(ApiKey))
    assert (owner.user_id, owner.name) == ("owner", "Owner")
    assert await viewer_of(fresh, key) == Viewer(owner.id, api_key.id)


async def test_an_installation_with_an_account_gets_no_owner(services: Services) -> None:
    await factories.owner(services.db)
    assert await create_owner(services.db) is None
    async with services.db.read() as session:
        assert await session.scalar(select(func.count()).select_from(Account)) == 1


async def test_all_processes_sign_with_the_same_secret(fresh: Database) -> None:
    async def secret() -> bytes:
        async with fresh.write() as session:
            return await accounts.signing_secret(session)

    secrets = await asyncio.gather(*(secret() for _ in range(AT_ONCE)))
    assert len(set(secrets)) == 1
    assert len(secrets[0]) == 32
    async with fresh.read() as session:
        assert list(await session.scalars(select(SigningSecret.secret))) == [secrets[0]]


async def test_only_the_digest_of_a_key_is_stored(
    services: Services, owner: factories.Owner
) -> None:
    async with services.db.read() as session:
        row = (await session.scalars(select(ApiKey))).one()
    assert row.digest == digest(owner.api_key)
    assert row.prefix == owner.api_key[:9]


async def test_a_key_stands_for_its_account(services: Services, owner: factories.Owner) -> None:
    viewer = await viewer_of(services.db, owner.api_key)
    assert viewer is not None
    assert viewer.account_id == owner.account.id


async def test_an_unknown_key_stands_for_nobody(services: Services, owner: factories.Owner) -> None:
    for key in (owner.api_key[:-1], owner.api_key.upper(), "", "rg_"):
        assert await viewer_of(services.db, key) is None


async def test_a_revoked_key_stands_for_nobody(services: Services, owner: factories.Owner) -> None:
    async with services.db.write() as session:
        await session.execute(update(ApiKey).values(revoked_at=datetime.now(UTC)))
    assert await viewer_of(services.db, owner.api_key) is None
