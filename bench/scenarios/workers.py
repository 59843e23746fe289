"""Real workers on real ladders: what goes beside ffmpeg, two workers beside one, and cancelling.

A server without a worker, one worker that makes first plays, and workers that make ladders only,
one at a time, each on a core of its own, ffmpeg on one thread. (One thread to encode is not one
core: ffmpeg decodes, scales and encodes each rung in threads of their own, so that one worker
that may use two cores nearly does.) Three figures:

- what a worker's own process takes of the CPU while ffmpeg makes ladders, in parts of ffmpeg's;
- the time that two ladders take with one worker, in parts of the time that they take with two;
  the two take turns, since the machine's speed drifts, and so does bare ffmpeg that makes the
  same rungs, one run after the other and both at once: more than that no machine gives;
- the time from `cancelTask` until ffmpeg is gone.

Exits with 1 when one of them misses its goal.
"""

import argparse
import asyncio
import base64
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from house import House, house, on, until
from transcode import bare_command, make_source

from domain.passes import plan
from domain.templates import DEFAULTS, choose, rendition
from domain.videos import TranscodePass
from media.probe import probe
from server.settings import Settings
from server.wiring import find_ffmpeg

OVERHEAD, SPEED_UP, CANCEL_S = 0.05, 1.7, 1.0
"""At most; at least; at most, by the median."""
FILMS = 2
CORES = sorted(os.sched_getaffinity(0))[:FILMS]
FIRST_PLAYS = ("--queues", "intake,first_play,maintenance")
LADDERS = ("--queues", "transcode", "--concurrency", "transcode=1")
CPU_CLOCK = 2
"""CPUCLOCK_SCHED: all that the threads of a process ran, in nanoseconds."""

COUNT = """
select count(*) from task where transcode_pass = 'ladder' and status = %s and job_id is not null
"""
SPAN = """
select extract(epoch from max(finished_at) - min(started_at))
from (
    select * from task where transcode_pass = 'ladder' order by finished_at desc limit 2
) last
"""
RUNNING = "select id, worker from task where transcode_pass = 'ladder' and status = 'running'"
CANCEL = "mutation ($id: ID!) { cancelTask(id: $id) { userErrors { message } } }"


@dataclass(frozen=True, slots=True)
class Ladders:
    """What two ladders took. CPU seconds of one worker's own process, and of its ffmpegs."""

    seconds: float
    own_cpu_s: float
    ffmpeg_cpu_s: float


@dataclass(frozen=True, slots=True)
class Round:
    """Two ladders by one and by two workers, and by one and by two runs of bare ffmpeg."""

    alone: Ladders
    bare_alone_s: float
    together: Ladders
    bare_together_s: float

    @property
    def speed_up(self) -> float:
        return self.alone.seconds / self.together.seconds

    @property
    def bare_speed_up(self) -> float:
        return self.bare_alone_s / self.bare_together_s


def two_ladders(one: House, film: Path, workers: int) -> Ladders:
    before = count(one, "succeeded")
    for _ in range(FILMS):
        one.upload(film)
    until("the ladders wait", lambda: count(one, "queued") == FILMS)
    pids = [one.start_worker(*LADDERS, core=core) for core in CORES[:workers]]
    until("a ladder runs", lambda: count(one, "running") > 0)
    began = own_cpu_s(pids[0])
    until("all ladders are done", lambda: count(one, "succeeded") == before + FILMS)
    measured = Ladders(
        seconds=float(one.rows(SPAN)[0][0]),
        own_cpu_s=own_cpu_s(pids[0]) - began,
        ffmpeg_cpu_s=ended_children_cpu_s(pids[0]),
    )
    for pid in pids:
        one.stop(pid)
    return measured


def two_bare(film: Path, workers: int) -> float:
    """Seconds that bare ffmpeg takes for the two ladders, by so many runs at a time."""
    with tempfile.TemporaryDirectory() as name:
        commands = [bare_ladder(film, Path(name, str(number))) for number in range(FILMS)]
        began = time.monotonic()
        for first in range(0, FILMS, workers):
            some = zip(CORES, commands[first : first + workers], strict=False)
            running = [subprocess.Popen([*on(core), *command]) for core, command in some]
            codes = [one.wait() for one in running]
            if any(codes):
                raise SystemExit(f"ffmpeg ended with {codes}")
        return time.monotonic() - began


