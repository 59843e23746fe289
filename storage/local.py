"""Objects and uploads as files of one directory on one file system.

An upload is one sparse file; parts are written at their offset, in any order, by any number
of processes. Nothing is synced per part: the whole file's SHA-256 is checked at the end, and
only then it is synced and linked into place, so an object is either whole or absent.
"""

import asyncio
import errno
import hashlib
import os
import shutil
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Collection
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Protocol, TypeVar

from domain.errors import ChecksumMismatch, IncompleteBody, StorageFull
from storage.base import LocalFile, PartTarget
from storage.locks import part_lock

T = TypeVar("T")


class Run(Protocol):
    """Does file work in a thread."""

    async def __call__(self, call: Callable[[], T], /) -> T: ...


_BATCH = 256 * 1024
"""Bytes hashed and written in one call to a thread; larger batches cost more CPU."""
_HASH_BATCH = 1 << 20


class LocalStore:
    """`root` must be on one file system; it is made when missing."""

    def __init__(self, root: Path, *, threads: int = 4) -> None:
        self._objects = root.resolve() / "objects"
        self._uploads = root.resolve() / "uploads"
        for directory in (self._objects, self._uploads):
            directory.mkdir(parents=True, exist_ok=True)
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="storage")

    async def _run(self, call: Callable[[], T]) -> T:
        """Do file work in a thread; a full disk becomes `StorageFull`."""
        try:
            return await asyncio.get_running_loop().run_in_executor(self._pool, call)
        except OSError as failure:
            if failure.errno in (errno.ENOSPC, errno.EDQUOT):
                raise StorageFull from failure
            raise

    async def _run_to_end(self, call: Callable[[], T]) -> T:
        """As `_run`, but a caller that is cancelled goes on only when the thread is done."""
        running = asyncio.ensure_future(self._run(call))
        try:
            return await asyncio.shield(running)
        except asyncio.CancelledError:
            await asyncio.gather(running, return_exceptions=True)
            raise

    async def begin(self, upload: str, size: int) -> None:
        await self._run(partial(self._begin, upload, size))

    def _begin(self, upload: str, size: int) -> None:
        if shutil.disk_usage(self._uploads).free < size:
            raise StorageFull
        self._upload_path(upload).touch(mode=0o600)

    @asynccontextmanager
    async def part(self, target: PartTarget) -> AsyncGenerator["LocalPart"]:
        descriptor = await self._run(
            partial(os.open, self._upload_path(target.upload), os.O_RDWR | os.O_CLOEXEC)
        )
        try:
            with part_lock(descriptor, target):
                yield LocalPart(target, descriptor, self._run_to_end)
        finally:
            os.close(descriptor)

    async def digest(self, upload: str, on_read: Callable[[int], None]) -> str:
        given_up = False

        def heard(size: int) -> None:
            if given_up:
                raise _GivenUp
            on_read(size)

        try:
            return await self._run(partial(_digest, self._upload_path(upload), heard))
        finally:
            given_up = True

    @asynccontextmanager
    async def upload_file(self, upload: str) -> AsyncGenerator[Path]:
        yield await self._run(partial(_existing, self._upload_path(upload)))

    async def finish(self, upload: str, key: str) -> None:
        await self._run(partial(_link, self._upload_path(upload), self._object_path(key)))

    async def abort(self, upload: str) -> None:
        await self._run(partial(self._upload_path(upload).unlink, missing_ok=True))

    @asynccontextmanager
    async def object_file(self, key: str) -> AsyncGenerator[Path]:
        yield await self._run(partial(_existing, self._object_path(key)))

    async def put_file(self, key: str, path: Path) -> None:
        await self._run(partial(_move, path, self._object_path(key)))

    async def delivery(self, key: str) -> LocalFile:
        return LocalFile(self._object_path(key))

    async def delete(self, keys: Collection[str]) -> None:
        def unlink() -> None:
            for key in keys:
                self._object_path(key).unlink(missing_ok=True)

        await self._run(unlink)

    async def delete_all(self, prefix: str) -> None:
        if not prefix.endswith("/"):
            raise ValueError(f"the prefix does not end in a slash: {prefix!r}")
        directory = self._object_path(prefix)

        def remove() -> None:
            with suppress(FileNotFoundError):
                shutil.rmtree(directory)

        await self._run(remove)

    async def close(self) -> None:
        self._pool.shutdown(wait=True)

    def _object_path(self, key: str) -> Path:
        path = self._objects / key
        if ".." in path.parts or self._objects not in path.parents:
            raise ValueError(f"the key leaves the store: {key!r}")
        return path

    def _upload_path(self, upload: str) -> Path:
        return self._uploads / upload


