"""Raw bodies of requests, and refusals that their senders get to see."""

import asyncio
from collections.abc import AsyncGenerator, Mapping
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from domain.errors import DomainError, ErrorCode, Unauthenticated

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
    stream = aiter(request.stream())
    while True:
        try:
            async with asyncio.timeout(SILENCE_S):
                block = await anext(stream, None)
        except TimeoutError:
            raise ClientDisconnect from None
        if block is None:
            return
        yield block


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
