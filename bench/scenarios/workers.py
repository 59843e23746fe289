"""Real workers on real ladders: what goes beside ffmpeg, two workers beside one, and cancelling.

A server without a worker, one worker that makes first plays, and workers that make ladders only,
one at a time, each ffmpeg on one thread. Three figures:

- what a worker's own process takes of the CPU while ffmpeg makes ladders, in parts of ffmpeg's;
- the time that two ladders take with one worker, in parts of the time that they take with two;
  the two take turns, since the machine's speed drifts;
- the time from `cancelTask` until ffmpeg is gone.

Exits with 1 when one of them misses its goal.
"""

import argparse
import base64
import json
import os
import statistics
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from house import House, house, until
from transcode import make_source

from server.settings import Settings
from server.wiring import find_ffmpeg

OVERHEAD, SPEED_UP, CANCEL_S = 0.05, 1.7, 1.0
"""At most; at least; at most, by the median."""
FILMS = 2
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


def two_ladders(one: House, film: Path, workers: int) -> Ladders:
    before = count(one, "succeeded")
    for _ in range(FILMS):
        one.upload(film)
    until("the ladders wait", lambda: count(one, "queued") == FILMS)
    pids = [one.start_worker(*LADDERS) for _ in range(workers)]
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
        alone: list[Ladders] = []
        together: list[Ladders] = []
        for _ in range(rounds):
            alone.append(two_ladders(one, film, 1))
            together.append(two_ladders(one, film, 2))
        cancels = [cancelled_after_s(one, film) for _ in range(5)]
    return report(alone, together, cancels)


def report(alone: list[Ladders], together: list[Ladders], cancels: list[float]) -> bool:
    """Print the figures; whether all goals are reached."""
    overhead = statistics.median(one.own_cpu_s / one.ffmpeg_cpu_s for one in alone)
    seconds = [statistics.median(one.seconds for one in many) for many in (alone, together)]
    speed_up, cancel = seconds[0] / seconds[1], statistics.median(cancels)
    reached = [overhead <= OVERHEAD, speed_up >= SPEED_UP, cancel <= CANCEL_S]
    print(f"overhead: {overhead:.1%} of ffmpeg's CPU (at most {OVERHEAD:.0%})")
    print(
        f"two ladders: {seconds[0]:.1f} s with one worker, {seconds[1]:.1f} s with two:"
        f" {speed_up:.2f} times as fast (at least {SPEED_UP})"
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
