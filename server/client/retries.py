"""When to try again, and for how long."""

import asyncio
import random
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar

from server.client.errors import ClientError, TemporaryFailure

T = TypeVar("T")

ATTEMPTS = 5
"""Tries that a server which answers, or breaks off, gets for one piece of work."""
OUTAGE_S = 30.0
"""How long a server that cannot be reached is waited for."""
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 4.0
LONGEST_RETRY_AFTER_S = 60.0


class Retries:
    """The patience left for one piece of work. Success gives it back: `reset`."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[float, float], float] = random.uniform,
    ) -> None:
        self._clock = clock
        self._jitter = jitter
        self.reset()

    def reset(self) -> None:
        self._failures = 0
        self._pauses = 0
        self._unreached_since: float | None = None

    def pause(self, failure: TemporaryFailure) -> float | None:
        """Seconds to wait before the next try; None when it is time to give up.

        Pauses double, and vary so that parallel requests do not come back all at once. A
        server that asks for a longer pause gets it, within reason.
        """
        if not self._is_patient(failure):
            return None
        longest = min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2**self._pauses)
        self._pauses += 1
        asked = min(LONGEST_RETRY_AFTER_S, failure.retry_after_s or 0.0)
        return max(asked, self._jitter(longest / 2, longest))

    def _is_patient(self, failure: TemporaryFailure) -> bool:
        now = self._clock()
        if failure.unreached:
            if self._unreached_since is None:
                self._unreached_since = now
            return now - self._unreached_since < OUTAGE_S
        self._unreached_since = None
        self._failures += 1
        return self._failures < ATTEMPTS

    async def wait(self, failure: TemporaryFailure) -> None:
        """Pause, or raise `ClientError`, which nobody tries again, when it is time to give up."""
        pause = self.pause(failure)
        if pause is None:
            raise ClientError(str(failure)) from failure
        await asyncio.sleep(pause)


async def persist(call: Callable[[], Awaitable[T]]) -> T:
    """The call's result, after as many tries as patience allows. Raises `ClientError`."""
    retries = Retries()
    while True:
        try:
            return await call()
        except TemporaryFailure as failure:
            await retries.wait(failure)
