"""ffmpeg as a process: its limits, its end, and what is known of it meanwhile."""

import asyncio
import contextlib
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from domain.errors import TranscodeFailed
from media.process import (
    Limits,
    Progress,
    ProgressCallback,
    end,
    parse_progress,
    run_ffmpeg,
    start,
)
from tests.support.samples import ffmpeg_path
from tests.support.waiting import T, until

ROOMY = Limits(wall_s=60, cpu_s=60, file_size=1 << 30)
FOREVER = ("-re", "-f", "lavfi", "-i", "testsrc2=size=64x64:rate=25", "-f", "null", "-")
"""ffmpeg's arguments for a run at the speed of playing, without an end."""

needs_proc = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def test_a_report_gives_the_fraction_the_speed_and_the_time_left() -> None:
    report = {"out_time_us": "15000000", "speed": "2.5x"}

    assert parse_progress(report, 60_000) == Progress(fraction=0.25, speed=2.5, remaining_s=18.0)


@pytest.mark.parametrize(
    ("report", "fraction"),
    [
        ({"out_time_us": "N/A", "speed": "N/A"}, 0.0),
        ({}, 0.0),
        ({"out_time_us": "-21333", "speed": "0x"}, 0.0),
        ({"out_time_us": "61000000", "speed": "nan"}, 1.0),
    ],
)
def test_a_report_that_does_not_know_yet_promises_nothing(
    report: dict[str, str], fraction: float
) -> None:
    assert parse_progress(report, 60_000) == Progress(fraction, speed=None, remaining_s=None)


def test_the_limits_grow_with_the_duration() -> None:
    assert Limits.of(duration_ms=10_500, file_size=5) == Limits(wall_s=280, cpu_s=500, file_size=5)


async def test_progress_is_reported_to_the_end() -> None:
    reports: list[Progress] = []
    source = ("-f", "lavfi", "-i", "testsrc2=size=64x64:rate=25:duration=2")

    await _run(ffmpeg_path(), *source, "-f", "null", "-", on_progress=reports.append)

    assert reports[-1].fraction == 1.0
    assert [report.fraction for report in reports] == sorted(r.fraction for r in reports)


async def test_a_coroutine_may_take_the_progress() -> None:
    reports: list[Progress] = []

    async def report(progress: Progress) -> None:
        await asyncio.sleep(0)
        reports.append(progress)

    source = ("-f", "lavfi", "-i", "testsrc2=size=64x64:rate=25:duration=2")
    await _run(ffmpeg_path(), *source, "-f", "null", "-", on_progress=report)

    assert reports[-1].fraction == 1.0


async def test_a_failure_has_the_exit_code_and_the_log() -> None:
    with pytest.raises(TranscodeFailed) as failure:
        await _run(ffmpeg_path(), "-i", "missing.mp4", "-f", "null", "-")

    assert str(failure.value) == "ffmpeg ended with exit code 254."
    assert "Error opening input file missing.mp4." in failure.value.log


async def test_a_log_is_its_last_8_kib(tmp_path: Path) -> None:
    noisy = _program(tmp_path, "head -c 20000 /dev/zero | tr '\\0' x >&2; echo end >&2; exit 3")

    with pytest.raises(TranscodeFailed) as failure:
        await _run(noisy)

    assert failure.value.log == "x" * (8192 - 4) + "end\n"


async def test_a_file_that_grows_too_large_ends_the_run(tmp_path: Path) -> None:
    source = ("-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25:duration=10")
    limits = Limits(wall_s=60, cpu_s=60, file_size=100_000)

    with pytest.raises(TranscodeFailed) as failure:
        await _run(ffmpeg_path(), *source, "-f", "rawvideo", "raw", limits=limits, folder=tmp_path)

    assert "File too large" in failure.value.log
    assert (tmp_path / "raw").stat().st_size == 100_000


async def test_a_run_that_takes_too_long_is_ended() -> None:
    with pytest.raises(TranscodeFailed) as failure:
        await _run(ffmpeg_path(), *FOREVER, limits=Limits(wall_s=0.5, cpu_s=60, file_size=0))

    assert str(failure.value) == "ffmpeg took longer than 0.5 seconds."


