"""How a server's process keeps memory, once all that stays for good has been made."""

import ctypes
import gc
from typing import Final

_TRIM_THRESHOLD: Final = -1
_MMAP_THRESHOLD: Final = -3
_KEPT: Final = 8 << 20
"""Bytes. Answers are a few hundred kilobytes."""


def settle() -> None:
    """Call it after the start, before the first request."""
    _spare_the_collector()
    _keep_freed_memory()


def _spare_the_collector() -> None:
    """Take what was made so far out of the garbage collector's sight.

    Going through all of it would hold every request up for more than 100 ms, now and then.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 50)  # a request makes thousands of objects, and few circles


def _keep_freed_memory() -> None:
    """Do not give the memory of each large answer back to the system, to be asked for again.

    That costs a page fault for every 4 KB of it.
    Other C libraries than glibc have no such setting, and no need of it.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_MMAP_THRESHOLD, _KEPT)
        mallopt(_TRIM_THRESHOLD, _KEPT)
