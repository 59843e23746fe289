"""A pass that is cancelled in the middle leaves nothing behind, and can be run again."""

import asyncio
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from sqlalchemy import select

from db.models import PlaySet, Task, TemplateCost, Video
from domain.error_codes import ErrorCode
from domain.play_sets import PlaySetStatus
from domain.simulation import Simulation
from domain.tasks import TaskStatus
from domain.videos import TranscodePass
from jobs import queue, worker
from jobs.lanes import Lane
from jobs.runs import Tools
from schema import ids
from server.settings import Settings
from storage import keys
from tests.support import samples, uploading
from tests.support.api import Api
from tests.support.factories import template
from tests.support.waiting import until

CHANGE = "mutation ($id: ID!) { NAME(id: $id) { task { status } userErrors { message } } }"


@pytest.fixture(scope="session")
def data(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = tmp_path_factory.mktemp("stops") / "source.mp4"
    return samples.make(path, seconds=6, size="160x90", audio=False).read_bytes()


@dataclass(frozen=True)
class House:
    tools: Tools
    api: Api
    settings: Settings

    async def first_play(self) -> Task:
        async with self.tools.db.read() as session:
            wanted = select(Task).where(Task.transcode_pass == TranscodePass.FIRST_PLAY)
            return (await session.scalars(wanted)).one()

    async def change(self, name: str, task: Task) -> None:
        document, id = CHANGE.replace("NAME", name), ids.encode("TranscodeTask", task.id)
        assert (await self.api.run(document, id=id))[name]["userErrors"] == []

    async def play_set(self) -> PlaySet:
        task = await self.first_play()
        async with self.tools.db.read() as session:
            return (await session.scalars(select(PlaySet).where(PlaySet.task_id == task.id))).one()

    async def set_pace(self, simulation: Simulation | None) -> None:
        """How fast passes of the video read it; None: as fast as they can."""
        async with self.tools.db.write() as session:
            video = (await session.scalars(select(Video))).one()
            video.simulation = simulation and simulation.to_json()

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

    async def files(self) -> list[str]:
        """What the passes keep, in the making or in the store."""
        made = [
            str(one)
            for one in self.settings.data_dir.glob("work/worker-*/**/*")
            if one.name != "lock"
        ]
        async with self.tools.db.read() as session:
            video = (await session.scalars(select(Video))).one()
        assert video.content_id is not None
        prefix = keys.task(video.content_id, (await self.first_play()).id)
        return made + [one.key async for one in self.tools.store.list(prefix)]


@pytest.fixture
async def house(tools: Tools, api: Api, settings: Settings, data: bytes) -> House:
    """A video whose first play is queued, and takes its time."""
    house = House(tools, api, settings)
    await uploading.send(api, data)
    await worker.work_until_empty(tools, [Lane([queue.INTAKE], 1)])
    await house.set_pace(Simulation(duration_ms=6_000, pace=0.5))
    async with tools.db.read() as session:
        wanted = select(Task).where(Task.transcode_pass == TranscodePass.ORIGIN)
        origin = (await session.scalars(wanted)).one()
    await house.change("cancelTask", origin)
    return house


@asynccontextmanager
async def working(tools: Tools) -> AsyncGenerator[None]:
    task = asyncio.create_task(worker.work(tools, [Lane([queue.FIRST_PLAY], 1)]))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.wait([task])


async def test_a_cancelled_pass_is_gone_within_seconds_and_can_be_made_again(house: House) -> None:
    async def runs() -> bool:
        return len(house.encoders()) == 1 and (await house.first_play()).command is not None

    async def is_gone() -> bool:
        return house.encoders() == [] and await house.files() == []

    async def is_over() -> bool:
        return (await house.first_play()).status is TaskStatus.SUCCEEDED

    async with working(house.tools):
        await until(runs)
        assert await house.files() != []
        task, started = await house.first_play(), time.monotonic()
        await house.change("cancelTask", task)
        await until(is_gone)
        assert time.monotonic() - started < 10
        failed = await house.play_set()
        assert (failed.status, failed.error_code, failed.error_message) == (
            PlaySetStatus.TRANSCODE_FAILED,
            ErrorCode.CANCELLED,
            "The task was cancelled.",
        )
        await house.set_pace(None)
        await house.change("retryTask", task)
        await until(is_over)
    ready = await house.play_set()
    assert (ready.id, ready.status, ready.error_code) == (failed.id, PlaySetStatus.READY, None)
    assert (await house.first_play()).attempt == 2
    async with house.tools.db.read() as session:
        (learned,) = (await session.scalars(select(TemplateCost))).all()
    assert learned.template_id == template(ready.resolution).id
    assert (learned.source_class, learned.samples) == ("240p30", 1)
    assert 0 < learned.cost < 5
