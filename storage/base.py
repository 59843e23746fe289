"""What every object store can do."""

from collections.abc import (
    AsyncGenerator,
    AsyncIterator,
    Awaitable,
    Callable,
    Collection,
    Mapping,
    Sequence,
)
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Protocol, TypeAlias


@dataclass(frozen=True, slots=True)
class UploadRef:
    """An upload that has begun, as its session's row remembers it. Sizes are bytes."""

    key: str
    """The object that it becomes."""
    size: int
    part_size: int
    """Bytes of every part but the last. Parts are numbered from 1."""
    token: str
    """The store's own name of the upload."""

    def offset(self, number: int) -> int:
        return (number - 1) * self.part_size

    def length(self, number: int) -> int:
        return min(self.part_size, self.size - self.offset(number))

    @property
    def parts(self) -> int:
        return max(1, -(-self.size // self.part_size))


@dataclass(frozen=True, slots=True)
class SignedRequest:
    """A request that a stranger may send to the store itself, until its time is over."""

    method: str
    url: str
    headers: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class StoredPart:
    """A part that lies in the store. The size is bytes."""

    number: int
    size: int


@dataclass(frozen=True, slots=True)
class StoredUpload:
    """An upload that the store knows of, whoever else does."""

    key: str | None
    """The object that it is to become; None where the store does not say."""
    token: str
    begun_at: datetime


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """An object and its size in bytes."""

    key: str
    size: int
    modified_at: datetime


@dataclass(frozen=True, slots=True)
class Digest:
    """What a body must hash to. `algorithm` is a name that `hashlib.new` knows."""

    algorithm: str
    value: bytes


@dataclass(frozen=True, slots=True)
class LocalFile:
    """An object that this machine can read as a file."""

    path: Path


@dataclass(frozen=True, slots=True)
class Redirect:
    """An object that the player fetches from the store itself."""

    url: str


@dataclass(frozen=True, slots=True)
class HashedFile:
    """An object as a local file, and its SHA-256 in hexadecimal."""

    path: Path
    sha256: str


Body: TypeAlias = AsyncIterator[bytes]
Keep: TypeAlias = Callable[[int], Awaitable[None]]
Heard: TypeAlias = Callable[[int], None]


class ObjectStore(Protocol):
    """Bytes under keys, and uploads that become objects when they are whole.

    Keys use `/` and are made in `storage.keys`. A missing object or upload is
    `FileNotFoundError` everywhere; a full store is `domain.errors.StorageFull`, and one that
    asks for patience or does not answer is `domain.errors.StorageBusy`.

    Nothing here excludes others: who writes to an upload holds its lock (`db.locks`).
    """

    @property
    def least_part(self) -> int:
        """Bytes that every part but the last must have."""
        ...

    @property
    def direct(self) -> bool:
        """Whether clients send parts to the store itself: see `part_request`."""
        ...

    async def begin(self, key: str, size: int, part_size: int, content_type: str) -> UploadRef:
        """Make room for an upload of `size` bytes that is to become the object `key`."""
        ...

    def part_request(self, ref: UploadRef, number: int, ttl_s: int) -> SignedRequest | None:
        """How a client sends a part to the store itself; None when it sends it to us.

        Costs no I/O and at most 100 microseconds.
        """
        ...

    async def write_part(
        self, ref: UploadRef, number: int, body: Body, *, sha256: str | None
    ) -> str:
        """Stream the body to its place and return its SHA-256 in hexadecimal.

        Raises `IncompleteBody` (too short or too long) and `ChecksumMismatch` against `sha256`.
        From the first byte until it returns, the part's content is undefined.
        """
        ...

    async def append(
        self, ref: UploadRef, offset: int, body: Body, *, digest: Digest | None, keep: Keep
    ) -> None:
        """Stream the body to the bytes from `offset` on. For an upload whose bytes come in order.

        `keep` hears the offset up to which bytes are kept: now and then, and at the end, also
        when the body raises. With a `digest` it hears nothing before all bytes were checked,
        and after a mismatch what was kept before is unchanged. Raises `ChecksumMismatch`, and
        `IncompleteBody` when the body goes on after the last byte of the upload.
        """
        ...

    async def parts(self, ref: UploadRef) -> Sequence[StoredPart]:
        """Parts that clients sent to the store itself, ascending."""
        ...

    async def finish(self, ref: UploadRef) -> None:
        """Make the upload its object, safely stored. Every part of it must be there.

        Calling it again changes nothing, so a job that was killed can repeat it.
        """
        ...

    async def abort(self, ref: UploadRef) -> None:
        """Remove what the upload holds; an unknown one is not an error. The object stays."""
        ...

    def uploads(self) -> AsyncIterator[StoredUpload]:
        """Every upload that has begun and was not aborted."""
        ...

    async def stat(self, key: str) -> ObjectInfo: ...

    def read(self, key: str, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes]:
        """The object's bytes from `start` to before `end`. Whoever stops early closes it."""
        ...

    async def read_ranges(self, key: str, ranges: Sequence[range]) -> list[bytes]:
        """These bytes of the object; a range must lie within it."""
        ...

    def object_file(self, key: str) -> AbstractAsyncContextManager[Path]:
        """The object as a file to read, as long as the block lasts."""
        ...

    def hashed_file(self, key: str, on_read: Heard) -> AbstractAsyncContextManager[HashedFile]:
        """As `object_file`, with its digest; `on_read` hears of bytes read, from any thread."""
        ...

    async def put_file(self, key: str, path: Path, content_type: str) -> None:
        """Store a finished file, which may be moved away. Replaces the object."""
        ...

    async def delivery(
        self,
        key: str,
        ttl_s: int,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
    ) -> LocalFile | Redirect:
        """How the object gets to a player, who learns whether it is there.

        Where the player is sent elsewhere, only its `method`, GET or HEAD, is good there, and
        `headers` are what it is answered with: `content-type` and `content-disposition`.
        """
        ...

    def list(self, prefix: str) -> AsyncIterator[ObjectInfo]:
        """Every object whose key begins with `prefix`, in no particular order."""
        ...

    async def delete(self, keys: Collection[str]) -> None:
        """Remove objects; unknown ones are not an error."""
        ...

    async def delete_all(self, prefix: str) -> None:
        """Remove every object whose key begins with `prefix`, which ends in `/`."""
        ...

    async def close(self) -> None: ...
