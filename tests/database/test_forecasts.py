"""Places in the queues and expected ends, against a simple model of them."""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

import psycopg
import pytest
from sqlalchemy import text

from db import forecasts, workers
from db.models import Task, Video
from db.session import Database
from domain.forecasts import Forecast
from domain.tasks import TaskStatus
from domain.videos import TranscodePass
from resolvers.context import Services
from tests.support import factories
from tests.support.statements import recorded

QUEUES = ("first_play", "transcode", "clip")
PASSES = {"first_play": TranscodePass.FIRST_PLAY, "transcode": TranscodePass.LADDER, "clip": None}
DURATION_S = 4
"""Of the videos that `factories` make."""


@dataclass
class House:
    """A database with workers and tasks in it."""

    db: Database
    wiper: psycopg.Connection
    video: Video

    async def worker(self, *lanes: tuple[Sequence[str], int]) -> UUID:
        async with self.db.write() as session:
            return await workers.register(session, "here:1", lanes)

    async def task(self, **values: Any) -> Task:
        """A queued job of the transcode queue, unless the values say otherwise."""
        kind = PASSES[values.get("queue", "transcode")]
        task = await factories.transcode_task(self.db, values.pop("video", self.video))
        async with self.db.write() as session:
            row = await session.get_one(Task, task.id)
            row.transcode_pass, row.queue = kind, "transcode"
            for name, value in values.items():
                setattr(row, name, value)
        return row

    async def forecasts(self, *tasks: Task) -> tuple[datetime, dict[UUID, Forecast]]:
        """What is expected, and the moment at which."""
        async with self.db.read() as session:
            now = await session.scalar(text("select now()"))
            assert now is not None
            return now, await forecasts.of_tasks(session, [task.id for task in tasks])

    async def in_seconds(self, *tasks: Task) -> list[float | None]:
        """In how many seconds each of them is expected to be done."""
        now, found = await self.forecasts(*tasks)
        base = now.replace(microsecond=0)
        return [one.ready_at and (one.ready_at - base).total_seconds() for one in found.values()]

    async def positions(self, *tasks: Task) -> list[int | None]:
        _, found = await self.forecasts(*tasks)
        return [one.position for one in found.values()]


@pytest.fixture
async def house(services: Services, owner: factories.Owner, wiper: psycopg.Connection) -> House:
    return House(services.db, wiper, await factories.video(services.db, owner.account))


def after(now: datetime, seconds: float) -> datetime:
    return (now + timedelta(seconds=seconds)).replace(microsecond=0)


async def test_jobs_go_by_priority_and_then_by_age(house: House) -> None:
    late, early, urgent = [
        await house.task(job_id=job_id, priority=priority)
        for job_id, priority in ((30, 0), (20, 0), (40, 1))
    ]
    assert await house.positions(late, early, urgent) == [2, 1, 0]


async def test_only_what_waits_for_a_worker_has_a_position(house: House) -> None:
    found = [
        await house.task(job_id=1, status=TaskStatus.RUNNING),
        await house.task(job_id=2, status=TaskStatus.PAUSED),
        await house.task(job_id=3, status=TaskStatus.FAILED),
        await house.task(job_id=None),
        await house.task(job_id=5, queue="clip"),
        await house.task(job_id=6),
    ]
    assert await house.positions(*found) == [None, None, None, None, 0, 0]


async def test_others_are_counted_whosever_they_are(house: House) -> None:
    stranger = await factories.owner(house.db)
    video = await factories.video(house.db, stranger.account)
    await house.task(job_id=1, video=video)
    assert await house.positions(await house.task(job_id=2)) == [1]


