"""Memory that is held back and given free just when a server needs it.

A virtual machine may hand free memory back to its host after a few seconds, and pays for it at
the next use: writing to a file then takes up to five times the CPU. Which server that hits is
chance. With this, every page of a file comes from memory that is free for milliseconds.
"""

import mmap
from collections import deque

STEP = 8 << 20
SPARE = 64 << 20
"""Bytes for all else that a server needs during a turn."""


class Ballast:
    """Touched pages for `size` bytes of files."""

    def __init__(self, size: int) -> None:
        flags = mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS | mmap.MAP_POPULATE
        count = -(-(size + SPARE) // STEP)
        self._held = deque(mmap.mmap(-1, STEP, flags=flags) for _ in range(count))
        self._owed = SPARE
        self.release(0)

    def release(self, size: int) -> None:
        """Give this many bytes free; safe from several threads."""
        self._owed += size
        while self._owed > 0 and self._held:
            self._owed -= STEP
            self._held.popleft().close()

    def close(self) -> None:
        while self._held:
            self._held.pop().close()
