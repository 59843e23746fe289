"""A worker's process makes itself known, says every few seconds that it lives, and leaves."""

import asyncio
import contextlib
import logging
import time
from collections.abc import Awaitable, Callable, Generator, Sequence
from typing import Final
from uuid import UUID

from db import workers
from jobs.lanes import Lane
from jobs.runs import Tools

log = logging.getLogger(__name__)

BEAT_EVERY_S: Final = 5
_SILENT_AFTER_S: Final = 3 * BEAT_EVERY_S


class Vitals:
    """What a worker's process knows of its own health."""

    def __init__(self, lanes: Sequence[Lane]) -> None:
        self._down = {lane.name for lane in lanes}
        self._answered_at = time.monotonic()

    @contextlib.contextmanager
    def running(self, lane: Lane) -> Generator[None]:
        """The lane takes jobs as long as the block lasts."""
        self._down.discard(lane.name)
        try:
            yield
        finally:
            self._down.add(lane.name)

    def database_answered(self) -> None:
        self._answered_at = time.monotonic()

    def complaint(self) -> str | None:
        """What is wrong; None when all lanes run and the database answered lately."""
        silence = time.monotonic() - self._answered_at
        if silence > _SILENT_AFTER_S:
            return f"the database has not answered for {silence:.0f} seconds"
        if self._down:
            return f"no job is taken from: {', '.join(sorted(self._down))}"
        return None


async def keep(tools: Tools, lanes: Sequence[Lane], vitals: Vitals) -> None:
    """Be known as a worker on these lanes until cancelled.

    A cancellation is passed on as an event: in the middle of a statement it could be lost.
    """
    stop = asyncio.Event()
    beating = asyncio.create_task(_Presence(tools, lanes, vitals).last(stop))
    try:
        await asyncio.shield(beating)
    finally:
        stop.set()
        await beating


class _Presence:
    """The row of this process, once it has one."""

    def __init__(self, tools: Tools, lanes: Sequence[Lane], vitals: Vitals) -> None:
        self._tools = tools
        self._lanes = [(lane.queues, lane.concurrency) for lane in lanes]
        self._vitals = vitals
        self._id: UUID | None = None
        self._is_heard = True

    async def last(self, stop: asyncio.Event) -> None:
        """Beat until `stop`; then leave."""
        while not stop.is_set():
            await self._try(self._beat)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(BEAT_EVERY_S):
                    await stop.wait()
        await self._try(self._leave)

    async def _beat(self) -> None:
        async with self._tools.db.write() as session:
            if self._id is None or not await workers.beat(session, self._id):
                self._id = await workers.register(session, self._tools.worker, self._lanes)
        self._vitals.database_answered()

    async def _leave(self) -> None:
        if self._id is not None:
            async with self._tools.db.write() as session:
                await workers.leave(session, self._id)

    async def _try(self, act: Callable[[], Awaitable[None]]) -> None:
        """An outage is told of once, and so is its end."""
        try:
            async with asyncio.timeout(BEAT_EVERY_S):
                await act()
        except Exception as failure:  # noqa: BLE001  (whatever it is, the jobs matter more)
            if self._is_heard:
                reason, _, _ = str(failure).partition("\n")
                log.warning("the database does not hear this worker: %s", reason)
            self._is_heard = False
        else:
            if not self._is_heard:
                log.info("the database hears this worker again")
            self._is_heard = True
