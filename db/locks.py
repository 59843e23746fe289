"""Locks between all processes: who holds one is alone with what it names.

They are PostgreSQL's advisory locks on one connection per process, so they end with the
process, also with `kill -9`, and holding one costs no connection of a pool.
"""

import asyncio
import hashlib
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress

import psycopg
from psycopg import AsyncConnection


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
            got = await self._ask("select pg_try_advisory_lock(%s)", name)
            try:
                yield got
            finally:
                if got:
                    await asyncio.shield(self._release(name))
        finally:
            self._held.discard(name)

    async def _release(self, name: str) -> None:
        with suppress(psycopg.OperationalError):  # the lock ended with its connection
            await self._ask("select pg_advisory_unlock(%s)", name)

    async def _ask(self, question: str, name: str) -> bool:
        async with self._turn:
            connection = await self._open()
            cursor = await connection.execute(question.encode(), [_number(name)])
            row = await cursor.fetchone()
        return bool(row and row[0])

    async def _open(self) -> AsyncConnection:
        if self._connection is None or self._connection.closed:
            self._connection = await AsyncConnection.connect(self._conninfo, autocommit=True)
        return self._connection

    async def close(self) -> None:
        if self._connection is not None:
            await self._connection.close()


def _number(name: str) -> int:
    """The 64 bits by which PostgreSQL knows the lock."""
    digest = hashlib.blake2b(name.encode(), digest_size=8).digest()
    return int.from_bytes(digest, signed=True)
