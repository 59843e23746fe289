"""Locks between processes, each of which has its own connection."""

import asyncio
from collections.abc import AsyncIterator

import psycopg
import pytest

from db.locks import Locks
from tests.support.waiting import until


@pytest.fixture
async def ours(database_url: str) -> AsyncIterator[Locks]:
    locks = Locks(database_url)
    yield locks
    await locks.close()


@pytest.fixture
async def theirs(database_url: str) -> AsyncIterator[Locks]:
    locks = Locks(database_url)
    yield locks
    await locks.close()


async def is_free(locks: Locks, name: str) -> bool:
    async with locks.hold(name) as got:
        return got


def held(database_url: str) -> int:
    with psycopg.connect(database_url) as connection:
        row = connection.execute(
            "select count(*) from pg_locks where locktype = 'advisory'"
        ).fetchone()
    return row[0] if row else 0


async def test_a_lock_is_one_holders(ours: Locks, theirs: Locks) -> None:
    async with ours.hold("a") as got:
        assert got
        assert [await is_free(one, "a") for one in (ours, theirs)] == [False, False]
        assert await is_free(theirs, "b")
    assert await is_free(theirs, "a")


async def test_a_lock_ends_with_its_process(ours: Locks, theirs: Locks) -> None:
    async with ours.hold("a"):
        await ours.close()  # as the kernel does it for a process that is killed
        await until(lambda: is_free(theirs, "a"))


async def test_a_lock_ends_with_a_failure(ours: Locks, theirs: Locks) -> None:
    with pytest.raises(ValueError, match="fault"):
        async with ours.hold("a"):
            raise ValueError("fault")
    assert await is_free(theirs, "a")


async def test_whoever_is_cancelled_leaves_no_lock(ours: Locks, database_url: str) -> None:
    before = held(database_url)

    async def take() -> None:
        async with ours.hold("a"):
            await asyncio.Event().wait()

    for turns in range(12):  # wherever it is by then
        task = asyncio.create_task(take())
        for _ in range(turns):
            await asyncio.sleep(0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert held(database_url) == before


async def test_a_broken_connection_is_made_anew(ours: Locks, wiper: psycopg.Connection) -> None:
    assert await is_free(ours, "a")
    assert ours._connection is not None
    wiper.execute("select pg_terminate_backend(%s)", [ours._connection.info.backend_pid])
    assert await is_free(ours, "a")
