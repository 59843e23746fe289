"""A file from a stranger's server, from any place on, within limits of size and time."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from domain import text
from domain.errors import DomainError, FetchFailed, FetchInterrupted, LimitExceeded
from outbound import headers
from outbound.client import Answer, Client, failures
from outbound.spans import OF_RANGES, Resume, Span, span_of, wish

_TRY_AGAIN: Final = {
    HTTPStatus.REQUEST_TIMEOUT,
    HTTPStatus.TOO_EARLY,
    HTTPStatus.TOO_MANY_REQUESTS,
}


@dataclass(frozen=True, slots=True)
class Limits:
    """What one download may take."""

    size: int
    """Bytes of the whole file."""
    stall_s: float = 30
    stall_bytes: int = 64 * 1024
    """Who has waited `stall_s` for as many bytes gives up. What we do with them is no waiting."""
    total_s: float = 6 * 3600
    bytes_per_s: int | None = None
    """As fast as this, and no faster; None for no limit."""


class Download:
    """An answer whose bytes can be read, once.

    Failures of reading are `FetchInterrupted`, after which a `Resume` may go on, or are final:
    `LimitExceeded` and `FetchFailed`.
    """

    def __init__(self, answer: Answer, span: Span, limits: Limits) -> None:
        self._answer = answer
        self._span = span
        self._limits = limits
        self._deadline = time.monotonic() + limits.total_s
        self._waited = 0.0
        self._since_stall = 0
        self.size = span.size
        """Bytes of the whole file, if the server says it."""
        self.offset = span.start
        """Where the bytes really begin: 0 if the server could not go on."""
        self.content_type = text.content_type(answer.headers.get("Content-Type"))
        self.file_name = headers.file_name(answer.headers, answer.link)
        self.validator = span.validator
        """What a `Resume` of this needs; None when this cannot be resumed."""

    async def blocks(self) -> AsyncGenerator[bytes]:
        """The bytes from `offset` to the end of the file; none is empty."""
        at, free_at = self.offset, 0.0
        while at != self._span.end and (block := await self._read()):
            at += len(block)
            self._check_place(at)
            free_at = await self._throttle(len(block), free_at)
            yield block
        if self.size not in (None, at):
            raise FetchInterrupted(f"The server broke off after {at} of {self.size} bytes.")

    def _check_place(self, at: int) -> None:
        if at > self._limits.size:
            raise _too_large(self._limits, at)
        if self._span.end is not None and at > self._span.end:
            raise FetchFailed("The server sends more bytes than it announced.")

    async def _read(self) -> bytes:
        """The next bytes; none at the end."""
        asked = time.monotonic()
        if asked >= self._deadline:  # a fast server never makes us wait, and so never times out
            raise _too_slow(self._limits)
        patience = min(self._limits.stall_s - self._waited, self._deadline - asked)
        try:
            with failures():
                async with asyncio.timeout(patience):
                    block = await self._answer.body.readany()
        except FetchInterrupted as failure:
            if time.monotonic() >= self._deadline:
                raise _too_slow(self._limits) from failure
            raise
        self._count(len(block), time.monotonic() - asked)
        return block

    def _count(self, size: int, waited: float) -> None:
        self._waited += waited
        self._since_stall += size
        if self._since_stall >= self._limits.stall_bytes:
            self._waited, self._since_stall = 0.0, 0

    async def _throttle(self, size: int, free_at: float) -> float:
        """Wait until the limit has room for these bytes; return when it will for the next."""
        if self._limits.bytes_per_s is None:
            return free_at
        now = time.monotonic()
        free_at = max(free_at, now) + size / self._limits.bytes_per_s
        await asyncio.sleep(free_at - now)
        return free_at


@asynccontextmanager
async def opened(
    client: Client, url: str, *, limits: Limits, resume: Resume | None = None
) -> AsyncGenerator[Download]:
    """Ask for the file, or for what is missing of it.

    When it has changed since, or the server cannot begin in the middle, it begins at 0: compare
    `offset`. If it goes on, keep what the first answer said of name and type: this one need not.
    Raises as `Client.opened` does; `LimitExceeded` if the size is known to be too large.
    """
    async with client.opened(url, headers=wish(resume)) as answer:
        _check_status(answer, resume)
        _check_coding(answer)
        span = span_of(answer, resume)
        if span.size is not None and span.size > limits.size:
            raise _too_large(limits, span.size)
        yield Download(answer, span, limits)


def _check_status(answer: Answer, resume: Resume | None) -> None:
    status = answer.status
    if status == HTTPStatus.OK or (wish(resume) and status in OF_RANGES):
        return
    if status in _TRY_AGAIN or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        patience = headers.retry_after_s(answer.headers)
        raise FetchInterrupted(f"The server answers {status}.", retry_after_s=patience)
    raise FetchFailed(f"The server answers {status}.", status=status)


def _check_coding(answer: Answer) -> None:
    """We asked for the bytes as they are. What unpacks to a thousand times as many has no place."""
    content = answer.headers.get("Content-Encoding", "identity")
    transfer = answer.headers.get("Transfer-Encoding", "chunked")
    if (content.strip().lower(), transfer.strip().lower()) != ("identity", "chunked"):
        raise FetchFailed("The server sends the file packed, though it was asked not to.")


def _too_large(limits: Limits, actual: int) -> DomainError:
    return LimitExceeded("The size of the file", limit=limits.size, actual=actual)


def _too_slow(limits: Limits) -> DomainError:
    return FetchFailed(f"The file did not come within {limits.total_s:g} seconds.")
