"""What every object store can do."""

from collections.abc import AsyncIterator, Callable, Collection
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol


@dataclass(frozen=True, slots=True)
class PartTarget:
    """Where one part of an upload goes. Sizes and offsets are bytes."""

    upload: str
    number: int
    offset: int
    length: int


@dataclass(frozen=True, slots=True)
class LocalFile:
    """An object that this machine can read as a file."""

    path: Path


class PartWriter(Protocol):
    """A part that nobody else can write at this moment."""

    async def write(self, body: AsyncIterator[bytes], *, sha256: str | None) -> str:
        """Stream the body to its place and return its SHA-256 in hexadecimal.

        Raises `IncompleteBody` (too short or too long) and `ChecksumMismatch` against `sha256`.
        From the first byte until it returns, the part's content is undefined.
        """
        ...


class ObjectStore(Protocol):
    """Bytes under keys, and uploads that become objects when they are whole.

    Keys use `/` and are made in `storage.keys`. A missing object or upload is
    `FileNotFoundError` everywhere; a full store is `domain.errors.StorageFull`.
    """

    async def begin(self, upload: str, size: int) -> None:
        """Make room for an upload of `size` bytes. Calling it again changes nothing."""
        ...

    def part(self, target: PartTarget) -> AbstractAsyncContextManager["PartWriter"]:
        """Hold one part of an upload for writing, as long as the block lasts.

        Raises `PartBusy` while another request holds it, in this or another process.
        """
        ...

    async def digest(self, upload: str, on_read: Callable[[int], None]) -> str:
        """SHA-256 of the whole upload; `on_read` hears of the bytes read, from any thread."""
        ...

    def upload_file(self, upload: str) -> AbstractAsyncContextManager[Path]:
        """The upload as a file to read, as long as the block lasts."""
        ...

    async def finish(self, upload: str, key: str) -> None:
        """Make the upload the object `key`, safely on disk. The upload stays until `abort`.

        Calling it again changes nothing, so a job that was killed can repeat it.
        """
        ...

    async def abort(self, upload: str) -> None:
        """Remove the upload; an unknown one is not an error."""
        ...

    def object_file(self, key: str) -> AbstractAsyncContextManager[Path]:
        """The object as a file to read, as long as the block lasts."""
        ...

    async def put_file(self, key: str, path: Path) -> None:
        """Store a finished file, which may be moved away. Replaces the object."""
        ...

    async def delivery(self, key: str) -> LocalFile:
        """How the server hands the object to a player, who learns whether it is there."""
        ...

    async def delete(self, keys: Collection[str]) -> None:
        """Remove objects; unknown ones are not an error."""
        ...

    async def delete_all(self, prefix: str) -> None:
        """Remove every object whose key begins with `prefix`, which ends in `/`."""
        ...
