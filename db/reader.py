"""Reading for the API: one statement at a time, each of one moment, on connections of its own.

SQLAlchemy's session costs several times what a small statement costs PostgreSQL to run. The
statements are built with it (db/rows.py), once each; here they go straight to the driver.
"""

import asyncio
from collections import OrderedDict, deque
from collections.abc import Callable, Collection, Sequence
from typing import Any, Final
from uuid import UUID

import asyncpg  # pyright: ignore[reportMissingTypeStubs]

from db import rows
from db.paging import Page
from db.rows import KEYS, Asked, Rows

Row = tuple[Any, ...]
Keys = Sequence[UUID | None]
Connection = Any  # asyncpg has no types
PreparedStatement = Any

_SETTINGS: Final = {"default_transaction_read_only": "on", "timezone": "UTC", "jit": "off"}
_PREPARED: Final = 200
"""Statements that each connection keeps prepared; the least used one makes room."""
_LOST: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.InternalClientError,
)
"""What says that a connection is lost, also before its end has been read: PostgreSQL's last words
may come alone, and leave the driver in a state from which nothing can be asked."""


class Reader:
    """A pool of connections that only read. `conninfo` is a libpq URL."""

    def __init__(self, conninfo: str, *, size: int = 10) -> None:
        self.conninfo = conninfo
        self.on_statement: Callable[[str], None] | None = None
        """Is told the text of every statement, for those who count or trace them."""
        self._free: deque[_Lane] = deque()
        self._is_closed = False
        self._turns = asyncio.Semaphore(size)

    async def rows(
        self, wanted: Rows, columns: Sequence[Asked], keys: Keys | None = None
    ) -> list[list[Row]]:
        """The rows of each parent, in the order of `keys`; of one list when there are none.

        Each row begins with the columns asked for. Raises `BadCursor`.
        """
        if keys is not None and not _distinct(keys):
            return [[] for _ in keys]
        statement = rows.reading(wanted.shape, tuple(columns))
        found = await self._run(statement.sql, statement.arguments(_values(wanted, keys)))
        return [found] if keys is None else _grouped(found, keys)

    async def pages(
        self, wanted: Rows, columns: Sequence[Asked], keys: Keys | None = None
    ) -> list[Page]:
        """The page of each parent. `wanted` has a window."""
        window = wanted.window
        if window is None:
            raise ValueError("a page needs a window")
        found = await self.rows(wanted, columns, keys)
        ahead = window.cursor is not None or window.offset > 0
        pages: list[Page] = []
        for one in found:
            more, kept = len(one) > window.size, one[: window.size]
            if window.backwards:
                pages.append(Page(kept[::-1], has_next=ahead, has_previous=more))
            else:
                pages.append(Page(kept, has_next=more, has_previous=ahead))
        return pages

    async def counts(self, wanted: Rows, keys: Keys | None = None) -> list[int]:
        """How many rows there are in each parent's whole list, whatever the window."""
        values = dict(wanted.params) | _asked_keys(keys)
        statement = rows.counting(wanted.shape)
        found = await self._run(statement.sql, statement.arguments(values))
        if keys is None:
            return [found[0][0]]
        counts = {key: count for count, key in found}
        return [counts.get(key, 0) for key in keys]

    async def text(self, sql: str, arguments: list[Any]) -> bytes | None:
        """The one value of a statement that builds a text."""
        return (await self._run(sql, arguments))[0][0]

    async def close(self) -> None:
        """What is being read meanwhile comes to its end; nothing is kept after it."""
        self._is_closed = True
        while self._free:
            await self._free.pop().close()

    async def _run(self, sql: str, arguments: list[Any]) -> list[Row]:
        if self.on_statement:
            self.on_statement(sql)
        async with self._turns:
            lane = self._free.pop() if self._free else await self._connect()
            try:
                return await self._run_on(lane, sql, arguments)
            except (OSError, asyncpg.InterfaceError, *_LOST):
                if not lane.is_closed:
                    raise
            # The connection had been lost since its last use: all others may be, too.
            while self._free:
                self._free.pop().abandon()
            return await self._run_on(await self._connect(), sql, arguments)

    async def _run_on(self, lane: "_Lane", sql: str, arguments: list[Any]) -> list[Row]:
        """Run it; the connection is free again afterwards, unless it broke.

        Cancelled, it has PostgreSQL stop the statement.
        """
        try:
            return await lane.fetch(sql, arguments)
        finally:
            if self._is_closed:
                lane.abandon()
            elif not lane.is_closed:
                self._free.append(lane)  # the last one used is the next: it is the warmest

    async def _connect(self) -> "_Lane":
        connection = await asyncpg.connect(self.conninfo, server_settings=_SETTINGS)  # pyright: ignore[reportUnknownMemberType, reportUnknownVariableType]
        return _Lane(connection)


class _Lane:
    """A connection and the statements that it keeps prepared, by their text.

    asyncpg has a pool and a cache of its own. Taking a connection from that pool, resetting it
    and looking a statement up costs twice what running a small statement does.
    """

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._prepared: OrderedDict[str, PreparedStatement] = OrderedDict()

    @property
    def is_closed(self) -> bool:
        return self._connection.is_closed()

    async def fetch(self, sql: str, arguments: list[Any]) -> list[Row]:
        try:
            return await self._fetch(sql, arguments)
        except asyncpg.InvalidCachedStatementError:  # a migration changed a table under it
            self._prepared.clear()
            return await self._fetch(sql, arguments)
        except _LOST:
            self.abandon()
            raise

    async def _fetch(self, sql: str, arguments: list[Any]) -> list[Row]:
        statement = self._prepared.get(sql)
        if statement is None:
            statement = await self._prepare(sql)
        else:
            self._prepared.move_to_end(sql)
        return await statement.fetch(*arguments)

    async def _prepare(self, sql: str) -> PreparedStatement:
        statement = self._prepared[sql] = await self._connection.prepare(sql)
        if len(self._prepared) > _PREPARED:
            self._prepared.popitem(last=False)
        return statement

    async def close(self) -> None:
        await self._connection.close()

    def abandon(self) -> None:
        """Close it without a word to PostgreSQL, which may be gone."""
        self._connection.terminate()


def _values(wanted: Rows, keys: Keys | None) -> dict[str, Any]:
    return wanted.values() | _asked_keys(keys)


def _asked_keys(keys: Keys | None) -> dict[str, Any]:
    return {} if keys is None else {KEYS: list(_distinct(keys))}


def _distinct(keys: Keys) -> Collection[UUID]:
    return dict.fromkeys(key for key in keys if key is not None)


def _grouped(found: list[Row], keys: Keys) -> list[list[Row]]:
    groups: dict[UUID | None, list[Row]] = {}
    for row in found:
        groups.setdefault(row[-1], []).append(row)
    return [groups.get(key, []) for key in keys]
