"""Where a generator takes its numbers from: bytes that Hypothesis draws, and makes simpler.

A document is what a generator makes of a list of numbers. Smaller numbers make a simpler
document, and any numbers make a valid one. Hypothesis draws all of them at once: to draw each
by itself would take longer than to execute the document.
"""

from typing import Final

BYTES: Final = 640
"""After these every number is 0, which adds nothing more to a document."""


class Choices:
    def __init__(self, drawn: bytes) -> None:
        self._drawn = iter(drawn)

    def below(self, count: int) -> int:
        """0 to `count` - 1, all alike; at most 65,536 of them."""
        if count <= 1 << 8:
            return self._byte() * count >> 8
        return (self._byte() << 8 | self._byte()) * count >> 16

    def _byte(self) -> int:
        return next(self._drawn, 0)
