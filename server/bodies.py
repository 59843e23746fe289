"""Raw bodies of requests, and refusals that their senders get to see."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from domain.error_codes import ErrorCode
from domain.errors import DomainError, Unauthenticated

DRAIN: Final = 64 << 20
"""Bytes still read after a refusal: a client that is cut off never sees the reason."""
SILENCE_S: Final = 60
"""After so long without a byte, a client has gone without a word; others may want its place."""

RETRY_AFTER_S: Final = {
    ErrorCode.PART_BUSY: "1",
    ErrorCode.STORAGE_FULL: "60",
    ErrorCode.STORAGE_BUSY: "5",
}


async def blocks(request: Request) -> AsyncGenerator[bytes]:
    """The body as it comes. Raises `ClientDisconnect` when it will not come to its end."""
    patience = _Patience()
    try:
        async for block in request.stream():
            patience.pause()
            yield block
            patience.resume()
    except asyncio.CancelledError:
        if not patience.is_over():
            raise
        raise ClientDisconnect from None
    finally:
        patience.pause()


class _Patience:
    """Stops its task when it waits longer than `SILENCE_S` for one block.

    One timer does for a whole body: setting one for each block would cost more than the block.
    """

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stopped = False
        self._timer: asyncio.TimerHandle | None = None
        self.resume()

    def resume(self) -> None:
        self._task = asyncio.current_task()  # another one may read what this one leaves
        self._waits_since: float | None = self._loop.time()
        if self._timer is None:
            self._timer = self._loop.call_later(SILENCE_S, self._look)

    def pause(self) -> None:
        self._waits_since = None

    def is_over(self) -> bool:
        """Whether it was us who stopped the task, and nobody else."""
        return self._stopped and self._task is not None and self._task.uncancel() == 0

    def _look(self) -> None:
        self._timer = None
        if self._waits_since is None or self._task is None:
            return  # the next wait sets a timer anew
        left = self._waits_since + SILENCE_S - self._loop.time()
        if left > 0:
            self._timer = self._loop.call_later(left, self._look)
        else:
            self._stopped = self._task.cancel()


async def refusal(
    failure: DomainError,
    body: AsyncGenerator[bytes],
    *,
    status: int,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """What went wrong as JSON, after the rest of the body."""
    response = JSONResponse({"code": failure.code.value, "message": str(failure)}, status, headers)
    if isinstance(failure, Unauthenticated):
        response.headers["WWW-Authenticate"] = "Bearer"
    if failure.code in RETRY_AFTER_S:
        response.headers["Retry-After"] = RETRY_AFTER_S[failure.code]
    if not await _drained(body):
        response.headers["Connection"] = "close"
    return response


async def _drained(body: AsyncGenerator[bytes]) -> bool:
    """Read what the client still sends; False when that is too much, or it has gone."""
    left = DRAIN
    try:
        async for block in body:
            left -= len(block)
            if left < 0:
                return False
    except ClientDisconnect:
        return False
    return True
