"""Bytes that come in order, on their way into the parts of an S3 upload.

They end anywhere, but only whole parts can be uploaded: what is left of an unfinished part lies
beside, as an object, until the next bytes come.
"""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile

from storage import bodies, files, keys
from storage.base import UploadRef
from storage.bucket import Bucket


def part_query(ref: UploadRef, number: int) -> dict[str, str]:
    """What makes a PUT of the object one of a part."""
    return {"partNumber": str(number), "uploadId": ref.token}


def _tail(ref: UploadRef, number: int) -> str:
    """One for each part: the offset that is remembered may still lie in the part before."""
    return f"{keys.tails(ref.key, ref.token)}{number}"


@asynccontextmanager
async def opened(
    bucket: Bucket, threads: files.FileThreads, folder: Path, ref: UploadRef, offset: int
) -> AsyncGenerator["PartSink"]:
    """A sink at `offset`, with an unnamed file in `folder` for the part that is being filled."""
    with TemporaryFile(dir=folder, buffering=0) as file:
        yield PartSink(bucket, threads, file.fileno(), ref, offset)


class PartSink:
    """Fills a part in a file and uploads it when it is full. A `bodies.Sink`."""

    def __init__(
        self,
        bucket: Bucket,
        threads: files.FileThreads,
        descriptor: int,
        ref: UploadRef,
        offset: int,
    ) -> None:
        self._bucket = bucket
        self._threads = threads
        self._descriptor = descriptor
        self._ref = ref
        self._number = self._first = offset // ref.part_size + 1
        self._at = self._settled = offset
        self._has_tail = offset > self._start
        self._loaded = not self._has_tail

    @property
    def _start(self) -> int:
        return self._ref.offset(self._number)

    @property
    def _end(self) -> int:
        return self._start + self._ref.length(self._number)

    async def write(self, blocks: bodies.Blocks, hasher: bodies.Hasher | None) -> int:
        await self._load()
        while blocks:
            head, blocks = bodies.split(blocks, self._end - self._at)
            await self._write(head, hasher)
            if self._at == self._end:
                await self._upload()
        return self._settled

    async def settle(self) -> int:
        if self._at <= self._settled:
            return self._settled
        if self._at == self._end:  # its upload failed just now
            await self._upload()
        else:
            await self._bucket.put_slice(_tail(self._ref, self._number), self._filled())
            self._settled = self._at
        return self._settled

    async def forget(self) -> None:
        """Remove the tail with which this began, when its part is whole and that is remembered."""
        if self._has_tail and self._number > self._first:
            await self._bucket.delete([_tail(self._ref, self._first)])

    async def _load(self) -> None:
        """Begin with what was left of this part."""
        if self._loaded:
            return
        offset, self._at = self._at, self._start
        tail = _tail(self._ref, self._number)
        async for block in self._bucket.get(tail, 0, offset - self._start):
            await self._write([block], None)
        if self._at != offset:
            raise FileNotFoundError(f"{tail} has no {offset - self._start} bytes")
        self._loaded = True

    async def _write(self, blocks: bodies.Blocks, hasher: bodies.Hasher | None) -> None:
        place = self._at - self._start
        await self._threads.run_to_end(
            partial(files.write, self._descriptor, blocks, place, hasher)
        )
        self._at += sum(map(len, blocks))

    async def _upload(self) -> None:
        query = part_query(self._ref, self._number)
        await self._bucket.put_slice(self._ref.key, self._filled(), query=query)
        self._settled = self._at
        self._number += 1

    def _filled(self) -> files.Slice:
        return files.Slice(self._threads, self._descriptor, 0, self._at - self._start)
