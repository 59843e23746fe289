"""Connections and transactions.

`Database.read()`, `.write()` and `.write_once()` are the only places where a transaction
begins and ends. Functions in db/ take a session and never commit.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any, NewType

from sqlalchemy import make_url, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine

ReadSession = NewType("ReadSession", AsyncSession)
"""A session that only reads, and sees one moment; PostgreSQL refuses writes on it."""

WriteSession = NewType("WriteSession", ReadSession)
"""A session that may read and write, and commits when its block ends well."""


def sqlalchemy_url(conninfo: str) -> str:
    """`postgresql://…` as SQLAlchemy wants it: with the driver's name."""
    url = make_url(conninfo).set(drivername="postgresql+psycopg")
    return url.render_as_string(hide_password=False)


class Database:
    """A pool of connections. `conninfo` is a libpq URL: postgresql://user:password@host/name."""

    def __init__(self, conninfo: str, *, pool_size: int = 10) -> None:
        self.conninfo = conninfo
        self._engine = create_async_engine(
            sqlalchemy_url(conninfo),
            pool_size=pool_size,
            max_overflow=0,
            pool_pre_ping=True,
            hide_parameters=True,
        )
        one_snapshot = self._engine.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        by_itself = self._engine.execution_options(isolation_level="AUTOCOMMIT")
        self._single = async_sessionmaker(by_itself, expire_on_commit=False)
        self._readers = async_sessionmaker(one_snapshot, expire_on_commit=False)
        self._writers = async_sessionmaker(self._engine, expire_on_commit=False)

    @asynccontextmanager
    async def read(self) -> AsyncGenerator[ReadSession]:
        async with self._readers() as session:
            yield ReadSession(session)

    @asynccontextmanager
    async def write(self) -> AsyncGenerator[WriteSession]:
        async with self._writers.begin() as session:
            yield WriteSession(ReadSession(session))

    @asynccontextmanager
    async def write_once(self) -> AsyncGenerator[WriteSession]:
        """For one statement that is a transaction by itself: it saves two round trips."""
        async with self._single() as session:
            yield WriteSession(ReadSession(session))

    async def ping(self) -> None:
        """Raises `OSError` when the database does not answer."""
        try:
            async with self._engine.connect() as connection:
                await connection.execute(text("select 1"))
        except OperationalError as failure:
            raise ConnectionError(str(failure.orig)) from failure

    async def close(self) -> None:
        await self._engine.dispose()


async def driver_connection(session: WriteSession) -> Any:  # noqa: ANN401  (psycopg's own type)
    """The psycopg connection under `session`, for libraries that join its transaction."""
    raw = await (await session.connection()).get_raw_connection()
    return raw.driver_connection
