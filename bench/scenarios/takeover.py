"""How long a transcode stands still when its worker is killed with `kill -9`.

Two real workers with the default settings run beside a server without one. Each round a film is
uploaded, whose first play takes as long as the film. The worker that runs it is killed at a random
moment; what is measured is the time from then to the start of the next run, on the other worker.

Exits with 1 when one takeover took longer than the limit.
"""

import argparse
import random
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from house import House, house

from server.settings import Settings
from server.wiring import find_ffmpeg

LIMIT_S = 30
FILM_S = 60
WAIT_S = 120
POLL_S = 0.02
LANES = ("--queues", "intake,first_play,maintenance", "--concurrency", "first_play=10")
"""Films of earlier rounds keep running and keep nobody waiting."""

RUN = """
select attempt, worker from task where transcode_pass = 'first_play' and status = 'running'
and video_id = (select id from video order by created_at offset %s limit 1)
"""


class Films:
    """Uploads to a house, and which worker is at each of them."""

    def __init__(self, one: House) -> None:
        self.house = one

    def start_worker(self) -> None:
        self.house.start_worker(*LANES)

    def running(self, number: int, *, after: int = 0) -> tuple[int, int]:
        """The attempt at that film that comes after that one, and its worker's pid."""
        deadline = time.monotonic() + WAIT_S
        while time.monotonic() < deadline:
            found = self.house.rows(RUN, number)
            if found and found[0][0] > after:
                attempt, worker = found[0]
                return int(attempt), int(str(worker).rpartition(":")[2])
            time.sleep(POLL_S)
        raise SystemExit(f"no run began within {WAIT_S} seconds")


def slow_ffmpeg(folder: Path) -> Path:
    """Reads its input at the speed of playing."""
    program = folder / "ffmpeg"
    program.write_text(f'#!/bin/sh\nexec {find_ffmpeg(Settings())} -readrate 1 "$@"\n')
    program.chmod(0o755)
    return program


def make_film(folder: Path) -> Path:
    path = folder / "film.mp4"
    picture = f"testsrc2=size=160x90:rate=10:duration={FILM_S}"
    encode = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p")
    subprocess.run(
        [
            find_ffmpeg(Settings()),
            "-loglevel",
            "error",
            "-f",
            "lavfi",
            "-i",
            picture,
            *encode,
            path,
        ],
        check=True,
    )
    return path


def measure(films: Films, film: Path, kills: int) -> list[float]:
    took: list[float] = []
    films.start_worker()
    films.start_worker()
    for number in range(kills):
        films.house.upload(film)
        attempt, pid = films.running(number)
        time.sleep(random.uniform(0, 5))  # noqa: S311  (a moment, not a secret)
        killed_at = time.monotonic()
        films.house.kill(pid)
        films.running(number, after=attempt)
        took.append(time.monotonic() - killed_at)
        print(f"kill {number + 1}: running elsewhere after {took[-1]:.1f} s", flush=True)
        films.start_worker()
    return took


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=5)
    parser.add_argument("--limit", type=float, default=LIMIT_S, help="seconds")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="takeover-") as name:
        folder = Path(name)
        folder.chmod(0o711)
        with house(REELGRAPH_FFMPEG=str(slow_ffmpeg(folder))) as one:
            took = measure(Films(one), make_film(folder), arguments.kills)
    print(f"median {statistics.median(took):.1f} s, longest {max(took):.1f} s")
    if max(took) <= arguments.limit:
        return 0
    print(f"longer than {arguments.limit:g} s", file=sys.stderr)
    return 1


if __name__ == "__main__":
    raise SystemExit(main())
