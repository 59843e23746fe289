"""Folders for files in the making. What a killed process left is removed by the next one."""

import fcntl
import shutil
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

RESERVE: Final = 512 << 20
"""Bytes of the disk that files of unknown size leave free."""


class Workspace:
    """One folder per process below `root`, held by a lock that ends with the process."""

    def __init__(self, root: Path, *, reserve: int = RESERVE) -> None:
        self.root = root
        self.reserve = reserve
        root.mkdir(parents=True, exist_ok=True)
        _remove_abandoned(root)
        self._folder = Path(tempfile.mkdtemp(dir=root, prefix="worker-"))
        self._lock = (self._folder / "lock").open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    @contextmanager
    def folder(self) -> Generator[Path]:
        """An empty folder that is removed with all it holds at the end of the block."""
        path = Path(tempfile.mkdtemp(dir=self._folder))
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)

    def close(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
        self._lock.close()


def _remove_abandoned(root: Path) -> None:
    for folder in root.glob("worker-*"):
        with suppress(BlockingIOError, FileNotFoundError), (folder / "lock").open("r+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(folder, ignore_errors=True)
