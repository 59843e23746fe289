"""Rules of a chunked upload. Chunks are numbered from 1; sizes are bytes."""

from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from domain.errors import InvalidArgument, LimitExceeded

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30

MAX_FILE_SIZE = 256 * GIB
MAX_CHUNKS = 10_000
MIN_CHUNK_SIZE = 64 * KIB
"""The least size of every chunk but the last."""
MAX_CHUNK_SIZE = 1 * GIB
SUGGESTED_CHUNK_SIZE = 8 * MIB
MAX_TARGETS = 1_000
"""Chunks for which one request may ask links."""
SESSION_HOURS = 24
"""How long a session takes chunks after its creation."""


class UploadStatus(StrEnum):
    WAITING = "waiting"
    UPLOADING = "uploading"
    VERIFYING = "verifying"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


TAKES_CHUNKS = (UploadStatus.WAITING, UploadStatus.UPLOADING)
OPEN = (*TAKES_CHUNKS, UploadStatus.VERIFYING)


@dataclass(frozen=True, slots=True)
class ChunkPlan:
    """How a file of `file_size` bytes is cut: equal chunks, and a last one of what is left."""

    file_size: int
    chunk_size: int

    @property
    def total(self) -> int:
        return -(-self.file_size // self.chunk_size)

    def length(self, number: int) -> int:
        return min(self.chunk_size, self.file_size - self.offset(number))

    def offset(self, number: int) -> int:
        return (number - 1) * self.chunk_size

    def holds(self, number: int) -> bool:
        return 1 <= number <= self.total

    def missing(self, received: Collection[int]) -> list[int]:
        return [number for number in range(1, self.total + 1) if number not in received]


def plan_chunks(
    file_size: int, *, chunk_size: int | None = None, total_chunks: int | None = None
) -> ChunkPlan:
    """The plan the client asks for, or ours. Either wish may be left out; both must agree."""
    _check_range("fileSize", file_size, 1, MAX_FILE_SIZE)
    if chunk_size is None:
        chunk_size = _chunk_size_for(file_size, total_chunks)
    plan = ChunkPlan(file_size, chunk_size)
    if chunk_size < file_size:  # a single chunk may be of any size
        _check_range("chunkSize", chunk_size, MIN_CHUNK_SIZE, MAX_CHUNK_SIZE)
    if chunk_size < 1:
        raise InvalidArgument("chunkSize must be at least 1.", path=("chunkSize",))
    _check_range("chunkSize", min(chunk_size, file_size), 1, MAX_CHUNK_SIZE)
    _check_range("totalChunks", plan.total, 1, MAX_CHUNKS)
    if total_chunks not in (None, plan.total):
        raise InvalidArgument(
            f"A file of {file_size} bytes in chunks of {chunk_size} bytes has {plan.total} chunks,"
            f" not {total_chunks}.",
            path=("totalChunks",),
        )
    return plan


def _chunk_size_for(file_size: int, total_chunks: int | None) -> int:
    if total_chunks is not None:
        _check_range("totalChunks", total_chunks, 1, MAX_CHUNKS)
        return -(-file_size // total_chunks)
    return max(SUGGESTED_CHUNK_SIZE, -(-file_size // MAX_CHUNKS))


def _check_range(name: str, value: int, least: int, most: int) -> None:
    if value < least:
        raise InvalidArgument(f"{name} is {value}; it must be at least {least}.", path=(name,))
    if value > most:
        raise LimitExceeded(name, limit=most, actual=value, path=(name,))
