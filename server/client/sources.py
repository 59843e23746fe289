"""The local file that is sent."""

import asyncio
import hashlib
import os
import stat
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from server.client.errors import ClientError

BLOCK_BYTES = 256 * 1024
"""Bytes in memory for each chunk on its way."""
_SLICE_BYTES = 16 * 1024 * 1024
"""Bytes hashed in one call to a thread: long enough to be cheap, short enough for Ctrl-C."""


def ignore(_: int) -> None:
    """For readers that need not be told how far the reading is."""


@dataclass(frozen=True, slots=True)
class Source:
    """An open file. Every read raises `ClientError` when it is not the file it was."""

    path: Path
    size: int
    mtime_ns: int
    descriptor: int

    async def sha256(
        self, offset: int, length: int, *, on_read: Callable[[int], None] = ignore
    ) -> str:
        """The digest of a range in hexadecimal; `on_read` hears of each further bytes."""
        digest = hashlib.sha256()
        end = offset + length
        for start in range(offset, end, _SLICE_BYTES):
            size = min(_SLICE_BYTES, end - start)
            await asyncio.to_thread(self._feed, digest.update, start, size)
            on_read(size)
        self.check_unchanged()
        return digest.hexdigest()

    def _feed(self, update: Callable[[bytes], None], offset: int, length: int) -> None:
        end = offset + length
        for start in range(offset, end, BLOCK_BYTES):
            update(self._read(start, min(BLOCK_BYTES, end - start)))

    async def blocks(self, offset: int, length: int) -> AsyncGenerator[bytes]:
        """The bytes of a range, one block in memory at a time."""
        end = offset + length
        for start in range(offset, end, BLOCK_BYTES):
            yield await asyncio.to_thread(self._read, start, min(BLOCK_BYTES, end - start))

    def _read(self, offset: int, length: int) -> bytes:
        block = os.pread(self.descriptor, length, offset)
        if len(block) != length:
            raise self._changed()
        return block

    def check_unchanged(self) -> None:
        """Raise `ClientError` if somebody wrote to the file since it was opened."""
        now = os.fstat(self.descriptor)
        if (now.st_size, now.st_mtime_ns) != (self.size, self.mtime_ns):
            raise self._changed()

    def _changed(self) -> ClientError:
        return ClientError("The file changed while it was uploaded. Start again when it is whole.")


@contextmanager
def opened(path: Path) -> Generator[Source]:
    """Open a file that can be sent; raises `ClientError` for all else."""
    descriptor = _open(path)
    try:
        found = os.fstat(descriptor)
        if found.st_size == 0:
            raise ClientError("The file is empty.")
        yield Source(path.absolute(), found.st_size, found.st_mtime_ns, descriptor)
    finally:
        os.close(descriptor)


def _open(path: Path) -> int:
    try:
        mode = path.stat().st_mode
        if stat.S_ISDIR(mode):
            raise ClientError("This is a folder, not a file.")
        if not stat.S_ISREG(mode):  # to open a pipe would wait for its writer
            raise ClientError("This is not a regular file.")
        return os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    except FileNotFoundError:
        raise ClientError("There is no such file.") from None
    except OSError as failure:
        raise ClientError(f"The file cannot be read: {failure.strerror}.") from None
