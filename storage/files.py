"""Files in threads, and what it takes for them to outlive a power cut."""

import asyncio
import errno
import hashlib
import os
import shutil
from collections.abc import AsyncGenerator, Callable, Generator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeVar

from domain.errors import StorageFull
from storage.base import Heard
from storage.bodies import Blocks, Hasher

T = TypeVar("T")

BLOCK = 256 * 1024
"""Bytes that a reader gets at once."""
_HASH_BATCH = 1 << 20


class FileThreads:
    """Does file work in a few threads of its own; a full disk becomes `StorageFull`."""

    def __init__(self, threads: int) -> None:
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="storage")

    async def run(self, call: Callable[[], T]) -> T:
        with full_disk():
            return await asyncio.get_running_loop().run_in_executor(self._pool, call)

    async def run_to_end(self, call: Callable[[], T]) -> T:
        """As `run`, but a caller that is cancelled goes on only when the thread is done."""
        running = asyncio.get_running_loop().run_in_executor(self._pool, call)
        try:
            with full_disk():
                return await asyncio.shield(running)
        except asyncio.CancelledError:
            await asyncio.gather(running, return_exceptions=True)
            raise

    async def sha256(self, path: Path, on_read: Heard) -> str:
        """The file's digest in hexadecimal. A caller that is cancelled stops the thread."""
        given_up = False

        def heard(size: int) -> None:
            if given_up:
                raise _GivenUp
            on_read(size)

        try:
            return await self.run(partial(_sha256, path, heard))
        finally:
            given_up = True

    async def read(self, descriptor: int, start: int, end: int) -> AsyncGenerator[bytes]:
        """The bytes from `start` to before `end`, or to the end of the file."""
        while start < end:
            length = min(BLOCK, end - start)
            block = await self.run_to_end(partial(os.pread, descriptor, length, start))
            if not block:
                return
            yield block
            start += len(block)

    def close(self) -> None:
        self._pool.shutdown(wait=True)


@dataclass(frozen=True, slots=True)
class Slice:
    """Bytes of an open file, to be read as often as needed."""

    threads: FileThreads
    descriptor: int
    start: int
    size: int

    def blocks(self) -> AsyncGenerator[bytes]:
        return self.threads.read(self.descriptor, self.start, self.start + self.size)


@contextmanager
def full_disk() -> Generator[None]:
    """Has `StorageFull` raised when the disk, or what we may have of it, is full inside."""
    try:
        yield
    except OSError as failure:
        if failure.errno in (errno.ENOSPC, errno.EDQUOT):
            raise StorageFull from failure
        raise


class _GivenUp(Exception):
    """Nobody waits any more for what a thread is reading."""


def _sha256(path: Path, heard: Heard) -> str:
    digest = hashlib.sha256()
    buffer = bytearray(_HASH_BATCH)
    view = memoryview(buffer)
    with path.open("rb", buffering=0) as file:
        while size := file.readinto(buffer):
            digest.update(view[:size])
            heard(size)
    return digest.hexdigest()


def existing(path: Path) -> Path:
    if not path.is_file():
        raise FileNotFoundError(path)
    return path


def write(descriptor: int, blocks: Blocks, offset: int, hasher: Hasher | None) -> None:
    """Hash the blocks and write them one after another from `offset` on."""
    for block in blocks:
        if hasher is not None:
            hasher.update(block)
        view = memoryview(block)
        while view:
            written = os.pwrite(descriptor, view, offset)
            view, offset = view[written:], offset + written


def read_ranges(path: Path, ranges: Sequence[range]) -> list[bytes]:
    with existing(path).open("rb", buffering=0) as file:
        return [_read_range(file.fileno(), wanted) for wanted in ranges]


def _read_range(descriptor: int, wanted: range) -> bytes:
    found = os.pread(descriptor, len(wanted), wanted.start)
    if len(found) != len(wanted):
        raise ValueError(f"{wanted} is not within the object")
    return found


def link(source: Path, target: Path) -> None:
    """Give a synced file its final name. A name that is there already is this same upload's."""
    sync(source)
    make_folder(target.parent)
    with suppress(FileExistsError):
        os.link(source, target)
    sync(target.parent)


def move(source: Path, target: Path, *, spare: Path) -> None:
    """Replace `target`. From another file system the bytes go through `spare`."""
    make_folder(target.parent)
    sync(source)
    try:
        source.replace(target)
    except OSError as failure:
        if failure.errno != errno.EXDEV:
            raise
        try:
            shutil.copyfile(source, spare)
            sync(spare)
            spare.replace(target)
        finally:
            spare.unlink(missing_ok=True)
    sync(target.parent)


def make_folder(folder: Path) -> None:
    """Make it and what is above it, so that a power cut does not take it away again."""
    if not folder.exists():
        make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        sync(folder.parent)


def sync(path: Path) -> None:
    """Return when a file's bytes, or a directory's names, are safely on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
