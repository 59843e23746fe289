"""Workers that live, those that died, and what they serve."""

from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid4

import psycopg

from db import workers
from db.session import Database
from resolvers.context import Services

LANES = [(["intake"], 2), (["clip", "fetch"], 3)]


async def registered(db: Database, lanes: list[tuple[list[str], int]] = LANES) -> UUID:
    async with db.write() as session:
        return await workers.register(session, "here:1", lanes)


async def known(db: Database) -> tuple[int, dict[str, int]]:
    async with db.read() as session:
        return await workers.count(session), await workers.slots(session)


def grow_silent(wiper: psycopg.Connection, id: UUID, seconds: int) -> None:
    wiper.execute(
        "update worker set heard_at = now() - make_interval(secs => %s) where id = %s",
        [seconds, id],
    )


async def test_the_slots_of_all_workers_count_for_each_queue_they_serve(services: Services) -> None:
    await registered(services.db)
    await registered(services.db, [(["clip"], 4)])
    assert await known(services.db) == (2, {"intake": 2, "clip": 7, "fetch": 3})


async def test_a_worker_that_leaves_takes_its_slots_along(services: Services) -> None:
    id = await registered(services.db)
    for _ in range(2):
        async with services.db.write() as session:
            await workers.leave(session, id)
        assert await known(services.db) == (0, {})


async def test_a_worker_that_falls_silent_does_not_count_until_it_is_heard_again(
    services: Services, wiper: psycopg.Connection
) -> None:
    id = await registered(services.db)
    alive = await known(services.db)
    grow_silent(wiper, id, 16)
    assert await known(services.db) == (0, {})
    async with services.db.write() as session:
        assert await workers.beat(session, id)
    assert await known(services.db) == alive
    grow_silent(wiper, id, 14)
    assert await known(services.db) == alive


async def test_the_dead_are_forgotten_and_hear_of_it(
    services: Services, wiper: psycopg.Connection
) -> None:
    dead, alive = await registered(services.db), await registered(services.db)
    grow_silent(wiper, dead, 4_000)
    before = datetime.now(UTC) - timedelta(hours=1)
    async with services.db.write() as session:
        assert await workers.forget(session, before) == 1
    async with services.db.write() as session:
        assert not await workers.beat(session, dead)
        assert await workers.beat(session, alive)
        assert not await workers.beat(session, uuid4())
    (lanes,) = wiper.execute("select count(*) from worker_lane").fetchone() or (None,)
    assert lanes == len(LANES)
