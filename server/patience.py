"""How long an operation may run: while its client is there, and not above a limit."""

import asyncio
from types import TracebackType
from typing import Final, cast

from starlette.requests import ClientDisconnect
from starlette.types import Receive

QUIET_S: Final = 0.1
"""Nearly every operation ends before; until then no task is spent on watching its client."""


class TookTooLong(Exception):
    def __init__(self, limit_s: float) -> None:
        super().__init__(f"The operation was stopped after {limit_s:g} s, the most it may take.")


class Patience:
    """`with Patience(receive, limit_s):` cancels what the current task awaits in the block.

    It raises `ClientDisconnect` when `receive` says that the client has left, and `TookTooLong`
    at the limit. When someone else cancels the task as well, that goes first.
    """

    __slots__ = ("_before", "_limit_s", "_listener", "_open", "_receive", "_task", "_timer", "_why")

    def __init__(self, receive: Receive, limit_s: float) -> None:
        self._receive = receive
        self._limit_s = limit_s
        self._listener: asyncio.Task[None] | None = None
        self._why: Exception | None = None
        self._open = True

    def __enter__(self) -> None:
        self._task = cast("asyncio.Task[object]", asyncio.current_task())
        self._before = self._task.cancelling()
        delay = min(QUIET_S, self._limit_s)
        self._timer = asyncio.get_running_loop().call_later(delay, self._watch)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._open = False
        self._timer.cancel()
        if self._listener is not None:
            self._listener.cancel()
        if self._why is not None and self._task.uncancel() <= self._before:
            raise self._why from error

    def _watch(self) -> None:
        self._listener = asyncio.create_task(_until_gone(self._receive))
        self._listener.add_done_callback(self._left)
        rest = max(0, self._limit_s - QUIET_S)
        self._timer = asyncio.get_running_loop().call_later(rest, self._expired)

    def _left(self, listener: asyncio.Task[None]) -> None:
        # A request that breaks a rule of `receive` is not watched; the limit still holds.
        if not listener.cancelled() and listener.exception() is None:
            self._stop(ClientDisconnect())

    def _expired(self) -> None:
        self._stop(TookTooLong(self._limit_s))

    def _stop(self, why: Exception) -> None:
        if self._open and self._why is None:
            self._why = why
            self._task.cancel()


async def _until_gone(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
