"""What a read and a write session promise."""

import psycopg
import pytest
from sqlalchemy import func, select
from sqlalchemy.exc import DBAPIError

from db.models import Account
from db.session import Database, ReadSession, driver_connection
from resolvers.context import Services
from tests.support import factories, processes


class Stopped(Exception):
    """Something went wrong in the middle of a transaction."""


@pytest.fixture
def db(services: Services) -> Database:
    return services.db


def account(name: str) -> Account:
    return Account(user_id=name, name=name)


async def count(session: ReadSession) -> int | None:
    return await session.scalar(select(func.count()).select_from(Account))


async def test_a_read_session_refuses_to_write(db: Database) -> None:
    async with db.read() as session:
        session.add(account("refused"))
        with pytest.raises(DBAPIError) as failure:
            await session.flush()
        assert isinstance(failure.value.orig, psycopg.errors.ReadOnlySqlTransaction)
    async with db.read() as session:
        assert await count(session) == 0


async def test_a_read_session_sees_one_moment(db: Database) -> None:
    await factories.owner(db)
    async with db.read() as session:
        assert await count(session) == 1
        await factories.owner(db)
        assert await count(session) == 1
    async with db.read() as session:
        assert await count(session) == 2


async def test_a_write_session_commits_when_its_block_ends_well(db: Database) -> None:
    async with db.write() as session:
        session.add(account("kept"))
    async with db.read() as session:
        assert list(await session.scalars(select(Account.name))) == ["kept"]


async def test_an_exception_undoes_the_whole_block(db: Database) -> None:
    with pytest.raises(Stopped):
        await fail_after_two_writes(db)
    async with db.read() as session:
        assert await count(session) == 0


async def fail_after_two_writes(db: Database) -> None:
    async with db.write() as session:
        session.add(account("first"))
        await session.flush()
        session.add(account("second"))
        await session.flush()
        raise Stopped


async def test_a_connection_is_clean_after_an_exception(db: Database) -> None:
    """A pool of one gives the same connection again."""
    single = Database(db.conninfo, pool_size=1)
    try:
        with pytest.raises(Stopped):
            await fail_after_two_writes(single)
        async with single.read() as session:
            assert await count(session) == 0
        async with single.write() as session:
            session.add(account("written after a read"))
        async with single.read() as session:
            assert await count(session) == 1
    finally:
        await single.close()


async def test_rows_can_be_read_after_their_session(db: Database) -> None:
    owner = await factories.owner(db)
    async with db.read() as session:
        row = await session.get_one(Account, owner.account.id)
    assert row.name == "Test"


async def test_the_drivers_connection_is_in_the_same_transaction(db: Database) -> None:
    with pytest.raises(Stopped):
        await write_through_the_driver(db)
    async with db.read() as session:
        assert await count(session) == 0


async def write_through_the_driver(db: Database) -> None:
    async with db.write() as session:
        connection = await driver_connection(session)
        await connection.execute(
            "insert into account (id, user_id, name) values (gen_random_uuid(), 'x', 'x')"
        )
        assert await count(session) == 1
        raise Stopped


async def test_a_lost_connection_is_replaced(db: Database) -> None:
    single = Database(db.conninfo, pool_size=1)
    try:
        async with single.read() as session:
            pid = await session.scalar(select(func.pg_backend_pid()))
        async with db.write() as other:
            await other.execute(select(func.pg_terminate_backend(pid)))
        async with single.read() as session:
            assert await session.scalar(select(func.pg_backend_pid())) != pid
    finally:
        await single.close()


async def test_a_ping_finds_the_database(db: Database) -> None:
    await db.ping()


async def test_a_ping_says_when_there_is_no_database() -> None:
    nothing = Database(f"postgresql://nobody@127.0.0.1:{processes.free_port()}/none")
    with pytest.raises(ConnectionError, match="Connection refused"):
        await nothing.ping()
    await nothing.close()
