"""Keeping two requests from writing the same part at once."""

import fcntl
import os
import struct
from collections.abc import Generator
from contextlib import contextmanager

from domain.errors import PartBusy
from storage.base import PartTarget

_RANGE_LOCK = struct.Struct("hhqqi4x")
"""`struct flock`: type, whence, start, length, pid (0)."""


@contextmanager
def part_lock(descriptor: int, target: PartTarget) -> Generator[None]:
    """Hold the part's range of the upload's file; raises `PartBusy` at once, never waits.

    The kernel's open-file-description lock excludes every other descriptor, in this process
    and others, and ends with its own, so also with `kill -9`. Where it is missing (macOS) two
    writers could mix their bytes; the check of the whole file then finds it.
    """
    if not _lock_range(descriptor, target):
        raise PartBusy(target.number)
    yield


def _lock_range(descriptor: int, target: PartTarget) -> bool:
    command: int | None = getattr(fcntl, "F_OFD_SETLK", None)
    if command is None:
        return True
    lock = _RANGE_LOCK.pack(fcntl.F_WRLCK, os.SEEK_SET, target.offset, target.length, 0)
    try:
        fcntl.fcntl(descriptor, command, lock)
    except BlockingIOError:
        return False
    return True
