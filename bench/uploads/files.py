"""What is uploaded: parts of one file of noise, different at each upload in its last bytes."""

import base64
import hashlib
import os
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, Self

from client import Body

MIB = 1 << 20
PART = 8 * MIB
TAIL = 16
"""Bytes at the end of an upload that no other one has."""
BLOCK = 16 * MIB


@dataclass(frozen=True, slots=True)
class Part:
    number: int
    """From 1."""
    body: Body
    checksum: str
    """SHA-256 in base64."""


@dataclass(frozen=True, slots=True)
class Upload:
    size: int
    sha256: str
    parts: list[Part]


class Digest(Protocol):
    def update(self, data: bytes, /) -> None: ...
    def digest(self) -> bytes: ...
    def copy(self) -> Self: ...


class Noise:
    """Uploads of one size. Their hashes are made once, up to the last bytes."""

    def __init__(self, descriptor: int, size: int, part_size: int) -> None:
        self._descriptor = descriptor
        self._size = size
        self._whole = hashlib.sha256()
        self._parts: list[Part] = []
        last = (size - 1) // part_size * part_size
        for offset in range(0, last, part_size):
            digest = self._hash(offset, part_size)
            body = Body(descriptor, offset, part_size)
            self._parts.append(Part(len(self._parts) + 1, body, _base64(digest)))
        self._last_offset = last
        self._last = self._hash(last, size - TAIL - last)
        self._made = 0

    def _hash(self, offset: int, length: int) -> Digest:
        digest = hashlib.sha256()
        for place in range(offset, offset + length, BLOCK):
            block = os.pread(self._descriptor, min(BLOCK, offset + length - place), place)
            digest.update(block)
            self._whole.update(block)
        return digest

    def next(self) -> Upload:
        """Not for two threads at a time."""
        self._made += 1
        tail = self._made.to_bytes(TAIL, "big")
        whole, last = self._whole.copy(), self._last.copy()
        whole.update(tail)
        last.update(tail)
        length = self._size - TAIL - self._last_offset
        body = Body(self._descriptor, self._last_offset, length, tail)
        part = Part(len(self._parts) + 1, body, _base64(last))
        return Upload(self._size, whole.hexdigest(), [*self._parts, part])


def _base64(digest: Digest) -> str:
    return base64.b64encode(digest.digest()).decode()


@contextmanager
def noise(path: Path, size: int) -> Generator[int]:
    """A file of `size` bytes that is no video, open to be read."""
    block = os.urandom(BLOCK)
    with path.open("wb") as file:
        for start in range(0, size, BLOCK):
            file.write(block[: size - start])
    descriptor = os.open(path, os.O_RDONLY)
    try:
        yield descriptor
    finally:
        os.close(descriptor)
        path.unlink()