class _GivenUp(Exception):
    """Nobody waits any more for what a thread is reading."""


class LocalPart:
    """Writes one part, once, at its place in the upload's file."""

    def __init__(self, target: PartTarget, descriptor: int, run: Run) -> None:
        self._target = target
        self._descriptor = descriptor
        self._run = run
        self._digest = hashlib.sha256()

    async def write(self, body: AsyncIterator[bytes], *, sha256: str | None) -> str:
        length, done = self._target.length, 0
        async for blocks, size in _batches(body):
            if done + size > length:
                raise IncompleteBody(expected=length, actual=done + size)
            await self._run(partial(self._flush, blocks, self._target.offset + done))
            done += size
        if done != length:
            raise IncompleteBody(expected=length, actual=done)
        actual = self._digest.hexdigest()
        if sha256 not in (None, actual):
            raise ChecksumMismatch(f"part {self._target.number}", expected=sha256, actual=actual)
        return actual

    def _flush(self, blocks: list[bytes], offset: int) -> None:
        for block in blocks:
            self._digest.update(block)
            offset += _write_all(self._descriptor, block, offset)


async def _batches(body: AsyncIterator[bytes]) -> AsyncGenerator[tuple[list[bytes], int]]:
    """The body's blocks in groups of about `_BATCH` bytes, each with its size."""
    blocks: list[bytes] = []
    size = 0
    async for block in body:
        blocks.append(block)
        size += len(block)
        if size >= _BATCH:
            yield blocks, size
            blocks, size = [], 0
    if blocks:
        yield blocks, size


def _write_all(descriptor: int, block: bytes, offset: int) -> int:
    view = memoryview(block)
    while view:
        written = os.pwrite(descriptor, view, offset)
        view, offset = view[written:], offset + written
    return len(block)


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise FileNotFoundError(path)
    return path


def _digest(path: Path, on_read: Callable[[int], None]) -> str:
    digest = hashlib.sha256()
    buffer = bytearray(_HASH_BATCH)
    view = memoryview(buffer)
    with path.open("rb", buffering=0) as file:
        while size := file.readinto(buffer):
            digest.update(view[:size])
            on_read(size)
    return digest.hexdigest()


def _make_folder(folder: Path) -> None:
    """Make it and what is above it, so that a power cut does not take it away again."""
    if not folder.exists():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _sync(folder.parent)


def _link(source: Path, target: Path) -> None:
    """Give a synced file its final name. A name that is there already is this same upload's."""
    _sync(source)
    _make_folder(target.parent)
    with suppress(FileExistsError):
        os.link(source, target)
    _sync(target.parent)


def _move(source: Path, target: Path) -> None:
    _make_folder(target.parent)
    _sync(source)
    try:
        source.replace(target)
    except OSError as failure:
        if failure.errno != errno.EXDEV:
            raise
        partial_copy = target.with_name(f"{target.name}.partial")
        try:
            shutil.copyfile(source, partial_copy)
            _sync(partial_copy)
            partial_copy.replace(target)
        finally:
            partial_copy.unlink(missing_ok=True)
    _sync(target.parent)


def _sync(path: Path) -> None:
    """Return when a file's bytes, or a directory's names, are safely on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
