"""Objects and uploads in a bucket of S3, or of anything that speaks like it.

An upload is a multipart upload of its final key. Clients send the parts to the bucket itself,
with signed requests; what comes through us is streamed on, and never held in memory.
"""

import hashlib
import os
from collections.abc import AsyncGenerator, AsyncIterator, Collection, Mapping, Sequence
from contextlib import AsyncExitStack, aclosing, asynccontextmanager, suppress
from datetime import UTC
from functools import partial
from pathlib import Path
from typing import Self
from uuid import uuid4

from storage import bodies, files, keys, s3_location, spool
from storage.base import (
    Body,
    Digest,
    HashedFile,
    Heard,
    Keep,
    ObjectInfo,
    Redirect,
    SignedRequest,
    StoredPart,
    StoredUpload,
    UploadRef,
)
from storage.bucket import Bucket
from storage.s3_client import OutOfRange
from storage.s3_location import S3Location

_MOST_PARTS = 10_000
_PUT_SIZE = 16 << 20
"""Bytes of a file above which it is sent in parts."""


class S3Store:
    """Made by `open`. Temporary files are in `workspace`."""

    least_part = 5 << 20
    direct = True

    def __init__(self, bucket: Bucket, workspace: Path, threads: files.FileThreads) -> None:
        self._bucket = bucket
        self._workspace = workspace
        self._threads = threads
        self._resources = AsyncExitStack()

    @classmethod
    async def open(cls, location: S3Location, workspace: Path, *, threads: int = 4) -> Self:
        """Connect. `workspace` is made when missing."""
        async with AsyncExitStack() as resources:
            file_threads = files.FileThreads(threads)
            resources.callback(file_threads.close)
            await file_threads.run(partial(workspace.mkdir, parents=True, exist_ok=True))
            bucket = await resources.enter_async_context(s3_location.opened(location))
            store = cls(bucket, workspace, file_threads)
            store._resources = resources.pop_all()
            return store

    async def begin(self, key: str, size: int, part_size: int, content_type: str) -> UploadRef:
        token = await self._bucket.create(key, content_type)
        return UploadRef(key, size, part_size, token)

    def part_request(self, ref: UploadRef, number: int, ttl_s: int) -> SignedRequest:
        query = spool.part_query(ref, number)
        return SignedRequest("PUT", self._bucket.signed("PUT", ref.key, ttl_s, query=query))

    async def write_part(
        self, ref: UploadRef, number: int, body: Body, *, sha256: str | None
    ) -> str:
        hasher = hashlib.sha256()
        expected = Digest("sha256", bytes.fromhex(sha256)) if sha256 else None
        length, query = ref.length(number), spool.part_query(ref, number)
        checked = self._checked(bodies.exactly(body, length), hasher, expected, f"part {number}")
        await self._bucket.put(ref.key, checked, length, query=query)
        return hasher.hexdigest()

    async def _checked(
        self,
        body: AsyncIterator[bodies.Blocks],
        hasher: bodies.Hasher,
        expected: Digest | None,
        what: str,
    ) -> AsyncGenerator[bytes]:
        """The body, but its last block only when all is well: S3 drops a part without its end."""
        held = b""
        async for blocks in body:
            await self._threads.run_to_end(partial(bodies.feed, hasher, blocks))
            for block in blocks:
                if held:
                    yield held
                held = block
        if expected:
            bodies.verify(hasher, expected, what)
        yield held

    async def append(
        self, ref: UploadRef, offset: int, body: Body, *, digest: Digest | None, keep: Keep
    ) -> None:
        async with spool.opened(self._bucket, self._threads, self._workspace, ref, offset) as sink:
            await bodies.append(sink, ref, offset, body, digest=digest, keep=keep)
            await sink.forget()

    async def parts(self, ref: UploadRef) -> Sequence[StoredPart]:
        try:
            found = await self._bucket.parts(ref.key, ref.token)
        except FileNotFoundError:
            return []
        return [StoredPart(part["PartNumber"], part["Size"]) for part in found]

    async def finish(self, ref: UploadRef) -> None:
        with suppress(FileNotFoundError):  # it was finished before, unless the object is missing
            await self._complete(ref)
        found = await self.stat(ref.key)
        if found.size != ref.size:
            raise ValueError(f"{ref.key} has {found.size} bytes, not {ref.size}")
        await self.delete_all(keys.tails(ref.key, ref.token))

    async def _complete(self, ref: UploadRef) -> None:
        found = {part["PartNumber"]: part for part in await self._bucket.parts(ref.key, ref.token)}
        for number in range(1, ref.parts + 1):
            if number not in found or found[number]["Size"] != ref.length(number):
                raise ValueError(f"part {number} of {ref.key} is not there, or not whole")
        parts = [found[number] for number in range(1, ref.parts + 1)]
        await self._bucket.complete(ref.key, ref.token, parts)

    async def abort(self, ref: UploadRef) -> None:
        with suppress(FileNotFoundError):
            await self._bucket.abort(ref.key, ref.token)
        await self.delete_all(keys.tails(ref.key, ref.token))

    async def uploads(self) -> AsyncIterator[StoredUpload]:
        with suppress(FileNotFoundError):  # how some servers say that there is none
            async for page in self._bucket.uploads():
                for one in page.get("Uploads", []):
                    begun_at = one["Initiated"].astimezone(UTC)
                    yield StoredUpload(self._bucket.key(one["Key"]), one["UploadId"], begun_at)

    async def stat(self, key: str) -> ObjectInfo:
        head = await self._bucket.head(key)
        return ObjectInfo(key, head["ContentLength"], head["LastModified"].astimezone(UTC))

    async def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes]:
        if end is not None and end <= start:
            await self.stat(key)
            return
        with suppress(OutOfRange):
            async with aclosing(self._bucket.get(key, start, end)) as blocks:
                async for block in blocks:
                    yield block

    async def read_ranges(self, key: str, ranges: Sequence[range]) -> list[bytes]:
        return await bodies.together([self._read_range(key, wanted) for wanted in ranges])

    async def _read_range(self, key: str, wanted: range) -> bytes:
        found = b"".join([block async for block in self.read(key, wanted.start, wanted.stop)])
        if len(found) != len(wanted):
            raise ValueError(f"{wanted} is not within the object")
        return found

    @asynccontextmanager
    async def object_file(self, key: str) -> AsyncGenerator[Path]:
        async with self._downloaded(key, None, lambda _: None) as path:
            yield path

    @asynccontextmanager
    async def hashed_file(self, key: str, on_read: Heard) -> AsyncGenerator[HashedFile]:
        hasher = hashlib.sha256()
        async with self._downloaded(key, hasher, on_read) as path:
            yield HashedFile(path, hasher.hexdigest())

    @asynccontextmanager
    async def _downloaded(
        self, key: str, hasher: bodies.Hasher | None, on_read: Heard
    ) -> AsyncGenerator[Path]:
        path = self._workspace / uuid4().hex
        try:
            with await self._threads.run(partial(path.open, "xb", buffering=0)) as file:
                at = 0
                async for blocks, size in bodies.batches(self._bucket.get(key)):
                    await self._threads.run_to_end(
                        partial(files.write, file.fileno(), blocks, at, hasher)
                    )
                    at += size
                    on_read(size)
            yield path
        finally:
            await self._threads.run(partial(path.unlink, missing_ok=True))

    async def put_file(self, key: str, path: Path, content_type: str) -> None:
        with await self._threads.run(partial(path.open, "rb", buffering=0)) as file:
            descriptor = file.fileno()
            size = os.fstat(descriptor).st_size
            if size > _PUT_SIZE:
                await self._put_parts(key, descriptor, size, content_type)
            else:
                piece = files.Slice(self._threads, descriptor, 0, size)
                await self._bucket.put_slice(key, piece, headers={"content-type": content_type})

    async def _put_parts(self, key: str, descriptor: int, size: int, content_type: str) -> None:
        part_size = max(_PUT_SIZE, -(-size // _MOST_PARTS))
        ref = await self.begin(key, size, part_size, content_type)
        try:
            for number in range(1, ref.parts + 1):
                start, length = ref.offset(number), ref.length(number)
                piece = files.Slice(self._threads, descriptor, start, length)
                await self._bucket.put_slice(key, piece, query=spool.part_query(ref, number))
            await self._complete(ref)
        except BaseException:
            await self.abort(ref)
            raise

    async def delivery(
        self,
        key: str,
        ttl_s: int,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
    ) -> Redirect:
        wanted = {f"response-{name}": value for name, value in (headers or {}).items()}
        return Redirect(self._bucket.signed(method, key, ttl_s, query=wanted))

    async def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        async for page in self._bucket.objects(prefix):
            for one in page.get("Contents", []):
                modified_at = one["LastModified"].astimezone(UTC)
                yield ObjectInfo(self._bucket.key(one["Key"]), one["Size"], modified_at)

    async def delete(self, keys: Collection[str]) -> None:
        await self._bucket.delete(keys)

    async def delete_all(self, prefix: str) -> None:
        if not prefix.endswith("/"):
            raise ValueError(f"the prefix does not end in a slash: {prefix!r}")
        async for page in self._bucket.objects(prefix):
            await self._bucket.delete(
                [self._bucket.key(one["Key"]) for one in page.get("Contents", [])]
            )

    async def close(self) -> None:
        await self._resources.aclose()
