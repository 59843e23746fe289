"""Waking subscribers over LISTEN and NOTIFY, also when the connection breaks."""

import asyncio
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager

import psycopg
import pytest

from db.bus import CHANNEL, EventBus, Subscription
from tests.support.waiting import until

NAME = "bus-under-test"
MEASURED_S = 0.3


@pytest.fixture
def url(database_url: str) -> str:
    """Under which the connections of the bus can be told from all others."""
    return f"{database_url}{'&' if '?' in database_url else '?'}application_name={NAME}"


@pytest.fixture
async def bus(url: str) -> AsyncIterator[EventBus]:
    one = EventBus(url)
    await one.open()
    yield one
    await one.close()


@pytest.fixture
async def sender(database_url: str) -> AsyncIterator[psycopg.AsyncConnection]:
    async with await psycopg.AsyncConnection.connect(database_url, autocommit=True) as one:
        yield one


async def notify(sender: psycopg.AsyncConnection, topic: str) -> None:
    await sender.execute("select pg_notify(%s, %s)", [CHANNEL, topic])


async def end_connections(sender: psycopg.AsyncConnection, query_like: str) -> list[int]:
    """End the connections whose last query was such; returns their process ids."""
    rows = await sender.execute(
        "select pid, pg_terminate_backend(pid) from pg_stat_activity"
        " where application_name = %s and query ilike %s",
        [NAME, query_like],
    )
    return [pid for pid, _ in await rows.fetchall()]


async def woken(subscription: Subscription) -> None:
    async with asyncio.timeout(5):
        await subscription.changed()


async def is_quiet(sender: psycopg.AsyncConnection, bus: EventBus, one: Subscription) -> bool:
    """Whether nothing woke the subscription, once a later notification has arrived."""
    async with bus.subscribe("marker") as marker:
        await notify(sender, "marker")
        await woken(marker)
    return not one._changed.is_set()


async def test_a_notification_wakes_the_watchers_of_its_topic(
    bus: EventBus, sender: psycopg.AsyncConnection
) -> None:
    async with bus.subscribe("a") as first, bus.subscribe("b", "a") as second:
        await notify(sender, "a")
        await woken(first)
        await woken(second)


async def test_nobody_else_is_woken(bus: EventBus, sender: psycopg.AsyncConnection) -> None:
    async with bus.subscribe("a") as other:
        await notify(sender, "b")
        assert await is_quiet(sender, bus, other)


async def test_wakes_before_a_look_are_one(bus: EventBus, sender: psycopg.AsyncConnection) -> None:
    async with bus.subscribe("a") as subscription:
        for _ in range(5):
            await notify(sender, "a")
        await is_quiet(sender, bus, subscription)  # all five have arrived
        await woken(subscription)
        assert await is_quiet(sender, bus, subscription)


async def test_a_watcher_can_ask_not_to_be_woken_too_soon(
    bus: EventBus, sender: psycopg.AsyncConnection
) -> None:
    loop = asyncio.get_running_loop()
    async with bus.subscribe("a") as subscription:
        not_before = loop.time() + MEASURED_S
        waiting = asyncio.create_task(subscription.changed(not_before=not_before))
        await notify(sender, "a")
        await is_quiet(sender, bus, subscription)
        await notify(sender, "a")
        await waiting
        assert loop.time() >= not_before
        assert await is_quiet(sender, bus, subscription)  # both were folded into one


async def test_after_a_lost_connection_every_watcher_is_woken(
    bus: EventBus, sender: psycopg.AsyncConnection, caplog: pytest.LogCaptureFixture
) -> None:
    async with bus.subscribe("a") as first, bus.subscribe("b") as second:
        with caplog.at_level(logging.WARNING, "db.bus"):
            (pid,) = await end_connections(sender, "listen %")
            await woken(first)
            await woken(second)
        assert "lost the event connection" in caplog.text
        await notify(sender, "a")
        await woken(first)
        assert pid not in await pids(sender)


async def pids(sender: psycopg.AsyncConnection, name: str = NAME) -> list[int]:
    rows = await sender.execute(
        "select pid from pg_stat_activity where application_name = %s", [name]
    )
    return [pid for (pid,) in await rows.fetchall()]


async def test_a_wake_soon_reaches_other_processes(url: str, bus: EventBus) -> None:
    other = EventBus(url)
    await other.open()
    async with other.subscribe("a") as one, other.subscribe("b") as two:
        bus.wake_soon("a", "b")
        await woken(one)
        await woken(two)
    await other.close()


async def test_frequent_wakes_are_sent_as_one(
    bus: EventBus, sender: psycopg.AsyncConnection
) -> None:
    async with listening(bus._conninfo) as heard:
        for _ in range(100):
            bus.wake_soon("a")

        async def arrived() -> bool:
            return "a" in heard

        await until(arrived, timeout_s=5)
        await notify(sender, "marker")

        async def marked() -> bool:
            return "marker" in heard

        await until(marked, timeout_s=5)
        assert heard == ["a", "marker"]


@asynccontextmanager
async def listening(url: str) -> AsyncGenerator[list[str]]:
    """What is said on the channel from now on."""
    heard: list[str] = []
    async with await psycopg.AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(f"listen {CHANNEL}")

        async def collect() -> None:
            async for notification in connection.notifies():
                heard.extend([notification.payload])  # seen by the caller at once

        collecting = asyncio.create_task(collect())
        try:
            yield heard
        finally:
            collecting.cancel()
            await asyncio.wait([collecting])


async def test_what_was_asked_during_an_outage_is_sent_after_it(
    bus: EventBus, sender: psycopg.AsyncConnection
) -> None:
    async with bus.subscribe("a", "b") as subscription:
        bus.wake_soon("a")
        await woken(subscription)
        await end_connections(sender, "%unnest%")
        bus.wake_soon("b")
        await woken(subscription)


async def test_nothing_is_kept_of_a_watcher_who_left(bus: EventBus) -> None:
    async with bus.subscribe("a", "b"), bus.subscribe("a"):
        assert (bus.subscribers("a"), bus.subscribers("b")) == (2, 1)
    assert (bus.subscribers("a"), bus.subscribers("b")) == (0, 0)
    assert dict(bus._subscriptions) == {}


async def test_a_watcher_who_is_cancelled_leaves(bus: EventBus) -> None:
    inside = asyncio.Event()

    async def watch() -> None:
        async with bus.subscribe("a") as subscription:
            inside.set()
            await subscription.changed()

    watching = asyncio.create_task(watch())
    await inside.wait()
    watching.cancel()
    await asyncio.wait([watching])
    assert bus.subscribers("a") == 0


async def test_a_closed_bus_holds_no_connection(url: str, sender: psycopg.AsyncConnection) -> None:
    name = "bus-to-close"
    one = EventBus(url.replace(NAME, name))
    await one.open()

    async def holds_both() -> bool:
        return len(await pids(sender, name)) == 2

    async def holds_none() -> bool:
        return await pids(sender, name) == []

    await until(holds_both, timeout_s=5)
    await one.close()
    await until(holds_none, timeout_s=5)
