"""What is kept to be used again, and never grows beyond what was decided."""

import sys
from collections import OrderedDict
from collections.abc import Hashable
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class Bounded(Generic[K, V]):
    """Keeps what was used last, within a number of entries and a sum of bytes.

    It belongs to one thread, as the event loop's work does.
    """

    def __init__(self, *, entries: int, bytes: int = sys.maxsize) -> None:
        self._entries = entries
        self._bytes = bytes
        self._kept: OrderedDict[K, tuple[V, int]] = OrderedDict()
        self.bytes = 0

    def __len__(self) -> int:
        return len(self._kept)

    def get(self, key: K) -> V | None:
        found = self._kept.get(key)
        if found is None:
            return None
        self._kept.move_to_end(key)
        return found[0]

    def put(self, key: K, value: V, *, bytes: int = 0) -> None:
        replaced = self._kept.pop(key, None)
        self.bytes += bytes - (replaced[1] if replaced else 0)
        self._kept[key] = value, bytes
        while len(self._kept) > self._entries or self.bytes > self._bytes:
            _, (_, freed) = self._kept.popitem(last=False)
            self.bytes -= freed
