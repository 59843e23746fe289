"""One local file as an HTTP response, for players that seek and leave.

What the kernel has in memory is read on the event loop, since a hop to a thread costs more than
the copy; only bytes that are still on the disk are read in a thread. Nothing is read for a
client that has left.
"""

import asyncio
import errno
import os
import re
import stat
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import KW_ONLY, dataclass, field
from email.utils import formatdate
from pathlib import Path

from starlette.datastructures import Headers
from starlette.types import Receive, Scope, Send

PIECE = 256 * 1024
"""Bytes that are read and sent at a time."""

# Linux only; without it every read is made in a thread.
_NOWAIT: int = getattr(os, "RWF_NOWAIT", 0)
_NOTHING = range(0)
# More digits than a file can have bytes make a header malformed; `int` would refuse thousands.
_RANGE = re.compile(r"bytes=[ \t]*([0-9]{0,18})-([0-9]{0,18})", re.IGNORECASE)
_ENTITY_TAG = re.compile(r'"[^"]*"')


def parse_range(value: str, size: int) -> range | None:
    """Which bytes of a file of `size` bytes a Range header asks for (RFC 9110, section 14).

    None when the header is to be ignored: it is malformed, asks for several ranges or in another
    unit, or the file is empty. An empty range when the file has no byte that is asked for.
    """
    match = _RANGE.fullmatch(value)
    if match is None or size == 0:
        return None
    first, last = match.groups()
    if not first:
        return range(max(0, size - int(last)), size) if last else None
    if not last:
        return range(int(first), size)
    return range(int(first), min(int(last) + 1, size)) if int(first) <= int(last) else None


@dataclass(frozen=True, slots=True)
class _Reply:
    """What is answered: the status, the headers, and which bytes of the file follow them."""

    status: int
    headers: Mapping[str, str]
    body: range


@dataclass(frozen=True)
class FileResponse:
    """An ASGI application that answers a GET or HEAD request with one file.

    It raises FileNotFoundError before anything is sent when `path` is not a regular file. The
    file must not change while it is sent. `headers` go with every answer, also 304 and 416.
    """

    path: Path
    _: KW_ONLY
    content_type: str
    cache_control: str | None = None
    etag: str | None = None
    """A strong entity tag without its quotes; when absent it is made of the file's state."""
    headers: Mapping[str, str] = field(default_factory=dict[str, str])

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        async with _opened(self.path) as (descriptor, state):
            reply = self._reply(scope["method"], Headers(scope=scope), state)
            await send(
                {
                    "type": "http.response.start",
                    "status": reply.status,
                    "headers": [
                        (name.lower().encode("latin-1"), value.encode("latin-1"))
                        for name, value in reply.headers.items()
                    ],
                }
            )
            if reply.body and scope["method"] != "HEAD":
                await _send_body(_Reader(descriptor), reply.body, receive=receive, send=send)
            else:
                await send({"type": "http.response.body"})

    def _reply(self, method: str, request: Headers, state: os.stat_result) -> _Reply:
        """Choose the answer, preconditions first (RFC 9110, section 13.2.2)."""
        size = state.st_size
        etag = self._entity_tag(state)
        common = {**self.headers, "accept-ranges": "bytes"}
        validated = common | self._validators(etag, state)
        if _is_known(request, etag):
            return _Reply(304, validated, _NOTHING)
        described = validated | {"content-type": self.content_type}
        span = _requested(request, etag, size) if method == "GET" else None
        if span is None:
            return _Reply(200, described | {"content-length": str(size)}, range(size))
        if not span:
            # Neither a validator nor a cache lifetime: this says nothing about the file's bytes.
            unsatisfied = {"content-range": f"bytes */{size}", "content-length": "0"}
            return _Reply(416, common | unsatisfied, _NOTHING)
        part = {
            "content-range": f"bytes {span.start}-{span.stop - 1}/{size}",
            "content-length": str(len(span)),
        }
        return _Reply(206, described | part, span)

    def _validators(self, etag: str, state: os.stat_result) -> dict[str, str]:
        validators = {"etag": etag, "last-modified": formatdate(state.st_mtime, usegmt=True)}
        if self.cache_control is not None:
            validators["cache-control"] = self.cache_control
        return validators

    def _entity_tag(self, state: os.stat_result) -> str:
        return f'"{self.etag or f"{state.st_ino:x}-{state.st_size:x}-{state.st_mtime_ns:x}"}"'


