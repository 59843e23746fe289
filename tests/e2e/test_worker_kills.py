"""`kill -9` of workers at random moments of transcodes: everything is made, and once.

`WORKER_KILLS=50` kills as often; the moments come from `WORKER_KILLS_SEED`.
"""

import asyncio
import os
import random
import subprocess
import uuid
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import av
import psycopg
import pytest

from db.embedded import EmbeddedPostgres
from domain.tasks import MAX_TAKEOVERS
from jobs import fsck
from media import hls
from server import wiring
from server.settings import Settings
from tests.support import processes, samples, uploading
from tests.support.processes import Server
from tests.support.waiting import until
from tests.support.watching import play_sets, video_of
from tests.support.workers import WorkerProcess

KILLS = int(os.environ.get("WORKER_KILLS", "3"))
SEED = int(os.environ.get("WORKER_KILLS_SEED", "1"))
SECONDS, RATE = 4, 30
RUNGS = ["ORIGIN", "P360", "P480"]

RUNNING = "select count(*) from task where kind = 'transcode' and status = 'running'"
WEAK = f"select count(*) from task where failures >= {MAX_TAKEOVERS - 2} and finished_at is null"
OPEN = "select count(*) from task where finished_at is null"
EVENTS = "select play_set_id, count(*) from event where type = 'play_set_ready' group by 1"
TAKEN_OVER = "select sum(attempt - 1) from task where kind = 'transcode'"


@pytest.fixture
def house() -> Iterator["House"]:
    with processes.server() as server:
        server.start("--no-worker")
        one = House(server)
        try:
            yield one
        finally:
            one.worker.close()


class House:
    """A server that does no work, and a worker beside it."""

    def __init__(self, server: Server) -> None:
        self.server = server
        self.worker = WorkerProcess(server.environment, server.data_dir / "worker.log")
        self._url = EmbeddedPostgres(server.data_dir / "postgres").url()

    def rows(self, query: str) -> list[tuple[Any, ...]]:
        with psycopg.connect(self._url, autocommit=True) as connection:
            return connection.execute(query.encode()).fetchall()

    async def is_transcoding(self) -> bool:
        """Nothing that runs has been killed so often that one more time would be given up."""
        return self.rows(RUNNING) != [(0,)] and self.rows(WEAK) == [(0,)]

    async def is_over(self) -> bool:
        return self.rows(OPEN) == [(0,)]


@pytest.mark.timeout(120 + 60 * KILLS)
async def test_whenever_workers_are_killed_everything_is_ready_once(
    house: House, tmp_path: Path
) -> None:
    moments = random.Random(SEED)  # noqa: S311  (a plan, not a secret)
    film = samples.make(tmp_path / "a.mp4", seconds=SECONDS, size="854x480", rate=str(RATE))
    async with house.server.api() as api:
        videos: list[str] = []
        house.worker.start()
        for _ in range(KILLS):
            videos.append(await video_of(api, await uploading.send(api, another(film))))
            await until(house.is_transcoding, timeout_s=120)
            await asyncio.sleep(moments.uniform(0, 2))
            house.worker.kill()
            house.worker.start()

        await until(house.is_over, timeout_s=60 + 30 * KILLS)
        for video in videos:
            made = await play_sets(api, video)
            assert sorted((one["resolution"], one["status"]) for one in made) == [
                (rung, "READY") for rung in RUNGS
            ]
    assert house.worker.stop() == 0
    check_told_once(house, play_sets=KILLS * len(RUNGS))
    assert house.rows(TAKEN_OVER)[0][0] > 0
    check_files(house.server.data_dir / "storage" / "objects", tracks=KILLS * 5)
    await check_nothing_is_left(house.server.data_dir)


def another(film: Path) -> bytes:
    """The same film in other bytes, so that nothing made of one is shared by the next."""
    return film.read_bytes() + (24).to_bytes(4) + b"free" + uuid.uuid4().bytes


def check_told_once(house: House, *, play_sets: int) -> None:
    assert Counter(number for _, number in house.rows(EVENTS)) == {1: play_sets}


def check_files(objects: Path, *, tracks: int) -> None:
    """Every segment of every playlist can be decoded, and the tracks have all there was."""
    playlists = sorted(objects.glob("videos/*/*/*/*.m3u8"))
    assert len(playlists) == tracks
    for path in playlists:
        playlist = hls.parse(path.read_text())
        file = path.with_suffix(".mp4")
        assert tiles(playlist) == file.stat().st_size
        with av.open(file, "r") as opened:
            pictures = sum(1 for _ in opened.decode(video=0)) if opened.streams.video else None
        assert pictures in {None, SECONDS * RATE}


def tiles(playlist: hls.MediaPlaylist) -> int:
    """Where its last segment ends; each of them begins where the one before ends."""
    end = playlist.header_size
    for segment in playlist.segments:
        assert segment.offset == end
        end += segment.size
    return end


async def check_nothing_is_left(data_dir: Path) -> None:
    """Also with what is too young for the command to mind."""
    environment = processes.environment(REELGRAPH_DATA_DIR=str(data_dir))
    command = processes.command("fsck", "--read")
    ended = await asyncio.to_thread(
        subprocess.run, command, env=environment, capture_output=True, text=True, check=False
    )
    assert (ended.returncode, ended.stdout) == (0, "")
    settings = Settings(data_dir=data_dir)
    later = datetime.now(UTC) + timedelta(hours=2)
    async with (
        wiring.open_database(settings) as url,
        wiring.open_services(settings, url) as services,
        wiring.open_tools(settings, services) as tools,
    ):
        found = [one async for one in fsck.check(tools, repair=False, read=False, now=later)]
    assert found == []
