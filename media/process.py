"""Programs that read untrusted files: started under limits, watched, and surely ended."""

import asyncio
import contextlib
import inspect
import math
import os
import signal
import sys
import time
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

from domain.errors import TranscodeFailed
from media import sandbox
from media.commands import SHOWN_INPUT, SHOWN_OUTPUT

LOG_BYTES: Final = 8192
REPORT_EVERY_S: Final = 0.5
WRITTEN: Final = "written_s"
"""The word before the time of a frame: see `WRITTEN_FRAMES` in media/commands.py."""
REPORTING: Final = (
    *("-hide_banner", "-nostdin", "-nostats", "-loglevel", "level+warning"),
    *("-progress", "pipe:1", "-stats_period", "0.5"),
)


@dataclass(frozen=True, slots=True)
class Progress:
    fraction: float
    """Part of the duration written so far, 0 to 1."""
    speed: float | None
    """Seconds of video per second of time; None until ffmpeg can tell."""
    remaining_s: float | None


ProgressCallback = Callable[[Progress], Awaitable[None] | None]


@dataclass(frozen=True, slots=True)
class Limits:
    """What one ffmpeg may use. Memory is address space; sizes are bytes of one file."""

    wall_s: float
    cpu_s: int
    file_size: int
    stall_s: float = 60
    """Longest time without a sign of progress."""
    grace_s: float = 10
    """Longest time from its last word to its end."""
    memory: int = 4 << 30
    nice: int = 10

    @classmethod
    def of(cls, *, duration_ms: int, file_size: int) -> Self:
        """Enough for a busy machine that encodes at a twentieth of the speed of playing."""
        duration_s = math.ceil(duration_ms / 1000)
        return cls(wall_s=60 + 20 * duration_s, cpu_s=60 + 40 * duration_s, file_size=file_size)


async def run_ffmpeg(
    ffmpeg: str,
    arguments: Sequence[str],
    *,
    reads: Sequence[Path],
    writes: Sequence[Path],
    duration_ms: int,
    on_progress: ProgressCallback,
    limits: Limits,
) -> str:
    """Run to the end and return the last 8 KiB of the log. `reads` and `writes`: see `start`.

    Raises TranscodeFailed, with that log, when ffmpeg fails, takes too long, or makes no
    progress for too long. However this function is left, ffmpeg has ended by then.
    """
    process = await start(
        [ffmpeg, *REPORTING, *arguments],
        reads=reads,
        writes=writes,
        memory=limits.memory,
        cpu_s=limits.cpu_s,
        file_size=limits.file_size,
        nice=limits.nice,
    )
    log = Log(dict.fromkeys(reads, SHOWN_INPUT) | dict.fromkeys(writes, SHOWN_OUTPUT))
    clock = Clock(limits)
    reading = asyncio.gather(
        log.keep(pipe(process.stderr)),
        _report(pipe(process.stdout), clock, duration_ms, on_progress),
    )
    try:
        await _watch(reading, clock, log)
        async with asyncio.timeout(limits.grace_s):
            await process.wait()
    finally:
        await end(process)
        reading.cancel()
        await asyncio.gather(reading, return_exceptions=True)
    if process.returncode:
        raise TranscodeFailed(_how_it_ended(process.returncode), log.text())
    return log.text()


class Reports:
    """What ffmpeg says on standard output: its own reports, and single frames that it wrote.

    Its own ones are missing as long as one of its outputs has not begun. Of the frames, which
    come at any rate, we make a report now and then.
    """

    def __init__(self) -> None:
        self._report: dict[str, str] = {}
        self._written_s = 0.0
        self._started = time.monotonic()
        self._reported = self._started

    def take(self, line: bytes) -> Mapping[str, str] | None:
        """A report, if one is complete with this line."""
        key, _, value = line.decode(errors="replace").strip().partition("=")
        if key == WRITTEN:
            return self._of_frame(_number(value) or 0.0)
        self._report[key] = value.strip()
        return self._report if key == "progress" else None  # the last line of each report

    def _of_frame(self, written_s: float) -> Mapping[str, str] | None:
        """Frames come in the order of decoding, so the latest in time may be an earlier one."""
        self._written_s = max(self._written_s, written_s)
        now = time.monotonic()
        if now < self._reported + REPORT_EVERY_S:
            return None
        self._reported = now
        return {
            "out_time_us": str(self._written_s * 1_000_000),
            "speed": str(self._written_s / (now - self._started)),
        }