async def test_what_is_ahead_is_shared_by_the_slots(house: House) -> None:
    await house.worker((["transcode", "clip"], 1), (["transcode"], 1))
    await house.task(job_id=1, status=TaskStatus.RUNNING, cost_s=40, progress=0.5)
    await house.task(job_id=2, status=TaskStatus.RUNNING, cost_s=99, progress=0.25, speed=0.5)
    third = await house.task(job_id=3, cost_s=10)
    fourth = await house.task(job_id=4, cost_s=100)
    assert await house.in_seconds(third, fourth) == [(20 + 6) / 2 + 10, (20 + 6 + 10) / 2 + 100]


async def test_a_job_that_finds_a_free_slot_waits_for_nothing(house: House) -> None:
    await house.worker((["transcode"], 2))
    await house.task(job_id=1, status=TaskStatus.RUNNING, cost_s=40)
    second, third = await house.task(job_id=2, cost_s=10), await house.task(job_id=3, cost_s=10)
    assert await house.in_seconds(second, third) == [10, (40 + 10) / 2 + 10]


async def test_what_runs_is_judged_by_its_speed_if_it_is_known(house: House) -> None:
    await house.worker((["transcode"], 2))
    by_speed = await house.task(
        job_id=1, status=TaskStatus.RUNNING, progress=0.5, speed=0.25, cost_s=1
    )
    by_cost = await house.task(job_id=2, status=TaskStatus.RUNNING, progress=0.75, cost_s=80)
    assert await house.in_seconds(by_speed, by_cost) == [DURATION_S / 2 / 0.25, 20]


async def test_nothing_is_expected_while_nobody_works(house: House) -> None:
    id = await house.worker((["transcode"], 1))
    found = [
        await house.task(job_id=1, status=TaskStatus.RUNNING, cost_s=10),
        await house.task(job_id=2, cost_s=10),
        await house.task(job_id=3, cost_s=10, queue="clip"),
    ]
    assert await house.in_seconds(*found) == [10, 20, None]
    house.wiper.execute("update worker set heard_at = now() - interval '16 s' where id = %s", [id])
    assert await house.in_seconds(*found) == [None, None, None]
    assert await house.positions(*found) == [None, 0, 0]


async def test_nothing_is_expected_of_what_is_over_or_paused_or_unknown(house: House) -> None:
    await house.worker((QUEUES, 1))
    others = set(TaskStatus) - {TaskStatus.QUEUED, TaskStatus.RUNNING}
    found = [await house.task(job_id=1, cost_s=10, status=status) for status in others]
    found.append(await house.task(job_id=1, cost_s=None))
    assert await house.in_seconds(*found) == [None] * len(found)


async def test_a_ladder_waits_for_its_first_play(house: House) -> None:
    await house.worker((["first_play"], 1), (["transcode"], 1))
    await house.task(queue="first_play", job_id=1, status=TaskStatus.RUNNING, cost_s=30)
    await house.task(queue="first_play", job_id=2, cost_s=20)
    ladder = await house.task(cost_s=100)
    stranger = await factories.owner(house.db)
    other = await house.task(cost_s=7, video=await factories.video(house.db, stranger.account))
    async with house.db.write() as session:  # only one of the first plays is of this video
        first = (await session.execute(text("select id from task where job_id = 1"))).scalar_one()
        await session.execute(
            text("update task set video_id = :video where id = :id"),
            {"video": other.video_id, "id": first},
        )
    assert await house.in_seconds(ladder, other) == [30 + 20 + 100, 30 + 7]
    assert await house.positions(ladder, other) == [None, None]


async def test_numbers_that_cannot_be_do_no_harm(house: House) -> None:
    await house.worker((["transcode"], 1))
    nan = await house.task(job_id=1, status=TaskStatus.RUNNING, progress=float("nan"), cost_s=5)
    past = await house.task(job_id=2, status=TaskStatus.RUNNING, progress=7.5, cost_s=5)
    last = await house.task(job_id=3, cost_s=float("inf"))
    assert await house.in_seconds(nan, past, last) == [1e8, 0, 1e8]


