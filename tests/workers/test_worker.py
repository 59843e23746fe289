"""Workers that are stopped, killed and told to stop: nothing is lost, nothing is done twice."""

import asyncio
import signal
import subprocess
import time
from collections import Counter
from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from db.models import Event, PlaySet, Task, Video
from domain.events import EventType
from domain.play_sets import PlaySetStatus
from domain.tasks import UNFINISHED, TaskStatus
from domain.videos import TranscodePass, VideoStatus
from jobs import maintenance, worker
from jobs.runs import Tools
from media.passes import Encoder
from schema import ids
from server.settings import Settings
from storage import keys
from tests.support import processes, samples, uploading
from tests.support.api import Api
from tests.support.waiting import until

SECONDS = 8


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("worker") / "source.mp4"
    return samples.make(path, seconds=SECONDS, size="160x90", audio=False).read_bytes()


@pytest.fixture(scope="session")
def slow_ffmpeg(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Takes as long as the video lasts, except for copying."""
    program = tmp_path_factory.mktemp("slow") / "ffmpeg"
    program.write_text(
        '#!/bin/sh\ncase "$*" in *name:360P*) set -- -readrate 1 "$@";; esac\n'
        f'exec {samples.ffmpeg_path()} "$@"\n'
    )
    program.chmod(0o755)
    return program


@dataclass(frozen=True)
class House:
    tools: Tools
    api: Api
    settings: Settings

    async def add(self, data: bytes) -> None:
        """An upload that has become a video; its first passes are queued."""
        await uploading.send(self.api, data)
        await worker.work_until_empty(self.tools, worker.LANES[:1])

    async def rows(self, kind: type[Any]) -> list[Any]:
        async with self.tools.db.read() as session:
            return list(await session.scalars(select(kind)))

    async def task(self, kind: TranscodePass = TranscodePass.FIRST_PLAY) -> Task:
        return {one.transcode_pass: one for one in await self.rows(Task)}[kind]

    async def is_in_the_middle(self) -> bool:
        task = await self.task()
        return task.status is TaskStatus.RUNNING and len(self.encoders()) == 1

    async def jobs(self) -> list[tuple[Any, ...]]:
        """Those that run a task; what is done from time to time comes and goes."""
        query = text(
            "select task_name, status::text from procrastinate_jobs where args ? 'task_id'"
        )
        async with self.tools.db.read() as session:
            return [tuple(row) for row in await session.execute(query)]

    async def check_ready_once(self, *, attempt: int) -> None:
        task = await self.task()
        assert (task.status, task.attempt) == (TaskStatus.SUCCEEDED, attempt)
        assert {one.status for one in await self.rows(PlaySet)} == {PlaySetStatus.READY}
        events = Counter(event.type for event in await self.rows(Event))
        assert (events[EventType.PLAY_SET_READY], events[EventType.VIDEO_READY]) == (2, 1)
        assert self.encoders() == []

    def encoders(self) -> list[int]:
        """The ffmpegs that run below our data folder."""
        found: list[int] = []
        for process in Path("/proc").glob("[0-9]*"):
            try:
                command = (process / "cmdline").read_bytes()
            except (FileNotFoundError, ProcessLookupError):
                continue  # it has ended since
            if b"-progress" in command and bytes(self.settings.data_dir) in command:
                found.append(int(process.name))
        return found

    async def no_encoder(self) -> bool:
        return self.encoders() == []


@pytest.fixture
def house(tools: Tools, api: Api, settings: Settings) -> House:
    return House(tools, api, settings)


@asynccontextmanager
async def working(tools: Tools) -> AsyncGenerator["asyncio.Task[None]"]:
    """A worker, as a process runs it, until the block ends."""
    task = asyncio.create_task(worker.work(tools))
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_a_stopped_worker_puts_its_job_back_and_another_one_does_it(
    house: House, data: bytes, slow_ffmpeg: Path
) -> None:
    await house.add(data)
    slow = replace(house.tools, encoder=Encoder(str(slow_ffmpeg), threads=1))
    async with working(slow) as stopped:
        await until(house.is_in_the_middle)
        assert len(house.encoders()) == 1
        stopped.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stopped
    assert house.encoders() == []
    task = await house.task()
    assert (task.status, task.attempt, task.failures) == (TaskStatus.QUEUED, 1, 0)
    assert await house.jobs() == [("transcode", "todo")]
    async with working(house.tools):

        async def is_over() -> bool:
            return (await house.task()).status is TaskStatus.SUCCEEDED

        await until(is_over)
    await house.check_ready_once(attempt=2)


@contextmanager
def another_worker(settings: Settings, ffmpeg: Path) -> "Generator[subprocess.Popen[bytes]]":
    """`reelgraph worker` on the same database and data folder."""
    environment = processes.environment(
        DATABASE_URL=str(settings.database_url),
        REELGRAPH_DATA_DIR=str(settings.data_dir),
        REELGRAPH_FFMPEG=str(ffmpeg),
    )
    process = subprocess.Popen(processes.command("worker"), env=environment)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


async def test_the_job_of_a_killed_worker_is_rescued(
    house: House, data: bytes, slow_ffmpeg: Path
) -> None:
    await house.add(data)
    with another_worker(house.settings, slow_ffmpeg) as process:
        await until(house.is_in_the_middle)
        await maintenance.rescue(house.tools)
        assert await house.jobs() == [("transcode", "doing")]  # it lives
        process.kill()
        await until(house.no_encoder, timeout_s=2)
    await maintenance.rescue(house.tools)
    assert await house.jobs() == [("transcode", "doing")]  # nobody can know yet
    await make_time_pass(house, maintenance.STALLED_AFTER_S + 1)
    await maintenance.rescue(house.tools)
    assert await house.jobs() == [("transcode", "todo")]
    await worker.work_until_empty(house.tools)
    await house.check_ready_once(attempt=2)


async def make_time_pass(house: House, seconds: int) -> None:
    """For the signs of life of all workers."""
    older = "last_heartbeat = last_heartbeat - make_interval(secs => :seconds)"
    async with house.tools.db.write() as session:
        query = text(f"update procrastinate_workers set {older}")
        await session.execute(query, {"seconds": seconds})


async def test_a_worker_that_ends_by_signal_puts_its_job_back(
    house: House, data: bytes, slow_ffmpeg: Path
) -> None:
    await house.add(data)
    with another_worker(house.settings, slow_ffmpeg) as process:
        await until(house.is_in_the_middle)
        process.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(process.wait, 15) == 0
    assert house.encoders() == []
    assert (await house.task()).status is TaskStatus.QUEUED
    assert await house.jobs() == [("transcode", "todo")]


async def test_a_first_play_shows_its_progress(
    house: House, data: bytes, slow_ffmpeg: Path
) -> None:
    """Without it, the run would also be given up as stuck."""
    await house.add(data)
    slow = replace(house.tools, encoder=Encoder(str(slow_ffmpeg), threads=1))
    async with working(slow):

        async def has_moved() -> bool:
            task = await house.task()
            return task.progress > 0 or task.status not in UNFINISHED

        await until(has_moved)
        task = await house.task()
        assert (task.status, 0 < task.progress < 0.8) == (TaskStatus.RUNNING, True)


CANCEL = "mutation ($id: ID!) { cancelTask(id: $id) { task { status } userErrors { code } } }"


async def test_cancelling_a_task_stops_its_ffmpeg(
    house: House, data: bytes, slow_ffmpeg: Path
) -> None:
    await house.add(data)
    slow = replace(house.tools, encoder=Encoder(str(slow_ffmpeg), threads=1))
    async with working(slow):
        await until(house.is_in_the_middle)
        started = time.monotonic()
        task = await house.task()
        payload = await house.api.run(CANCEL, id=ids.encode("TranscodeTask", task.id))
        assert payload == {"cancelTask": {"task": {"status": "CANCELLED"}, "userErrors": []}}
        await until(house.no_encoder)
        assert time.monotonic() - started < 2

        async def queue_is_empty() -> bool:
            return await house.jobs() == []

        await until(queue_is_empty)
    assert (await house.task()).attempt == 1
    statuses = {one.resolution.value: one.status for one in await house.rows(PlaySet)}
    assert statuses == {"360P": PlaySetStatus.TRANSCODE_FAILED, "Origin": PlaySetStatus.READY}
    (video,) = await house.rows(Video)
    assert video.status is VideoStatus.PUBLISHED
    assert video.content_id is not None
    objects = house.settings.data_dir / "storage" / "objects"
    assert (objects / keys.media(video.content_id)).is_dir()
    left = objects / keys.task(video.content_id, task.id)
    assert [path for path in left.rglob("*") if path.is_file()] == []