def _is_known(request: Headers, etag: str) -> bool:
    """If-None-Match names what we have; whether a tag is weak does not count here."""
    known = request.get("if-none-match", "")
    return known.strip() == "*" or etag in _ENTITY_TAG.findall(known)


def _requested(request: Headers, etag: str, size: int) -> range | None:
    """The range to send; None asks for the whole file.

    A date in If-Range never holds: it is for clients that were given no entity tag, and every
    client of ours was (RFC 9110, section 13.1.5).
    """
    if request.get("if-range", etag) != etag:
        return None
    return parse_range(request.get("range", ""), size)


@asynccontextmanager
async def _opened(path: Path) -> AsyncGenerator[tuple[int, os.stat_result]]:
    """Open a file in a thread; its descriptor is closed whatever happens."""
    opening = asyncio.ensure_future(asyncio.to_thread(_open, path))
    try:
        descriptor, state = await asyncio.shield(opening)
    except asyncio.CancelledError:
        # The thread goes on without us, and what it opens must be closed too.
        opening.add_done_callback(_discard)
        raise
    try:
        yield descriptor, state
    finally:
        os.close(descriptor)


def _open(path: Path) -> tuple[int, os.stat_result]:
    descriptor = os.open(path, os.O_RDONLY)
    state = os.fstat(descriptor)
    if not stat.S_ISREG(state.st_mode):
        os.close(descriptor)
        raise FileNotFoundError(errno.ENOENT, "This is not a regular file", str(path))
    return descriptor, state


def _discard(opening: asyncio.Future[tuple[int, os.stat_result]]) -> None:
    if not opening.cancelled() and opening.exception() is None:
        os.close(opening.result()[0])


class _Reader:
    """Reads an open file without making the event loop wait for the disk."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._flags = _NOWAIT

    async def read(self, offset: int, length: int) -> bytearray:
        """One to `length` bytes; EOFError when the file ends at `offset`."""
        piece = self._read_cached(offset, length) if self._flags else None
        if piece is None:
            piece = await asyncio.to_thread(_read, self._descriptor, offset, length=length)
        if not piece:
            raise EOFError(f"The file ended at byte {offset} while it was being sent")
        return piece

    def _read_cached(self, offset: int, length: int) -> bytearray | None:
        """What is in memory of it; None when the first byte is not."""
        try:
            return _read(self._descriptor, offset, length=length, flags=self._flags)
        except BlockingIOError:
            return None
        except OSError as refusal:
            if refusal.errno != errno.EOPNOTSUPP:
                raise
            # This file system cannot tell; it need not be asked again.
            self._flags = 0
            return None


def _read(descriptor: int, offset: int, *, length: int, flags: int = 0) -> bytearray:
    piece = bytearray(length)
    del piece[os.preadv(descriptor, [piece], offset, flags) :]
    return piece


async def _send_body(reader: _Reader, span: range, *, receive: Receive, send: Send) -> None:
    """Send the bytes of `span`, or stop when the client has left.

    uvicorn's `send` does nothing once the client has left, and says nothing, so somebody has to
    listen; else the rest would be read, and counted as delivered, for nobody.
    """
    left = asyncio.ensure_future(_disconnect(receive))
    offset = span.start
    try:
        while offset < span.stop:
            piece = await reader.read(offset, min(PIECE, span.stop - offset))
            if left.done():
                return
            offset += len(piece)
            await send(
                {"type": "http.response.body", "body": piece, "more_body": offset < span.stop}
            )
            # Neither call waits while the client keeps up; others must have their turn.
            await asyncio.sleep(0)
    finally:
        left.cancel()


async def _disconnect(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
