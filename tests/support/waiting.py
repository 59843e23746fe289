"""Waiting for something to become true, instead of for some time to pass."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

from sqlalchemy import text

from db.session import Database

T = TypeVar("T")


async def until(condition: Callable[[], Awaitable[T]], *, timeout_s: float = 30) -> T:
    """The first true value of `condition`, asked again and again."""
    async with asyncio.timeout(timeout_s):
        while not (value := await condition()):  # noqa: ASYNC110  (the database, not us, knows)
            await asyncio.sleep(0.02)
    return value


async def until_blocked(db: Database) -> None:
    """Until somebody waits for what somebody else has locked."""
    waiting = text(
        "select count(*) from pg_stat_activity"
        " where wait_event_type = 'Lock' and datname = current_database()"
    )

    async def is_blocked() -> bool:
        async with db.read() as session:
            return bool(await session.scalar(waiting))

    await until(is_blocked)


async def waits(db: Database, statement: str) -> bool:
    """Whether such a statement waits for a row."""
    query = text(
        "select count(*) from pg_stat_activity where wait_event_type = 'Lock'"
        " and regexp_replace(query, '\\s+', ' ', 'g') ilike :statement"
    )
    async with db.read() as session:
        return await session.scalar(query, {"statement": statement}) != 0
