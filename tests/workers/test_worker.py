"""Workers that are stopped, killed and told to stop: nothing is lost, nothing is done twice."""

import asyncio
import signal
import subprocess
import time
from collections import Counter
from collections.abc import AsyncGenerator, Generator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from db import workers
from db.models import Event, PlaySet, Task, Video, Worker, WorkerLane
from domain.events import EventType
from domain.play_sets import PlaySetStatus
from domain.tasks import UNFINISHED, TaskStatus
from domain.videos import TranscodePass, VideoStatus
from jobs import maintenance, worker
from jobs.lanes import Lane, choose
from jobs.runs import Tools
from media.passes import Encoder
from schema import ids
from server.settings import Settings
from storage import keys
from tests.support import cancelling, processes, samples, tables, uploading
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
        return await tables.rows(self.tools.db, kind)

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

    async def two_workers(self) -> bool:
        return len(await self.rows(Worker)) == 2

    async def is_in_the_second_run(self) -> bool:
        task = await self.task()
        return (task.status, task.attempt) == (TaskStatus.RUNNING, 2)

    async def attempts_with_files(self) -> set[int]:
        """Of the task, in the store."""
        task, (video,) = await self.task(), await self.rows(Video)
        prefix = keys.task(video.content_id, task.id)
        found = [one.key async for one in self.tools.store.list(prefix)]
        return {int(key.removeprefix(prefix).split("/")[0]) for key in found}

    async def no_encoder(self) -> bool:
        return self.encoders() == []


@pytest.fixture
def house(tools: Tools, api: Api, settings: Settings) -> House:
    return House(tools, api, settings)


@asynccontextmanager
async def working(
    tools: Tools, lanes: Sequence[Lane] = worker.LANES
) -> AsyncGenerator["asyncio.Task[None]"]:
    """A worker, as a process runs it, until the block ends."""
    task = asyncio.create_task(worker.work(tools, lanes))
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
def another_worker(
    settings: Settings, ffmpeg: Path, *arguments: str, log: Path | None = None
) -> "Generator[subprocess.Popen[bytes]]":
    """`reelgraph worker` on the same database and data folder."""
    environment = processes.environment(
        DATABASE_URL=str(settings.database_url),
        REELGRAPH_DATA_DIR=str(settings.data_dir),
        REELGRAPH_FFMPEG=str(ffmpeg),
    )
    with (log or Path("/dev/stderr")).open("a") as errors:
        process = subprocess.Popen(
            processes.command("worker", *arguments), env=environment, stderr=errors
        )
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


async def test_what_a_stopped_worker_puts_back_is_taken_by_another_at_once(
    house: House, data: bytes, slow_ffmpeg: Path
) -> None:
    await house.add(data)
    with another_worker(house.settings, slow_ffmpeg) as process:
        await until(house.is_in_the_middle)
        async with working(house.tools):
            await until(house.two_workers)
            process.send_signal(signal.SIGTERM)
            await until(house.is_in_the_second_run, timeout_s=4)
            assert await asyncio.to_thread(process.wait, 15) == 0

            async def is_over() -> bool:
                return (await house.task()).status is TaskStatus.SUCCEEDED

            await until(is_over)
    assert (await house.task()).failures == 0
    await house.check_ready_once(attempt=2)


async def test_a_worker_that_was_frozen_changes_nothing_when_it_goes_on(
    house: House, data: bytes, slow_ffmpeg: Path, tmp_path: Path
) -> None:
    await house.add(data)
    log = tmp_path / "worker.log"
    with another_worker(house.settings, slow_ffmpeg, log=log) as frozen:
        await until(house.is_in_the_middle)
        frozen.send_signal(signal.SIGSTOP)
        await make_time_pass(house, maintenance.STALLED_AFTER_S + 1)
        await maintenance.rescue(house.tools)
        assert await house.jobs() == [("transcode", "todo")]
        slow = replace(house.tools, encoder=Encoder(str(slow_ffmpeg), threads=1))
        async with working(slow):
            await until(house.is_in_the_second_run)
            frozen.send_signal(signal.SIGCONT)

            async def has_noticed() -> bool:
                return "attempt 1 was overtaken" in log.read_text()

            await until(has_noticed)
            assert await house.jobs() == [("transcode", "doing")]  # the other one's still

            async def is_over() -> bool:
                return (await house.task()).status is TaskStatus.SUCCEEDED

            await until(is_over)
        frozen.send_signal(signal.SIGTERM)
        assert await asyncio.to_thread(frozen.wait, 15) == 0
    await house.check_ready_once(attempt=2)
    assert await house.attempts_with_files() == {2}


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


async def test_cancelling_a_task_stops_its_ffmpeg(
    house: House, data: bytes, slow_ffmpeg: Path
) -> None:
    await house.add(data)
    slow = replace(house.tools, encoder=Encoder(str(slow_ffmpeg), threads=1))
    async with working(slow):
        await until(house.is_in_the_middle)
        started = time.monotonic()
        task = await house.task()
        payload = await house.api.run(cancelling.TASK, id=ids.encode("TranscodeTask", task.id))
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


async def test_a_worker_is_known_while_it_works(house: House) -> None:
    lanes = choose(worker.LANES, queues="transcode,clip", concurrency="clip=2")

    async def is_known() -> bool:
        return await house.rows(Worker) != []

    async with working(house.tools, lanes):
        await until(is_known)
        (row,) = await house.rows(Worker)
        assert row.name == house.tools.worker
        served = {tuple(one.queues): one.slots for one in await house.rows(WorkerLane)}
        assert served == {("transcode",): 1, ("clip",): 2, ("rescue",): 1}
    assert await house.rows(Worker) == []
    assert await house.rows(WorkerLane) == []


async def test_a_worker_that_was_forgotten_makes_itself_known_again(house: House) -> None:
    async def is_known() -> bool:
        return await house.rows(Worker) != []

    async with working(house.tools, worker.LANES[-1:]):
        await until(is_known)
        (row,) = await house.rows(Worker)
        async with house.tools.db.write() as session:
            await workers.leave(session, row.id)
        await until(is_known)
        assert [one.id == row.id for one in await house.rows(Worker)] == [False]
