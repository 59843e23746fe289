"""`reelgraph worker` as a process of its own, which can be killed and started again."""

import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path

import httpx

from tests.support import processes


class WorkerProcess:
    """One at a time, with its log in `log`; it answers /healthz and /metrics."""

    def __init__(self, environment: Mapping[str, str], log: Path) -> None:
        self._environment = environment
        self._log = log
        self._process: subprocess.Popen[bytes] | None = None
        self._url = f"http://127.0.0.1:{processes.free_port()}"

    @property
    def process(self) -> "subprocess.Popen[bytes]":
        assert self._process is not None, "start() comes first"
        return self._process

    def start(self, *arguments: str) -> None:
        with self._log.open("a") as log:
            self._process = subprocess.Popen(
                processes.command("worker", "--health", self._url[7:], *arguments),
                env=dict(self._environment),
                stderr=log,
            )

    async def health(self) -> tuple[int, str]:
        """The status and what is said with it; 0 while nobody answers."""
        try:
            answer = await self._get("/healthz")
        except httpx.TransportError:
            return 0, ""
        return answer.status_code, answer.json()["status"]

    async def is_well(self) -> bool:
        return await self.health() == (200, "ok")

    async def metrics(self) -> dict[str, float]:
        """Each sample by its name and labels, as they are written."""
        lines = (await self._get("/metrics")).text.splitlines()
        samples = [line.rpartition(" ") for line in lines if not line.startswith("#")]
        return {name: float(value) for name, _, value in samples}

    async def _get(self, path: str) -> httpx.Response:
        async with httpx.AsyncClient(base_url=self._url, trust_env=False) as client:
            return await client.get(path, timeout=10)

    def log(self) -> str:
        return self._log.read_text()

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self._process = None

    def stop(self) -> int:
        """Ask it to end; returns its exit code."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(timeout=30)
        self._process = None
        return code

    def close(self) -> None:
        if self._process is not None:
            self.kill()
