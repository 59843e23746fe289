"""What is seen to from time to time."""

import asyncio
from datetime import UTC, datetime, timedelta
from uuid import UUID

from croniter import croniter
from prometheus_client import REGISTRY
from sqlalchemy import select, text

from db import runs, workers
from db.models import Event, PlaySet, Task, UploadSession, Video, Worker
from domain.error_codes import ErrorCode
from domain.events import EventType, topic
from domain.play_sets import PlaySetStatus
from domain.tasks import MAX_TAKEOVERS, TaskStatus
from domain.uploads import UploadStatus
from domain.videos import Resolution, VideoStatus
from jobs import maintenance, worker
from jobs.runs import Tools
from schema import ids
from server import wiring
from server.settings import Settings
from tests.support import factories, uploading
from tests.support.api import Api


async def test_an_upload_whose_time_is_over_gives_its_room_back(
    tools: Tools, api: Api, settings: Settings
) -> None:
    begun = [(await uploading.begin(api, b"abc"))["id"] for _ in range(3)]
    late, complete, open_ = (ids.decode(id, "UploadSession") for id in begun)
    await uploading.put(api, begun[1], 1, b"abc")
    await uploading.complete(api, begun[1], uploading.sha256(b"abc"))
    async with tools.db.write() as session:
        rows = {row.id: row for row in await session.scalars(select(UploadSession))}
        tokens = {id: row.storage_token for id, row in rows.items()}
        for id in (late, complete):
            rows[id].expires_at = datetime.now(UTC) - timedelta(seconds=1)
    async with tools.bus.subscribe(topic("upload", late)) as watcher, asyncio.timeout(5):
        await maintenance.expire_uploads(tools)
        await watcher.changed()
    async with tools.db.read() as session:
        statuses = {row.id: row.status for row in await session.scalars(select(UploadSession))}
    assert statuses == {
        late: UploadStatus.EXPIRED,
        complete: UploadStatus.VERIFYING,
        open_: UploadStatus.WAITING,
    }
    uploads = settings.data_dir / "storage" / "uploads"
    exists = {id: (uploads / token).exists() for id, token in tokens.items()}
    assert exists == {late: False, complete: True, open_: True}


def test_each_duty_has_its_interval(tools: Tools) -> None:
    periodic = tools.queue.app.periodic_registry.periodic_tasks
    crons = {name: one.cron for (name, _), one in periodic.items()}
    assert {name: interval_s(cron) for name, cron in crons.items()} == {
        "rescue": 5,
        "expire": 60,
        "collect": 60,
        "forget_wrong_passwords": 60,
        "recommend": 600,
        "scrub": 600,
        "expire_exports": 3600,
        "empty_trash": 3600,
    }


async def test_another_worker_of_the_process_takes_no_duties_along(
    tools: Tools, settings: Settings, database_url: str
) -> None:
    async with (
        wiring.open_services(settings, database_url) as others,
        wiring.open_tools(settings, others),
    ):
        pass  # it ends, and its connections with it
    await tools.queue.app.tasks["collect"].defer_async(timestamp=0)
    await worker.work_until_empty(tools)
    assert await jobs(tools) == []


def interval_s(cron: str) -> float:
    times = croniter(cron, datetime.now(UTC))
    first = times.get_next(float)
    return times.get_next(float) - first


FETCH = """
update procrastinate_jobs set status = 'doing', worker_id = :worker
where id = (select max(id) from procrastinate_jobs where status = 'todo') returning id
"""


async def die_with_a_job(tools: Tools) -> int:
    """What a worker leaves that took the newest job and then died; returns the job's id."""
    async with tools.db.write() as session:
        dead = await session.scalar(
            text(
                "insert into procrastinate_workers (last_heartbeat)"
                " values (now() - interval '1 hour') returning id"
            )
        )
        return await session.scalar(text(FETCH), {"worker": dead})


async def jobs(tools: Tools) -> list[tuple[object, ...]]:
    query = text("select task_name, status::text from procrastinate_jobs order by id")
    async with tools.db.read() as session:
        return [tuple(row) for row in await session.execute(query)]


async def read_task(tools: Tools, id: UUID) -> Task:
    async with tools.db.read() as session:
        return await session.get_one(Task, id)


async def lose(tools: Tools, task: Task, *, worker: str = "a:1") -> int:
    """A run of the task that dies with its worker; returns the job's id."""
    job = await die_with_a_job(tools)
    async with tools.db.write() as session:
        assert await runs.claim(session, task.id, worker=worker) is not None
    return job


