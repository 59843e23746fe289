"""Objects and uploads as files of one directory on one file system.

An upload is one sparse file; parts are written at their offset, in any order, by any number
of processes. Nothing is synced before the end: only `finish` syncs the file and links it into
place, so an object is either whole or absent.
"""

import hashlib
import os
import shutil
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TypeVar
from uuid import uuid4

from domain.errors import StorageFull
from storage import bodies, files
from storage.base import (
    Body,
    Digest,
    HashedFile,
    Heard,
    Keep,
    LocalFile,
    ObjectInfo,
    StoredPart,
    StoredUpload,
    UploadRef,
)

T = TypeVar("T")

_PAGE = 1_000
"""Names read in one call to a thread."""


class LocalStore:
    """`root` must be on one file system; it is made when missing."""

    least_part = 64 * 1024
    direct = False

    def __init__(self, root: Path, *, threads: int = 4) -> None:
        self._objects = root.resolve() / "objects"
        self._uploads = root.resolve() / "uploads"
        for directory in (self._objects, self._uploads):
            directory.mkdir(parents=True, exist_ok=True)
        self._threads = files.FileThreads(threads)

    async def begin(self, key: str, size: int, part_size: int, content_type: str) -> UploadRef:
        del content_type  # the server that delivers a file knows it by its name
        self._object_path(key)
        token = uuid4().hex
        await self._threads.run(partial(self._begin, token, size))
        return UploadRef(key, size, part_size, token)

    def _begin(self, token: str, size: int) -> None:
        if shutil.disk_usage(self._uploads).free < size:
            raise StorageFull
        (self._uploads / token).touch(mode=0o600, exist_ok=False)

    def part_request(self, ref: UploadRef, number: int, ttl_s: int) -> None:
        """None, always: every part comes to us."""

    async def write_part(
        self, ref: UploadRef, number: int, body: Body, *, sha256: str | None
    ) -> str:
        hasher = hashlib.sha256()
        async with self._sink(ref, ref.offset(number)) as sink:
            async for blocks in bodies.exactly(body, ref.length(number)):
                await sink.write(blocks, hasher)
        if sha256 is not None:
            expected = Digest("sha256", bytes.fromhex(sha256))
            bodies.verify(hasher, expected, f"part {number}")
        return hasher.hexdigest()

    async def append(
        self, ref: UploadRef, offset: int, body: Body, *, digest: Digest | None, keep: Keep
    ) -> None:
        async with self._sink(ref, offset) as sink:
            await bodies.append(sink, ref, offset, body, digest=digest, keep=keep)

    @asynccontextmanager
    async def _sink(self, ref: UploadRef, offset: int) -> AsyncGenerator["_FileSink"]:
        path = self._uploads / ref.token
        descriptor = await self._threads.run(partial(os.open, path, os.O_WRONLY | os.O_CLOEXEC))
        try:
            yield _FileSink(descriptor, offset, self._threads)
        finally:
            os.close(descriptor)

    async def parts(self, ref: UploadRef) -> Sequence[StoredPart]:
        """None: nothing goes past the server."""
        del ref
        return []

    async def finish(self, ref: UploadRef) -> None:
        await self._threads.run(partial(self._finish, ref))

    def _finish(self, ref: UploadRef) -> None:
        upload, target = self._uploads / ref.token, self._object_path(ref.key)
        if target.is_file() and not upload.exists():
            return
        if upload.stat().st_size != ref.size:
            raise ValueError(f"the upload {ref.token} does not have its {ref.size} bytes")
        files.link(upload, target)

    async def abort(self, ref: UploadRef) -> None:
        await self._threads.run(partial((self._uploads / ref.token).unlink, missing_ok=True))

    async def uploads(self) -> AsyncIterator[StoredUpload]:
        async for upload in self._pages(_uploads(self._uploads)):
            yield upload

    async def stat(self, key: str) -> ObjectInfo:
        return await self._threads.run(partial(_info, key, self._object_path(key)))

    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes]:
        path = self._object_path(key)
        file = await self._threads.run(lambda: files.existing(path).open("rb", buffering=0))
        try:
            stop = os.fstat(file.fileno()).st_size if end is None else end
            async for block in self._threads.read(file.fileno(), start, stop):
                yield block
        finally:
            file.close()

    async def read_ranges(self, key: str, ranges: Sequence[range]) -> list[bytes]:
        path = self._object_path(key)
        return await self._threads.run(partial(files.read_ranges, path, ranges))

    @asynccontextmanager
    async def object_file(self, key: str) -> AsyncGenerator[Path]:
        yield await self._threads.run(partial(files.existing, self._object_path(key)))

    @asynccontextmanager
    async def hashed_file(self, key: str, on_read: Heard) -> AsyncGenerator[HashedFile]:
        async with self.object_file(key) as path:
            yield HashedFile(path, await self._threads.sha256(path, on_read))

    async def put_file(self, key: str, path: Path, content_type: str) -> None:
        del content_type
        spare = self._uploads / uuid4().hex
        await self._threads.run(partial(files.move, path, self._object_path(key), spare=spare))

    async def delivery(
        self,
        key: str,
        ttl_s: int,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
    ) -> LocalFile:
        del ttl_s, method, headers
        return LocalFile(self._object_path(key))

    async def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        folder = self._object_path(f"{prefix}*").parent
        async for found in self._pages(_objects(self._objects, folder, prefix)):
            yield found

    async def delete(self, keys: Collection[str]) -> None:
        paths = [self._object_path(key) for key in keys]

        def unlink() -> None:
            for path in paths:
                path.unlink(missing_ok=True)

        await self._threads.run(unlink)

    async def delete_all(self, prefix: str) -> None:
        if not prefix.endswith("/"):
            raise ValueError(f"the prefix does not end in a slash: {prefix!r}")
        directory = self._object_path(prefix)

        def remove() -> None:
            with suppress(FileNotFoundError):
                shutil.rmtree(directory)

        await self._threads.run(remove)

    async def close(self) -> None:
        self._threads.close()

    async def _pages(self, found: Iterator[T]) -> AsyncIterator[T]:
        while page := await self._threads.run(lambda: list(islice(found, _PAGE))):
            for one in page:
                yield one

    def _object_path(self, key: str) -> Path:
        path = self._objects / key
        if ".." in path.parts or self._objects not in path.parents:
            raise ValueError(f"the key leaves the store: {key!r}")
        return path


