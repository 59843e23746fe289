"""What the reader's connections promise: how many there are, and what ends or blocks one."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import pytest
from psycopg import AsyncConnection

from db import videos
from db.reader import Reader
from db.rows import Asked, Rows
from resolvers.context import Services
from tests.support import factories
from tests.support.waiting import until

NAME = "test_reader"
"""By which PostgreSQL knows the connections of a test's own reader."""
SIZE = 4
VIDEOS = Rows.of(videos.VIDEOS)
TITLE = [Asked("title")]


READ_ONLY = "25006"
DIVISION_BY_ZERO = "22012"
UNDEFINED_COLUMN = "42703"
CANCELLED = "57014"


def failure_of(error: BaseException) -> str | None:
    """PostgreSQL's code, which drivers pass on."""
    return getattr(error, "sqlstate", None)


def named(url: str) -> str:
    return f"{url}{'&' if '?' in url else '?'}application_name={NAME}"


async def run(reader: Reader, text: str) -> None:
    await reader.text(text, [])


async def titles(reader: Reader) -> list[str]:
    [found] = await reader.rows(VIDEOS, TITLE)
    return [row[0] for row in found]


@dataclass
class Watch:
    """What PostgreSQL says of the reader's connections."""

    connection: AsyncConnection

    async def number(self, where: str = "true") -> int:
        text = f"select count(*) from pg_stat_activity where application_name = %s and {where}"
        row = await (await self.connection.execute(text.encode(), [NAME])).fetchone()
        assert row is not None
        return row[0]

    async def until(self, number: int, where: str = "true") -> None:
        async def found() -> bool:
            return await self.number(where) == number

        await until(found, timeout_s=10)

    async def until_waiting(self, number: int) -> None:
        """Until so many statements wait for a lock."""
        await self.until(number, "wait_event_type = 'Lock'")

    async def until_at_rest(self) -> None:
        await self.until(0, "state <> 'idle'")

    async def end_all(self) -> int:
        text = "select pg_terminate_backend(pid) from pg_stat_activity where application_name = %s"
        return (await self.connection.execute(text, [NAME])).rowcount

    @asynccontextmanager
    async def locked(self) -> AsyncGenerator[None]:
        """Nobody can read videos while the block lasts."""
        url = self.connection.info.dsn
        async with await AsyncConnection.connect(url) as other:
            await other.execute("lock table video in access exclusive mode")
            yield


@pytest.fixture
async def watch(services: Services) -> AsyncIterator[Watch]:
    url = services.db.conninfo
    async with await AsyncConnection.connect(url, autocommit=True) as connection:
        yield Watch(connection)


@pytest.fixture
async def reader(services: Services, watch: Watch) -> AsyncIterator[Reader]:
    """One that has not connected yet, on a database with one video."""
    owner = await factories.owner(services.db)
    await factories.video(services.db, owner.account, title="here")
    made = Reader(named(services.db.conninfo), size=SIZE)
    yield made
    await made.close()
    await watch.until(0)


async def fill(reader: Reader, watch: Watch) -> None:
    """Have the reader open every connection that it may open."""
    async with watch.locked():
        reads = [asyncio.create_task(titles(reader)) for _ in range(SIZE)]
        await watch.until_waiting(SIZE)
    await asyncio.gather(*reads)
    assert await watch.number() == SIZE


async def test_no_more_connections_are_open_than_the_pool_has(reader: Reader, watch: Watch) -> None:
    async with watch.locked():
        reads = [asyncio.create_task(titles(reader)) for _ in range(50)]
        await watch.until_waiting(SIZE)
        assert await watch.number() == SIZE
    assert await asyncio.gather(*reads) == [["here"]] * 50
    assert await watch.number() == SIZE


async def test_a_connection_is_used_again(reader: Reader, watch: Watch) -> None:
    assert await watch.number() == 0
    for _ in range(10):
        await titles(reader)
    assert await watch.number() == 1


async def test_lost_connections_are_replaced(reader: Reader, watch: Watch) -> None:
    await fill(reader, watch)
    assert await watch.end_all() == SIZE
    await watch.until(0)
    assert await titles(reader) == ["here"]
    assert await asyncio.gather(*(titles(reader) for _ in range(50))) == [["here"]] * 50
    assert 1 <= await watch.number() <= SIZE


async def test_one_lost_connection_is_replaced_by_one(reader: Reader, watch: Watch) -> None:
    await fill(reader, watch)
    last_used = await reader.text("select pg_backend_pid()", [])
    await watch.connection.execute("select pg_terminate_backend(%s)", [last_used])
    await watch.until(SIZE - 1)
    async with watch.locked():
        reads = [asyncio.create_task(titles(reader)) for _ in range(50)]
        await watch.until_waiting(SIZE)
        assert await watch.number() == SIZE
    assert await asyncio.gather(*reads) == [["here"]] * 50


