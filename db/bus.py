"""Waking whoever watches something, across processes, over LISTEN/NOTIFY.

A notification carries only a topic. It says "read again", never what changed, so nothing is
lost when several are folded into one, when a subscriber is slow, or when the connection
breaks: after a reconnect every subscriber is woken and reads its state anew.
"""

import asyncio
import contextlib
import logging
import random
from collections import defaultdict
from collections.abc import AsyncGenerator
from typing import Any, Protocol

import psycopg

log = logging.getLogger(__name__)

CHANNEL = "reelgraph"
KEEPALIVE: dict[str, Any] = {
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
}
_QUIET_S = 15
"""After this long without a notification the connection is tried."""
_FOLD_S = 0.05
"""Wakes of one topic within this time are sent as one."""


class Watcher(Protocol):
    """Is told that something it watches has changed. It must not take long."""

    def wake(self) -> None: ...


class Subscription:
    """One watcher's flag: set while there is something it has not read yet."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()

    def wake(self) -> None:
        self._changed.set()

    async def changed(self, *, not_before: float = 0) -> None:
        """Wait for a wake; return at the loop's time `not_before` at the earliest.

        All wakes that come in the meantime are folded into this one.
        """
        await self._changed.wait()
        delay = not_before - asyncio.get_running_loop().time()
        if delay > 0:
            await asyncio.sleep(delay)
        self._changed.clear()


class EventBus:
    """One listening connection per process, fanned out to any number of subscriptions."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._subscriptions: defaultdict[str, set[Watcher]] = defaultdict(set)
        self._soon: set[str] = set()
        self._soon_added = asyncio.Event()
        self._listening = asyncio.Event()
        self._tasks: list[asyncio.Task[None]] = []

    async def open(self) -> None:
        """Listen; raises `TimeoutError` when the database does not answer within 30 s."""
        self._tasks = [asyncio.create_task(self._listen()), asyncio.create_task(self._send())]
        async with asyncio.timeout(30):
            await self._listening.wait()

    async def close(self) -> None:
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)

    @contextlib.asynccontextmanager
    async def subscribe(self, *topics: str) -> AsyncGenerator[Subscription]:
        """Subscribe first and read afterwards, or a change in between is missed."""
        subscription = Subscription()
        self.watch(subscription, *topics)
        try:
            yield subscription
        finally:
            self.unwatch(subscription, *topics)

    def watch(self, watcher: Watcher, *topics: str) -> None:
        """Wake it whenever one of the topics is, until `unwatch`. Read afterwards."""
        for topic in topics:
            self._subscriptions[topic].add(watcher)

    def unwatch(self, watcher: Watcher, *topics: str) -> None:
        for topic in topics:
            self._subscriptions[topic].discard(watcher)
            if not self._subscriptions[topic]:
                del self._subscriptions[topic]

    def subscribers(self, topic: str) -> int:
        return len(self._subscriptions.get(topic, ()))

    def wake_soon(self, *topics: str) -> None:
        """Wake the watchers of frequent changes, such as progress. In an outage, after it.

        Changes of state are announced in their own transaction instead: `db.events.wake`.
        """
        self._soon.update(topics)
        self._soon_added.set()

    async def _send(self) -> None:
        while True:
            try:
                async with await self._connect() as connection:
                    await self._send_over(connection)
            except (psycopg.Error, OSError) as failure:
                log.warning("cannot wake subscribers: %s", failure)
            await asyncio.sleep(random.uniform(0.2, 1))  # noqa: S311  (jitter, not a secret)

    async def _send_over(self, connection: psycopg.AsyncConnection) -> None:
        while True:
            await self._soon_added.wait()
            await asyncio.sleep(_FOLD_S)
            self._soon_added.clear()
            topics, self._soon = sorted(self._soon), set()
            try:
                await connection.execute(
                    "select pg_notify(%s, topic) from unnest(%s::text[]) topic", (CHANNEL, topics)
                )
            except (psycopg.Error, OSError):
                self.wake_soon(*topics)  # over the next connection
                raise

    async def _listen(self) -> None:
        while True:
            try:
                async with await self._connect() as connection:
                    await connection.execute(f"listen {CHANNEL}")
                    self._wake_all()  # what was said before the LISTEN was not heard
                    self._listening.set()
                    await self._deliver(connection)
            except (psycopg.Error, OSError) as failure:
                log.warning("lost the event connection: %s", failure)
            await asyncio.sleep(random.uniform(0.2, 1))  # noqa: S311  (jitter, not a secret)

    async def _deliver(self, connection: psycopg.AsyncConnection) -> None:
        while True:
            async for notification in connection.notifies(timeout=_QUIET_S):
                for watcher in self._subscriptions.get(notification.payload, ()):
                    watcher.wake()
            await connection.execute("select 1")  # finds a half-open connection

    def _wake_all(self) -> None:
        for watchers in self._subscriptions.values():
            for watcher in watchers:
                watcher.wake()

    async def _connect(self) -> psycopg.AsyncConnection:
        return await psycopg.AsyncConnection.connect(
            self._conninfo, autocommit=True, connect_timeout=5, **KEEPALIVE
        )
