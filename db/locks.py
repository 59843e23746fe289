"""Locks between all processes: who holds one is alone with what it names.

They are PostgreSQL's advisory locks on one connection per process, so they end with the
process, also with `kill -9`, and holding one costs no connection of a pool.
"""

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from typing import LiteralString

import psycopg
from psycopg import AsyncConnection

from db.bus import KEEPALIVE

ANSWER_S = 5


class Locks:
    """`conninfo` is a libpq URL."""

    def __init__(self, conninfo: str) -> None:
        self._conninfo = conninfo
        self._connection: AsyncConnection | None = None
        self._turn = asyncio.Lock()
        self._held: set[str] = set()

    @asynccontextmanager
    async def hold(self, name: str) -> AsyncGenerator[bool]:
        """Whether the lock is ours until the block ends; False, at once, if it is another's."""
        if name in self._held:  # to PostgreSQL, one process's holders are one
            yield False
            return
        self._held.add(name)
        try:
            got = await self._take(name)
            try:
                yield got
            finally:
                if got:
                    await asyncio.shield(self._release(name))
        finally:
            self._held.discard(name)

    async def _take(self, name: str) -> bool:
        """Whoever is cancelled here does not leave with a lock that nobody knows of."""
        taking = asyncio.ensure_future(self._ask("select pg_try_advisory_lock(%s)", name))
        try:
            return await asyncio.shield(taking)
        except asyncio.CancelledError:
            if await taking:
                await self._release(name)
            raise

    async def _release(self, name: str) -> None:
        with suppress(psycopg.OperationalError):  # the lock ended with its connection
            await self._ask("select pg_advisory_unlock(%s)", name)

    async def _ask(self, question: LiteralString, name: str) -> bool:
        async with self._turn:
            if self._connection is not None:
                with suppress(psycopg.OperationalError):  # it broke since: so did its locks
                    return await self._asked(question, name)
            self._connection = await AsyncConnection.connect(
                self._conninfo, autocommit=True, connect_timeout=ANSWER_S, **KEEPALIVE
            )
            return await self._asked(question, name)

    async def _asked(self, question: LiteralString, name: str) -> bool:
        """Everybody waits for this connection: one that does not answer is given up."""
        connection = self._connection
        if connection is None:
            return False
        try:
            async with asyncio.timeout(ANSWER_S):
                cursor = await connection.execute(question, [_number(name)])
                row = await cursor.fetchone()
        except TimeoutError as failure:
            connection.pgconn.finish()
            raise psycopg.OperationalError("the database does not answer") from failure
        return bool(row and row[0])

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()


def _number(name: str) -> int:
    """The 64 bits by which PostgreSQL knows the lock."""
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)
