"""A server without a worker, its database, and real workers that come and go."""

import os
import subprocess
import sys
import tempfile
import time
import uuid
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, LiteralString

import psycopg

from db.embedded import EmbeddedPostgres

ROOT = Path(__file__).parent.parent.parent
WAIT_S = 600
POLL_S = 0.02


class House:
    """Below one folder. `settings` are environment variables of every process."""

    def __init__(self, folder: Path, **settings: str) -> None:
        self.folder = folder
        self._environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(folder),
            "PYTHONPATH": str(ROOT),
            "REELGRAPH_DATA_DIR": str(folder),
            "REELGRAPH_PORT": "0",
            "REELGRAPH_LOG_LEVEL": "error",
            **settings,
        }
        self._running: list[subprocess.Popen[str]] = []
        output = self._start("serve", "--no-worker").stdout
        banner = output.readline() if output else ""
        self.url = banner.strip().rpartition(" ")[2]
        self._environment["REELGRAPH_URL"] = self.url
        self.api_key = (folder / "api-key").read_text().strip()
        database = EmbeddedPostgres(folder / "postgres").url()
        self._database = psycopg.connect(database, autocommit=True)

    def _start(self, *arguments: str, core: int | None = None) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            [*on(core), sys.executable, "-m", "server.cli", *arguments],
            cwd=self.folder,
            env=self._environment,
            stdout=subprocess.PIPE if arguments[0] == "serve" else subprocess.DEVNULL,
            stderr=subprocess.DEVNULL if arguments[0] == "upload" else None,
            text=True,
        )
        self._running.append(process)
        return process

    def start_worker(self, *arguments: str, core: int | None = None) -> int:
        """The pid of another worker, which gets ready meanwhile; on one core, if it is named."""
        return self._start("worker", *arguments, core=core).pid

    def upload(self, film: Path) -> None:
        """Other bytes each time, so that nothing is shared with an earlier one."""
        path = self.folder / f"{uuid.uuid4().hex}.mp4"
        path.write_bytes(film.read_bytes() + (24).to_bytes(4) + b"free" + uuid.uuid4().bytes)
        self._start("upload", str(path))

    def rows(self, query: LiteralString, *values: object) -> list[tuple[Any, ...]]:
        return self._database.execute(query, values).fetchall()

    def kill(self, pid: int) -> None:
        process = self._process(pid)
        process.kill()
        process.wait()

    def stop(self, pid: int) -> None:
        process = self._process(pid)
        process.terminate()
        process.wait()

    def _process(self, pid: int) -> "subprocess.Popen[str]":
        return next(one for one in self._running if one.pid == pid)

    def close(self) -> None:
        self._database.close()
        for process in reversed(self._running):
            process.terminate()
            process.wait()


@contextmanager
def house(**settings: str) -> Generator[House]:
    with tempfile.TemporaryDirectory(prefix="house-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # the database's own account has to pass
        one = House(folder, **settings)
        try:
            yield one
        finally:
            one.close()


def on(core: int | None) -> list[str]:
    """What comes before a command that may use this core only, with all that it starts."""
    return [] if core is None else ["taskset", "--cpu-list", str(core)]


def until(what: str, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + WAIT_S
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit(f"{what}: not within {WAIT_S} seconds")
        time.sleep(POLL_S)
