"""Waiting for something to become true, instead of for some time to pass."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import TypeVar

T = TypeVar("T")


async def until(condition: Callable[[], Awaitable[T]], *, timeout_s: float = 30) -> T:
    """The first true value of `condition`, asked again and again."""
    async with asyncio.timeout(timeout_s):
        while not (value := await condition()):  # noqa: ASYNC110  (the database, not us, knows)
            await asyncio.sleep(0.02)
    return value
