"""Rules of an upload. Chunks are numbered from 1; sizes are bytes."""

import math
from collections.abc import Collection
from dataclasses import dataclass
from enum import StrEnum

from domain.errors import InvalidArgument, LimitExceeded

KIB, MIB, GIB = 1 << 10, 1 << 20, 1 << 30

MAX_CHUNKS = 10_000
MIN_CHUNK_SIZE = 64 * KIB
"""The least size of every chunk but the last; a store may ask for more."""
MAX_CHUNK_SIZE = 1 * GIB
SUGGESTED_CHUNK_SIZE = 8 * MIB
MAX_TARGETS = 1_000
"""Chunks for which one request may ask links."""
MAX_PARTIALS = 64
"""Partial uploads that one upload may be put together from."""
MAX_SECONDS = 2**31
"""What takes longer, in effect never ends; nor does GraphQL's Int hold it."""
SPEED_WINDOW_S = 10
"""Bytes that came longer ago than this hardly count in an upload's speed."""


@dataclass(frozen=True)  # without slots: its defaults are those of the settings, too
class UploadLimits:
    """What the operator allows. Sizes are bytes; a quota of None has no end."""

    file_size: int = 256 * GIB
    small_file_size: int = 64 * MIB
    """A file that comes in the body of a GraphQL request."""
    open_sessions: int = 100
    """Sessions of one account that wait for bytes."""
    session_hours: int = 24
    """How long a session takes chunks after its creation."""
    storage_quota: int | None = None
    """What the files of one account may have together."""
    possession_ranges: int = 16
    """Pieces of a file that are asked of whoever says to have it."""


class UploadStatus(StrEnum):
    WAITING = "waiting"
    UPLOADING = "uploading"
    VERIFYING = "verifying"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    EXPIRED = "expired"


class UploadPurpose(StrEnum):
    """What becomes of the file."""

    VIDEO = "video"
    OBJECT = "object"
    """Only kept, for `createVideo` or as a cover."""
    PARTIAL = "partial"
    """A piece that another upload is put together from."""


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

    def reached(self, offset: int) -> int:
        """How many chunks lie wholly before `offset`."""
        return self.total if offset >= self.file_size else offset // self.chunk_size

    def missing(self, received: Collection[int]) -> list[int]:
        return [number for number in range(1, self.total + 1) if number not in received]


def plan_chunks(
    file_size: int,
    *,
    chunk_size: int | None = None,
    total_chunks: int | None = None,
    least: int = MIN_CHUNK_SIZE,
    most: int = UploadLimits.file_size,
) -> ChunkPlan:
    """The plan the client asks for, or ours. Either wish may be left out; both must agree.

    `least` is what the store wants of every chunk but the last; `most`, of the whole file.
    """
    _check_range("fileSize", file_size, 1, most)
    if chunk_size is None:
        chunk_size = _chunk_size_for(file_size, total_chunks)
    plan = ChunkPlan(file_size, chunk_size)
    if chunk_size < file_size:  # a single chunk may be of any size
        _check_range("chunkSize", chunk_size, least, MAX_CHUNK_SIZE)
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


def count_chunks(file_size: int, chunk_size: int) -> int:
    return ChunkPlan(file_size, chunk_size).total


def percent(received: int, file_size: int) -> float:
    """Part of the bytes that has arrived, 0.0 to 100.0."""
    return round(100 * received / file_size, 2)


def seconds_left(received: int, file_size: int, speed: float | None) -> int | None:
    """How long the rest takes at this many bytes a second; None while nobody can say."""
    left = file_size - received
    if left <= 0:
        return 0
    seconds = left / speed if speed else math.inf
    return math.ceil(seconds) if seconds < MAX_SECONDS else None


def _check_range(name: str, value: int, least: int, most: int) -> None:
    if value < least:
        raise InvalidArgument(f"{name} is {value}; it must be at least {least}.", path=(name,))
    if value > most:
        raise LimitExceeded(name, limit=most, actual=value, path=(name,))