async def test_any_number_of_tasks_is_one_statement(house: House, services: Services) -> None:
    found = [await house.task(job_id=number) for number in range(20)]
    for some in (found[:1], found):
        with recorded(services) as statements:
            async with house.db.read() as session:
                await forecasts.of_tasks(session, [one.id for one in some])
        assert len(statements) == 1


ALIVE = (TaskStatus.QUEUED, TaskStatus.RUNNING)


@dataclass
class Model:
    """The queues, done by hand."""

    tasks: Sequence[Task]
    slots: dict[str, int]
    now: datetime

    def left_s(self, task: Task) -> float | None:
        runs = task.status is TaskStatus.RUNNING
        if runs and task.speed:
            return (1 - task.progress) * DURATION_S / task.speed
        return task.cost_s and (1 - task.progress if runs else 1) * task.cost_s

    def ahead(self, task: Task) -> tuple[list[Task], list[Task]]:
        """The jobs that run, and those that wait in front of it."""
        jobs = [one for one in self.tasks if one.queue == task.queue and one.job_id]
        running = [one for one in jobs if one.status is TaskStatus.RUNNING]
        waiting = [one for one in jobs if one.status is TaskStatus.QUEUED]
        waiting.sort(key=lambda one: (-one.priority, one.job_id))
        return running, waiting[: waiting.index(task)] if task in waiting else waiting

    def done_s(self, task: Task) -> float | None:
        own_s, most = self.left_s(task), self.slots.get(task.queue or "", 0)
        if own_s is None or not most:
            return None
        if task.status is TaskStatus.RUNNING:
            return own_s
        before = [one for some in self.ahead(task) for one in some]
        work_s = sum(self.left_s(one) or 0 for one in before)
        starts: list[float | None] = [work_s / most if len(before) >= most else 0.0]
        starts += [self.done_s(first) for first in self.before(task)]
        return None if None in starts else max(one for one in starts if one is not None) + own_s

    def before(self, task: Task) -> list[Task]:
        """What it follows."""
        if task.job_id or task.queue != "transcode":
            return []
        firsts = (one for one in self.tasks if one.queue == "first_play")
        return [one for one in firsts if one.status in ALIVE]

    def forecast(self, task: Task) -> Forecast:
        if task.status not in ALIVE:
            return Forecast()
        waits = task.status is TaskStatus.QUEUED and task.job_id
        seconds = self.done_s(task)
        return Forecast(
            len(self.ahead(task)[1]) if waits else None,
            None if seconds is None else after(self.now, seconds),
        )


@pytest.mark.parametrize("seed", range(25))
async def test_the_statement_agrees_with_the_model(house: House, seed: int) -> None:
    draw = random.Random(seed)  # noqa: S311  (a test's own)
    slots: dict[str, int] = {}
    for _ in range(draw.randrange(4)):
        served, count = draw.sample(QUEUES, draw.randint(1, 3)), draw.randint(1, 3)
        await house.worker((served, count))
        for queue in served:
            slots[queue] = slots.get(queue, 0) + count
    tasks: list[Task] = []
    for number in range(draw.randint(1, 14)):
        first = number == 0  # of the one video, there is one first play
        queue = "first_play" if first else draw.choice(QUEUES[1:])
        status = draw.choice([TaskStatus.QUEUED, TaskStatus.QUEUED, *TaskStatus])
        has_job = status is not TaskStatus.QUEUED or first or draw.random() < 0.8
        tasks.append(
            await house.task(
                queue=queue,
                status=status,
                job_id=draw.randrange(1, 10**6) if has_job else None,
                priority=draw.randrange(2),
                cost_s=draw.choice([None, 8.0, 20.0, 3600.0]),
                progress=draw.choice([0.0, 0.25, 0.5]),
                speed=draw.choice([None, 0.5, 2.0]),
            )
        )
    now, found = await house.forecasts(*tasks)
    model = Model(tasks, slots, now)
    assert found == {task.id: model.forecast(task) for task in tasks}