def bare_ladder(film: Path, folder: Path) -> list[str]:
    """A command that makes the rungs of the pass that is called ladder."""
    folder.mkdir()
    source = asyncio.run(probe(film))
    passes = plan(source, choose(source, DEFAULTS)[0], pictures=True)
    (ladder,) = (one for one in passes if one.kind is TranscodePass.LADDER)
    rungs = [rendition(source, one) for one in ladder.templates]
    return bare_command(find_ffmpeg(Settings()), source, film, folder, rungs)


def count(one: House, status: str) -> int:
    return int(one.rows(COUNT, status)[0][0])


def own_cpu_s(pid: int) -> float:
    return time.clock_gettime((~pid << 3) | CPU_CLOCK)


def ended_children_cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[13]) + int(fields[14])) / os.sysconf("SC_CLK_TCK")


def cancelled_after_s(one: House, film: Path) -> float:
    """From the request until the last program that the worker had started is gone."""
    one.upload(film)
    pid = one.start_worker(*LADDERS)
    until("ffmpeg runs", lambda: bool(one.rows(RUNNING)) and bool(children(pid)))
    time.sleep(2)  # into the encoding
    id = base64.b64encode(f"TranscodeTask:{one.rows(RUNNING)[0][0]}".encode()).decode()
    asked = time.monotonic()
    ask(one, CANCEL, id=id)
    until("ffmpeg is gone", lambda: not children(pid))
    took = time.monotonic() - asked
    one.stop(pid)
    return took


def children(pid: int) -> list[str]:
    lists = Path(f"/proc/{pid}/task").glob("*/children")
    return [child for found in lists for child in found.read_text().split()]


def ask(one: House, query: str, **variables: str) -> None:
    request = urllib.request.Request(  # noqa: S310  (our own server's)
        f"{one.url}/graphql",
        json.dumps({"query": query, "variables": variables}).encode(),
        {"Content-Type": "application/json", "Authorization": f"Bearer {one.api_key}"},
    )
    with urllib.request.urlopen(request) as response:  # noqa: S310
        answer = json.load(response)
    if "errors" in answer:
        raise SystemExit(str(answer["errors"]))


def measure(seconds: int, rounds: int) -> bool:
    with tempfile.TemporaryDirectory() as name, house(REELGRAPH_FFMPEG_THREADS="1") as one:
        film = Path(name) / "film.mp4"
        make_source(find_ffmpeg(Settings()), film, seconds)
        one.start_worker(*FIRST_PLAYS)
        measured = [one_round(one, film) for _ in range(rounds)]
        cancels = [cancelled_after_s(one, film) for _ in range(5)]
    return report(measured, cancels)


def one_round(one: House, film: Path) -> Round:
    measured = Round(
        alone=two_ladders(one, film, 1),
        bare_alone_s=two_bare(film, 1),
        together=two_ladders(one, film, 2),
        bare_together_s=two_bare(film, 2),
    )
    print(measured, flush=True)
    return measured


def report(rounds: list[Round], cancels: list[float]) -> bool:
    """Print the figures; whether all goals are reached."""
    overhead = statistics.median(one.alone.own_cpu_s / one.alone.ffmpeg_cpu_s for one in rounds)
    speed_up = statistics.median(one.speed_up for one in rounds)
    bare = statistics.median(one.bare_speed_up for one in rounds)
    cancel = statistics.median(cancels)
    reached = [overhead <= OVERHEAD, speed_up >= SPEED_UP, cancel <= CANCEL_S]
    print(f"overhead: {overhead:.1%} of ffmpeg's CPU (at most {OVERHEAD:.0%})")
    print(
        f"two ladders: {speed_up:.2f} times as fast with two workers as with one (at least"
        f" {SPEED_UP}; bare ffmpeg: {bare:.2f})"
    )
    print(f"cancelled: {cancel:.2f} s, longest {max(cancels):.2f} s (at most {CANCEL_S:g} s)")
    return all(reached)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=20, help="length of each film")
    parser.add_argument("--rounds", type=int, default=3)
    arguments = parser.parse_args()
    if measure(arguments.seconds, arguments.rounds):
        return 0
    print("a goal is missed", file=sys.stderr)
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
