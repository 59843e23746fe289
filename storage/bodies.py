"""Streams of bytes on their way into a store: what every backend does with them."""

import asyncio
import hashlib
from collections.abc import AsyncGenerator, AsyncIterator, Coroutine, Iterable, Sequence
from typing import Protocol, TypeAlias, TypeVar

from domain.errors import ChecksumMismatch, IncompleteBody
from storage.base import Body, Digest, Keep, UploadRef

BATCH = 256 * 1024
"""Bytes hashed and written in one call to a thread; larger batches cost more CPU."""
KEEP = 8 << 20
"""Bytes after which a caller of `append` hears of them."""

T = TypeVar("T")
_NAMES = {"sha256": "SHA-256", "sha1": "SHA-1"}

Blocks: TypeAlias = Sequence[bytes]


class Hasher(Protocol):
    """What `hashlib.new` makes."""

    def update(self, data: bytes, /) -> None: ...
    def digest(self) -> bytes: ...
    def hexdigest(self) -> str: ...


class Sink(Protocol):
    """Takes the bytes of an upload, in order, from where it was opened."""

    async def write(self, blocks: Blocks, hasher: Hasher | None) -> int:
        """Take and hash these; return the offset up to which bytes are kept by now."""
        ...

    async def settle(self) -> int:
        """Keep all that was written and return the offset of its end."""
        ...


async def batches(body: Body) -> AsyncGenerator[tuple[Blocks, int]]:
    """The body's blocks in groups of about `BATCH` bytes, each with its size.

    None is empty. A body that raises does so only after what came before was handed out.
    """
    blocks: list[bytes] = []
    size = 0
    try:
        async for block in body:
            if block:
                blocks.append(block)
                size += len(block)
            if size >= BATCH:
                yield blocks, size
                blocks, size = [], 0
    except Exception:
        if blocks:
            yield blocks, size
        raise
    if blocks:
        yield blocks, size


async def exactly(body: Body, length: int) -> AsyncGenerator[Blocks]:
    """The body in batches. Raises `IncompleteBody` unless it has `length` bytes."""
    done = 0
    async for blocks, size in batches(body):
        done += size
        if done > length:
            raise IncompleteBody(expected=length, actual=done)
        yield blocks
    if done != length:
        raise IncompleteBody(expected=length, actual=done)


def split(blocks: Blocks, size: int) -> tuple[Blocks, Blocks]:
    """The first `size` bytes, and the rest."""
    for index, block in enumerate(blocks):
        if size < len(block):
            return [*blocks[:index], block[:size]], [block[size:], *blocks[index + 1 :]]
        size -= len(block)
    return blocks, []


async def window(
    blocks: AsyncIterator[bytes], at: int, start: int, end: int | None
) -> AsyncGenerator[bytes]:
    """What lies from `start` to before `end` in blocks that begin at `at`, no later."""
    async for block in blocks:
        stop = at + len(block)
        if end is not None and stop >= end:
            yield block[max(0, start - at) : end - at]
            return
        if stop > start:
            yield block[max(0, start - at) :]
        at = stop


async def append(
    sink: Sink, ref: UploadRef, offset: int, body: Body, *, digest: Digest | None, keep: Keep
) -> None:
    """What `ObjectStore.append` promises, into a sink that was opened at `offset`."""
    hasher = hashlib.new(digest.algorithm) if digest else None
    at = kept = offset
    try:
        async for blocks, size in batches(body):
            at += size
            if at > ref.size:
                raise IncompleteBody(expected=ref.size - offset, actual=at - offset)
            safe = await sink.write(blocks, hasher)
            if not digest and safe - kept >= KEEP:
                kept = safe
                await keep(kept)
    finally:
        if not digest and kept < at <= ref.size:
            await keep(await sink.settle())
    if digest and hasher:
        verify(hasher, digest, "the body")
        await keep(await sink.settle())


def feed(hasher: Hasher, blocks: Blocks) -> None:
    for block in blocks:
        hasher.update(block)


async def together(calls: Iterable[Coroutine[object, object, T]]) -> list[T]:
    """The results of all. When one raises, the others are cancelled and its error is raised."""
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(call) for call in calls]
    except BaseExceptionGroup as failures:
        raise failures.exceptions[0] from None
    return [task.result() for task in tasks]


def verify(hasher: Hasher, digest: Digest, what: str) -> None:
    actual = hasher.digest()
    if actual != digest.value:
        raise ChecksumMismatch(
            what,
            expected=digest.value.hex(),
            actual=actual.hex(),
            algorithm=_NAMES.get(digest.algorithm, digest.algorithm.upper()),
        )