async def queued_task(tools: Tools, owner: factories.Owner) -> Task:
    video = await factories.video(tools.db, owner.account)
    task = await factories.transcode_task(tools.db, video, Resolution.P360)
    async with tools.db.write() as session:
        await tools.queue.defer(session, task)
    return task


async def test_a_job_that_lost_its_worker_is_queued_again_as_another_job(
    tools: Tools, owner: factories.Owner
) -> None:
    """The dead worker may only have been frozen: it must not end the new run's job."""
    task = await queued_task(tools, owner)
    lost = await lose(tools, task)
    before = taken_over("transcode")
    await maintenance.rescue(tools)
    row = await read_task(tools, task.id)
    assert (row.status, row.attempt, row.failures) == (TaskStatus.QUEUED, 1, 1)
    assert row.error_message == "The worker a:1 was lost."
    assert row.job_id is not None
    assert row.job_id > lost
    assert await jobs(tools) == [("transcode", "todo")]
    assert taken_over("transcode") == before + 1
    await maintenance.rescue(tools)
    assert (await read_task(tools, task.id)).job_id == row.job_id


def taken_over(kind: str) -> float:
    return REGISTRY.get_sample_value("reelgraph_takeovers_total", {"kind": kind}) or 0


async def test_what_kills_every_worker_is_given_up(tools: Tools, owner: factories.Owner) -> None:
    task = await queued_task(tools, owner)
    for number in range(MAX_TAKEOVERS):
        await lose(tools, task, worker=f"a:{number}")
        await maintenance.rescue(tools)
    row = await read_task(tools, task.id)
    assert (row.status, row.attempt) == (TaskStatus.FAILED, MAX_TAKEOVERS)
    assert (row.error_code, row.error_message) == (
        ErrorCode.WORKER_LOST,
        f"The worker a:{MAX_TAKEOVERS - 1} was lost.",
    )
    assert await jobs(tools) == []
    async with tools.db.read() as session:
        assert [one.status for one in await session.scalars(select(PlaySet))] == [
            PlaySetStatus.TRANSCODE_FAILED
        ]
        assert [one.status for one in await session.scalars(select(Video))] == [
            VideoStatus.UPLOAD_FAILED
        ]
        events = {one.type for one in await session.scalars(select(Event))}
    assert events == {EventType.PLAY_SET_FAILED, EventType.VIDEO_FAILED}


async def test_a_job_that_died_before_its_run_began_is_no_failure(
    tools: Tools, owner: factories.Owner
) -> None:
    task = await queued_task(tools, owner)
    await die_with_a_job(tools)
    await maintenance.rescue(tools)
    row = await read_task(tools, task.id)
    assert (row.status, row.attempt, row.failures) == (TaskStatus.QUEUED, 0, 0)
    assert await jobs(tools) == [("transcode", "todo")]


async def test_a_task_that_is_over_is_not_queued_again(
    tools: Tools, owner: factories.Owner
) -> None:
    task = await queued_task(tools, owner)
    await lose(tools, task)
    async with tools.db.write() as session:
        row = await session.get_one(Task, task.id)
        assert await runs.succeed(session, row)
    await maintenance.rescue(tools)
    assert (await read_task(tools, task.id)).status is TaskStatus.SUCCEEDED
    assert await jobs(tools) == []


async def test_a_duty_of_a_dead_worker_keeps_no_other_job_from_being_rescued(
    tools: Tools, owner: factories.Owner
) -> None:
    """The next one waits already, and of each duty only one may wait."""
    await tools.queue.app.tasks["collect"].defer_async(timestamp=0)
    await die_with_a_job(tools)
    await tools.queue.app.tasks["collect"].defer_async(timestamp=60)
    task = await queued_task(tools, owner)
    await lose(tools, task)
    await maintenance.rescue(tools)
    assert await jobs(tools) == [("collect", "todo"), ("transcode", "todo")]


async def test_workers_that_died_long_ago_are_forgotten(tools: Tools) -> None:
    now = datetime.now(UTC)
    async with tools.db.write() as session:
        session.add(Worker(name="old", heard_at=now - workers.FORGOTTEN_AFTER * 2))
        session.add(Worker(name="young", heard_at=now - workers.ALIVE_FOR * 2))
    await maintenance.rescue(tools)
    async with tools.db.read() as session:
        assert [one.name for one in await session.scalars(select(Worker))] == ["young"]