async def test_a_run_without_progress_is_ended(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")  # nobody will ever write to it
    limits = Limits(wall_s=60, cpu_s=60, file_size=0, stall_s=0.5)

    with pytest.raises(TranscodeFailed) as failure:
        await _run(
            *(ffmpeg_path(), "-i", "pipe", "-f", "null", "-"), limits=limits, folder=tmp_path
        )

    assert str(failure.value) == "ffmpeg made no progress for 0.5 seconds."


async def test_a_run_that_computes_too_much_is_ended() -> None:
    source = ("-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25")

    with pytest.raises(TranscodeFailed) as failure:
        await _run(
            *(ffmpeg_path(), *source, "-f", "null", "-"),
            limits=Limits(wall_s=60, cpu_s=1, file_size=0),
        )

    assert str(failure.value) == "ffmpeg was killed by SIGKILL."


async def test_a_run_that_needs_too_much_memory_is_ended() -> None:
    source = ("-f", "lavfi", "-i", "color=size=16000x16000:rate=25:duration=1")
    limits = Limits(wall_s=60, cpu_s=60, file_size=0, memory=600 << 20)

    with pytest.raises(TranscodeFailed) as failure:
        await _run(ffmpeg_path(), *source, "-f", "null", "-", limits=limits)

    assert str(failure.value) == "ffmpeg ended with exit code 245."
    assert "Resource temporarily unavailable" in failure.value.log  # no room for a thread


@needs_proc
async def test_no_end_of_a_run_leaves_a_process_or_a_file(tmp_path: Path) -> None:
    children = _children()
    os.mkfifo(tmp_path / "pipe")
    endless = ("-f", "lavfi", "-i", "testsrc2=size=640x360:rate=25")
    picture = ("-y", "-f", "rawvideo", "raw")
    tight = [
        (Limits(wall_s=0.3, cpu_s=60, file_size=1 << 30), (*endless, *picture)),
        (Limits(wall_s=60, cpu_s=1, file_size=0), (*endless, "-f", "null", "-")),
        (Limits(wall_s=60, cpu_s=60, file_size=1000), (*endless, *picture)),
        (
            Limits(wall_s=60, cpu_s=60, file_size=0, stall_s=0.3),
            ("-i", "pipe", "-f", "null", "-"),
        ),
        (Limits(wall_s=60, cpu_s=60, file_size=0, memory=1 << 20), (*endless, *picture)),
    ]

    for limits, arguments in tight:
        with pytest.raises(TranscodeFailed):
            await _run(ffmpeg_path(), *arguments, limits=limits, folder=tmp_path)

    assert _children() == children
    assert {path.name for path in tmp_path.iterdir()} <= {"pipe", "raw"}


async def test_a_cancelled_ffmpeg_ends_within_a_second() -> None:
    started = asyncio.Event()
    run = asyncio.create_task(_run(ffmpeg_path(), *FOREVER, on_progress=lambda _: started.set()))
    await started.wait()

    cancelled_at = time.monotonic()
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run

    assert time.monotonic() - cancelled_at < 1


@needs_proc
async def test_a_cancellation_ends_the_whole_process_group(tmp_path: Path) -> None:
    parent = _program(tmp_path, "echo $$ > pid; sleep 60 & wait")
    run = asyncio.create_task(_run(parent, folder=tmp_path))
    group = await _group(tmp_path / "pid")
    await until(lambda: _is(len(_members(group)) == 2))

    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run

    await until(lambda: _is(_members(group) == []))


@needs_proc
async def test_a_program_that_does_not_want_to_end_is_killed(tmp_path: Path) -> None:
    stubborn = _program(tmp_path, "trap '' TERM; echo $$ > pid; sleep 60")
    run = asyncio.create_task(_run(stubborn, folder=tmp_path))
    group = await _group(tmp_path / "pid")

    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run

    await until(lambda: _is(_members(group) == []))


async def test_what_the_callback_raises_ends_the_run_and_comes_out() -> None:
    def refuse(_: Progress) -> None:
        raise LookupError("the task is gone")

    started_at = time.monotonic()
    with pytest.raises(LookupError, match="the task is gone"):
        await _run(ffmpeg_path(), *FOREVER, on_progress=refuse)

    assert time.monotonic() - started_at < 5


@needs_proc
async def test_a_program_dies_with_the_process_that_started_it(tmp_path: Path) -> None:
    program = _program(tmp_path, "echo $$ > pid; sleep 60")
    root = Path(__file__).parents[2]
    worker = await asyncio.create_subprocess_exec(
        sys.executable,
        "-c",
        "import asyncio, pathlib\n"
        "from media.process import start\n"
        "async def main():\n"
        f"    await start([{program!r}], writes=[pathlib.Path({str(tmp_path)!r})],"
        " memory=1 << 30, cpu_s=9, file_size=1000)\n"
        "    await asyncio.Event().wait()\n"
        "asyncio.run(main())\n",
        cwd=root,
    )
    program_id = await _group(tmp_path / "pid")

    worker.kill()
    await worker.wait()

    await until(lambda: _is(program_id not in _members(program_id)))
    # The kernel kills only the program itself; what it started is for the test to clean up.
    for member in _members(program_id):
        os.kill(member, signal.SIGKILL)


async def test_a_program_gets_nothing_of_our_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REELGRAPH_SECRET", "hunter2")

    environment = await _output("env")

    assert {line.partition("=")[0] for line in environment.splitlines()} <= {
        *("PATH", "LC_ALL", "LC_CTYPE"),
    }


async def test_a_program_runs_under_its_limits() -> None:
    ask = (
        "import os, resource as r\n"
        "print(*(r.getrlimit(one) for one in"
        " (r.RLIMIT_AS, r.RLIMIT_CPU, r.RLIMIT_FSIZE, r.RLIMIT_NOFILE, r.RLIMIT_CORE)))\n"
        "print(os.getpid() == os.getsid(0))"
    )

    assert await _output(sys.executable, "-I", "-c", ask) == (
        "(1073741824, 1073741824) (9, 9) (1000, 1000) (256, 256) (0, 0)\nTrue\n"
    )


async def _run(
    ffmpeg: str,
    *arguments: str,
    on_progress: ProgressCallback = lambda _: None,
    limits: Limits = ROOMY,
    folder: Path | None = None,
) -> str:
    return await run_ffmpeg(
        ffmpeg,
        arguments,
        reads=(),
        writes=[folder] if folder else (),
        duration_ms=2000,
        on_progress=on_progress,
        limits=limits,
    )


async def _output(*command: str) -> str:
    process = await start(command, memory=1 << 30, cpu_s=9, file_size=1000)
    try:
        output, _ = await process.communicate()
        return output.decode()
    finally:
        await end(process)


def _program(folder: Path, script: str) -> str:
    """Write a program that is run in place of ffmpeg and ignores its arguments."""
    path = folder / "program"
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)
    return str(path)


async def _group(file: Path) -> int:
    """The number in a file, as soon as it is written; a program's group has its own number."""
    return int(await until(lambda: _is(file.exists() and file.read_text())))


async def _is(value: T) -> T:
    """Make a condition for `until` of what is known at once."""
    return value


def _children() -> set[int]:
    """Processes of ours, and those that have ended but that nobody has asked about."""
    return {pid for pid, _, parent, _ in _processes() if parent == os.getpid()}


def _members(group: int) -> list[int]:
    """Processes of a group that still run."""
    return [pid for pid, state, _, its_group in _processes() if its_group == group and state != "Z"]


def _processes() -> Iterator[tuple[int, str, int, int]]:
    """Id, state, parent and group of every process."""
    for path in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):  # it has ended just now
            state, parent, group, *_ = path.read_text().rpartition(")")[2].split()
            yield int(path.parent.name), state, int(parent), int(group)