async def test_many_reads_at_once_survive_that_all_connections_are_lost(
    reader: Reader, watch: Watch
) -> None:
    await fill(reader, watch)
    assert await watch.end_all() == SIZE
    await watch.until(0)
    assert await asyncio.gather(*(titles(reader) for _ in range(50))) == [["here"]] * 50
    assert 1 <= await watch.number() <= SIZE


async def test_a_connection_lost_while_it_reads_is_replaced(reader: Reader, watch: Watch) -> None:
    async with watch.locked():
        reads = [asyncio.create_task(titles(reader)) for _ in range(SIZE)]
        await watch.until_waiting(SIZE)
        assert await watch.end_all() == SIZE
    assert await asyncio.gather(*reads) == [["here"]] * SIZE
    assert await watch.number() <= SIZE


async def test_a_statement_that_ends_its_connection_is_not_run_for_ever(
    reader: Reader, watch: Watch
) -> None:
    with pytest.raises(Exception, match="connection"):
        await run(reader, "select pg_terminate_backend(pg_backend_pid())")
    assert await titles(reader) == ["here"]
    assert await watch.number() == 1


async def test_a_cancelled_read_stops_its_statement(reader: Reader, watch: Watch) -> None:
    async with watch.locked():
        read = asyncio.create_task(titles(reader))
        await watch.until_waiting(1)
        read.cancel()
        with pytest.raises(asyncio.CancelledError):
            await read
        await watch.until_at_rest()
        assert await watch.number() == 1
    assert await titles(reader) == ["here"]
    assert await watch.number() == 1


async def test_cancelled_reads_leave_the_pool_as_large_as_it_was(
    reader: Reader, watch: Watch
) -> None:
    async with watch.locked():
        reads = [asyncio.create_task(titles(reader)) for _ in range(50)]
        await watch.until_waiting(SIZE)
        for one in reads:
            one.cancel()
        ends = await asyncio.gather(*reads, return_exceptions=True)
        assert all(isinstance(end, asyncio.CancelledError) for end in ends)
        await watch.until_at_rest()
    await fill(reader, watch)


async def test_a_read_cancelled_twice_does_no_harm(reader: Reader, watch: Watch) -> None:
    """The second time while PostgreSQL is being asked to stop the statement."""
    async with watch.locked():
        read = asyncio.create_task(titles(reader))
        await watch.until_waiting(1)
        read.cancel()
        for _ in range(3):
            await asyncio.sleep(0)
        read.cancel()
        with pytest.raises(asyncio.CancelledError):
            await read
    for _ in range(2 * SIZE):
        assert await titles(reader) == ["here"]
    await fill(reader, watch)


async def test_a_read_cancelled_while_it_connects_leaves_no_connection(
    reader: Reader, watch: Watch
) -> None:
    read = asyncio.create_task(titles(reader))
    for _ in range(3):
        await asyncio.sleep(0)
    read.cancel()
    with pytest.raises(asyncio.CancelledError):
        await read
    await watch.until(0)
    await fill(reader, watch)


@pytest.mark.parametrize(
    ("text", "failure", "message"),
    [
        ("select 1 / 0", DIVISION_BY_ZERO, "division by zero"),
        ("select nonsense", UNDEFINED_COLUMN, "nonsense"),
        ("select pg_cancel_backend(pg_backend_pid()), pg_sleep(9)", CANCELLED, "cancel"),
    ],
    ids=["in a value", "in the statement", "cancelled from outside"],
)
async def test_an_error_of_a_statement_costs_no_connection(
    reader: Reader, watch: Watch, text: str, failure: str, message: str
) -> None:
    for _ in range(2 * SIZE):
        with pytest.raises(Exception, match=message) as error:
            await run(reader, text)
        assert failure_of(error.value) == failure
    assert await titles(reader) == ["here"]
    assert await watch.number() == 1


async def test_a_database_that_does_not_answer_costs_no_turn(services: Services) -> None:
    nowhere = Reader(services.db.conninfo.replace("/test?", "/nowhere?"), size=1)
    for _ in range(3):
        with pytest.raises(Exception, match="nowhere"):
            await run(nowhere, "select 1")


@pytest.mark.parametrize(
    "text", ["delete from video", "create table refused (id int)", "truncate task"]
)
async def test_writes_are_refused(reader: Reader, watch: Watch, text: str) -> None:
    with pytest.raises(Exception, match="read-only") as error:
        await run(reader, text)
    assert failure_of(error.value) == READ_ONLY
    assert await titles(reader) == ["here"]
    assert await watch.number() == 1


async def test_each_read_sees_what_was_committed_before_it(
    reader: Reader, services: Services
) -> None:
    assert await titles(reader) == ["here"]
    owner = await factories.owner(services.db)
    await factories.video(services.db, owner.account, title="there")
    assert sorted(await titles(reader)) == ["here", "there"]


async def test_a_closed_reader_has_no_connections(reader: Reader, watch: Watch) -> None:
    await fill(reader, watch)
    await reader.close()
    await watch.until(0)
    await reader.close()