class _FileSink:
    """Writes at its place in an upload's file. What the kernel has taken is kept."""

    def __init__(self, descriptor: int, offset: int, threads: files.FileThreads) -> None:
        self._descriptor = descriptor
        self._offset = offset
        self._threads = threads

    async def write(self, blocks: bodies.Blocks, hasher: bodies.Hasher | None) -> int:
        write = partial(files.write, self._descriptor, blocks, self._offset, hasher)
        await self._threads.run_to_end(write)
        self._offset += sum(map(len, blocks))
        return self._offset

    async def settle(self) -> int:
        return self._offset


def _info(key: str, path: Path) -> ObjectInfo:
    status = files.existing(path).stat()
    return ObjectInfo(key, status.st_size, datetime.fromtimestamp(status.st_mtime, UTC))


def _uploads(folder: Path) -> Iterator[StoredUpload]:
    """With the time of their last byte, as no file system is sure to know an earlier one."""
    for path in folder.iterdir():
        with suppress(FileNotFoundError):  # it ended meanwhile
            written = datetime.fromtimestamp(path.stat().st_mtime, UTC)
            yield StoredUpload(None, path.name, written)


def _objects(root: Path, folder: Path, prefix: str) -> Iterator[ObjectInfo]:
    for parent, _, names in os.walk(folder):
        for name in names:
            path = Path(parent, name)
            key = path.relative_to(root).as_posix()
            if key.startswith(prefix):
                with suppress(FileNotFoundError):  # it was deleted meanwhile
                    yield _info(key, path)
