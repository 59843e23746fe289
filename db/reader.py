"""Reading for the API: one statement at a time, each of one moment, on connections of its own.

SQLAlchemy's session costs several times what a small statement costs PostgreSQL to run. The
statements are built with it (db/rows.py), once each; here they go straight to the driver.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Final
from uuid import UUID

import psycopg
from psycopg import AsyncConnection, AsyncRawCursor

from db import rows
from db.paging import Page
from db.rows import KEYS, Asked, Rows, Statement

Row = tuple[Any, ...]
Keys = Sequence[UUID | None]
Cursor = AsyncRawCursor[Row]

_OPTIONS: Final = "-c default_transaction_read_only=on -c timezone=UTC -c jit=off"
_PREPARED: Final = 200
"""Statements that each connection keeps prepared; the least used one makes room."""


class Reader:
    """A pool of connections that only read. `conninfo` is a libpq URL."""

    def __init__(self, conninfo: str, *, size: int = 10) -> None:
        self.conninfo = conninfo
        self.on_statement: Callable[[str], None] | None = None
        """Is told the text of every statement, for those who count or trace them."""
        self._free: deque[Cursor] = deque()
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
        found = await self._fetch(statement, _values(wanted, keys))
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
        values = dict(wanted.params_sent) | _asked_keys(keys)
        found = await self._fetch(rows.counting(wanted.shape), values)
        if keys is None:
            return [found[0][0]]
        counts = {key: count for count, key in found}
        return [counts.get(key, 0) for key in keys]

    async def text(self, statement: Statement, values: Mapping[str, Any]) -> bytes | None:
        """The one value of a statement that builds a text."""
        return (await self._fetch(statement, values))[0][0]

    async def close(self) -> None:
        while self._free:
            await self._free.pop().connection.close()

    async def _fetch(self, statement: Statement, values: Mapping[str, Any]) -> list[Row]:
        if self.on_statement:
            self.on_statement(statement.sql)
        arguments = statement.arguments(values)
        async with self._turns:
            cursor = self._free.pop() if self._free else await self._connect()
            try:
                return await self._run(cursor, statement.sql, arguments)
            except psycopg.OperationalError:
                if not cursor.connection.closed:
                    raise
            # The connection had been lost since its last use: all others may be, too.
            await self.close()
            return await self._run(await self._connect(), statement.sql, arguments)

    async def _run(self, cursor: Cursor, sql: str, arguments: list[Any]) -> list[Row]:
        """Run it; the connection is free again afterwards, unless it broke.

        Cancelled, it has PostgreSQL stop the statement.
        """
        try:
            await cursor.execute(sql.encode(), arguments, prepare=True, binary=True)
            return await cursor.fetchall()
        finally:
            if not cursor.connection.closed:
                self._free.append(cursor)

    async def _connect(self) -> Cursor:
        connection = await AsyncConnection.connect(self.conninfo, autocommit=True, options=_OPTIONS)
        connection.prepared_max = _PREPARED
        return AsyncRawCursor(connection)


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
