"""Long reads of a file, beside which a run tells how far it is, and hears that it shall stop."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from jobs.runs import Run

REPORT_EVERY_S = 0.5

T = TypeVar("T")


@dataclass(slots=True)
class Reading:
    """How far a run has read a file; that is the rest of its task, or all of it."""

    run: Run
    size: int
    begun: float = 0.0
    done: int = 0

    def heard(self, size: int) -> None:
        self.done += size

    async def report(self) -> None:
        """Note it again and again. Raises `Overtaken`."""
        while True:
            await self.run.report(self.begun + (1 - self.begun) * self.done / self.size)
            await asyncio.sleep(REPORT_EVERY_S)


async def beside(watch: Callable[[], Awaitable[None]], work: Callable[[], Awaitable[T]]) -> T:
    """Do the work; whatever `watch` raises stops it."""
    watching = asyncio.ensure_future(watch())
    working = asyncio.ensure_future(work())
    try:
        await asyncio.wait((watching, working), return_when=asyncio.FIRST_COMPLETED)
        if watching.done():
            watching.result()  # overtaken
        return await working
    finally:
        watching.cancel()
        working.cancel()