async def start(
    command: Sequence[str],
    *,
    reads: Sequence[Path] = (),
    writes: Sequence[Path] = (),
    memory: int,
    cpu_s: int,
    file_size: int,
    nice: int = 10,
) -> Process:
    """Start a program in a session of its own, with pipes for its output and no secrets.

    It may read the files and folders `reads`, and write as well in the folders `writes`, the
    first of which it works in; beyond that it sees the system's programs and no network, as far
    as the system can see to that. It may use so many bytes of address space, seconds of CPU time
    and bytes of one file. It is killed with this process; everybody else has to `end` it.
    """
    program = sandbox.find(command[0])
    numbers = (os.getpid(), nice, memory, cpu_s, file_size)
    # The worker's secrets are in its environment; the program gets none of it.
    environment = {"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C"}
    if writes:
        environment["TMPDIR"] = str(writes[0])
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-S", str(sandbox.LAUNCHER), *map(str, numbers)),
        *(*sandbox.grants(program, reads=reads, writes=writes), "--", program, *command[1:]),
        stdin=DEVNULL,
        stdout=PIPE,
        stderr=PIPE,
        start_new_session=True,
        env=environment,
        cwd=writes[0] if writes else "/",
    )


def pipe(stream: asyncio.StreamReader | None) -> asyncio.StreamReader:
    assert stream is not None, "standard output and error are pipes"  # noqa: S101 - for the types
    return stream


async def end(process: Process) -> None:
    """Kill the process with all that it started, and wait until it is gone.

    It is not asked first: what it has written so far is thrown away, and ffmpeg would encode the
    frames that it holds before it went, which takes a second and more.
    """
    if process.returncode is None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


def parse_progress(report: Mapping[str, str], duration_ms: int) -> Progress:
    """Read one report of `-progress`; ffmpeg writes N/A for what it does not know yet."""
    written_us = _number(report.get("out_time_us", "")) or 0
    speed = _number(report.get("speed", "").rstrip("x")) or None
    total_us = duration_ms * 1000
    left_us = max(0, total_us - written_us)
    return Progress(
        fraction=min(1.0, max(0.0, written_us / total_us)),
        speed=speed,
        remaining_s=left_us / 1_000_000 / speed if speed else None,
    )


class Log:
    """The end of what a process wrote to standard error.

    Owners of videos read it: paths of this machine are called by other names.
    """

    def __init__(self, names: Mapping[Path, Path] | None = None) -> None:
        self._tail = bytearray()
        self._names = names or {}

    async def keep(self, stream: asyncio.StreamReader) -> None:
        while chunk := await stream.read(LOG_BYTES):
            self._tail += chunk
            del self._tail[:-LOG_BYTES]

    def text(self) -> str:
        text = self._tail.decode(errors="replace")
        for path, name in self._names.items():
            text = text.replace(str(path), str(name))
        return text


class Clock:
    """When a run has to be given up."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._started = self._advanced = time.monotonic()
        self._position: tuple[str | None, ...] = ()

    def advance(self, report: Mapping[str, str]) -> None:
        position = tuple(report.get(key) for key in ("out_time_us", "frame", "total_size"))
        if position != self._position:
            self._position = position
            self._advanced = time.monotonic()

    def deadline(self) -> tuple[float, str]:
        """The moment, in monotonic seconds, and the sentence to fail with when it has passed."""
        limits = self._limits
        wall = f"ffmpeg took longer than {limits.wall_s:g} seconds."
        stall = f"ffmpeg made no progress for {limits.stall_s:g} seconds."
        return min((self._started + limits.wall_s, wall), (self._advanced + limits.stall_s, stall))


async def _report(
    stream: asyncio.StreamReader,
    clock: Clock,
    duration_ms: int,
    on_progress: ProgressCallback,
) -> None:
    reports = Reports()
    async for line in stream:
        report = reports.take(line)
        if report is not None:
            clock.advance(report)
            outcome = on_progress(parse_progress(report, duration_ms))
            if inspect.isawaitable(outcome):
                await outcome


async def _watch(reading: asyncio.Future[tuple[None, None]], clock: Clock, log: Log) -> None:
    """Return when both pipes are closed; pass on what the callback raised."""
    while not reading.done():
        deadline, sentence = clock.deadline()
        left = deadline - time.monotonic()
        if left <= 0:
            raise TranscodeFailed(sentence, log.text())
        await asyncio.wait({reading}, timeout=left)
    reading.result()


def _how_it_ended(returncode: int) -> str:
    if returncode < 0:
        return f"ffmpeg was killed by {signal.Signals(-returncode).name}."
    return f"ffmpeg ended with exit code {returncode}."


def _number(text: str) -> float | None:
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
