"""The product as its operators run it: a process of its own, on embedded defaults."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

from db.embedded import EmbeddedPostgres
from tests.support import postgres
from tests.support.api import Api

ROOT = Path(__file__).parent.parent.parent
KEPT = ("PATH", "COVERAGE_PROCESS_START", "COVERAGE_PROCESS_CONFIG")


def command(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "server.cli", *arguments]


def environment(**values: str) -> dict[str, str]:
    """No home and no settings but these."""
    kept = {name: value for name, value in os.environ.items() if name in KEPT}
    return {**kept, "HOME": "/nonexistent", "PYTHONPATH": str(ROOT), **values}


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """`reelgraph serve` on one data folder and one port; can be killed and started again."""

    def __init__(self, data_dir: Path, **settings: str) -> None:
        self.data_dir = data_dir
        self._settings = settings
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.banner: list[str] = []
        self._process: subprocess.Popen[str] | None = None

    @property
    def process(self) -> "subprocess.Popen[str]":
        assert self._process is not None, "start() comes first"
        return self._process

    @property
    def environment(self) -> dict[str, str]:
        return environment(
            REELGRAPH_DATA_DIR=str(self.data_dir),
            REELGRAPH_PORT=str(self.port),
            REELGRAPH_URL=self.url,
            **self._settings,
        )

    def start(self, *arguments: str) -> None:
        """Return when the server says that it is ready."""
        with (self.data_dir / "server.log").open("a") as log:
            self._process = subprocess.Popen(
                command("serve", *arguments),
                cwd=self.data_dir,
                env=self.environment,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )
        assert self._process.stdout is not None
        self.banner = [self._process.stdout.readline().rstrip("\n") for _ in range(5)]
        assert self.banner[0] == f"Reelgraph is ready at {self.url}", self.log()

    def log(self) -> str:
        return (self.data_dir / "server.log").read_text()

    def kill(self) -> None:
        """What a crash or the kernel does: no chance to clean up."""
        self.process.kill()
        self._reap()

    def stop(self, number: signal.Signals = signal.SIGTERM) -> int:
        """Ask it to end; returns its exit code."""
        self.process.send_signal(number)
        return self._reap()

    def _reap(self) -> int:
        code = self.process.wait(timeout=30)
        if self.process.stdout is not None:
            self.process.stdout.close()
        self._process = None
        return code

    def close(self) -> None:
        if self._process is not None:
            self.kill()
        if (self.data_dir / "postgres").exists():
            self._stop_database()

    def _stop_database(self) -> None:
        """A killed server leaves its database to the next user; be that, and leave."""
        database = EmbeddedPostgres(self.data_dir / "postgres")
        database.start()
        database.stop()

    def api(self) -> Api:
        return Api(self.url, (self.data_dir / "api-key").read_text().strip())


@contextmanager
def server(**settings: str) -> Generator[Server]:
    """A server on a data folder of its own, not started yet."""
    with postgres.folder() as folder:
        one = Server(folder, **settings)
        try:
            yield one
        finally:
            one.close()


def run(*arguments: str, **values: str) -> "subprocess.CompletedProcess[str]":
    """A command to its end, with nothing in its environment but `values`."""
    return subprocess.run(
        command(*arguments),
        env=environment(**values),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
