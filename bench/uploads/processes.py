"""Server processes: how they are started and ended, and what CPU time and memory they took."""

import contextlib
import os
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

START_TIMEOUT_S = 60
STOP_TIMEOUT_S = 20
TICKS = os.sysconf("SC_CLK_TCK")
CPU_CLOCK = 2
"""CPUCLOCK_SCHED: all that the threads of a process ran, by the scheduler, in nanoseconds."""
RESET_PEAK = "5"
"""What resets VmHWM of a process when it is written to its clear_refs; see proc(5)."""


class ServerFailed(Exception):
    """A server does not start, or does not answer as it must."""


class Process:
    """A server's process that runs until `stop`, and all that it starts."""

    def __init__(
        self, name: str, command: Sequence[str], folder: Path, environment: Mapping[str, str]
    ) -> None:
        self.name = name
        kept = {"PATH": os.environ["PATH"], "HOME": str(folder)}
        self._process = subprocess.Popen(
            command,
            cwd=folder,
            env={**kept, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
        )

    @property
    def pid(self) -> int:
        return self._process.pid

    def wait_until_ready(self, port: int) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while self._process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                return
            time.sleep(0.05)
        raise ServerFailed(f"{self.name} does not start; what it said is above")

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(STOP_TIMEOUT_S)
        except subprocess.TimeoutExpired:
            print(f"{self.name} does not stop; it is killed", file=sys.stderr)
            self._process.kill()
            self._process.wait()


def cpu_s(pid: int, *, besides: int | None = None) -> float:
    """CPU seconds of a process and those below it, without `besides` and those below that one."""
    total = time.clock_gettime((~pid << 3) | CPU_CLOCK) + _of_ended_children(pid)
    for child in _children(pid):
        if child != besides:
            with contextlib.suppress(OSError):  # ended by now: its time is the parent's
                total += cpu_s(child, besides=besides)
    return total


def _of_ended_children(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / TICKS


def _children(pid: int) -> list[int]:
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return [int(child) for one in lists for child in one.read_text().split()]


def reset_peak(pid: int) -> None:
    Path(f"/proc/{pid}/clear_refs").write_text(RESET_PEAK)


def resident(pid: int) -> tuple[int, int]:
    """Resident bytes of one process: now, and at the most since `reset_peak`."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    found = {name: rest.split() for name, _, rest in (one.partition(":") for one in lines)}
    return int(found["VmRSS"][0]) * 1024, int(found["VmHWM"][0]) * 1024


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
