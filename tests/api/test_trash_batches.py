"""Deleting and restoring many videos at once."""

import asyncio
import random

from sqlalchemy import text

from db.models import Task
from domain.events import EventType
from domain.tasks import TaskStatus
from domain.videos import TranscodePass
from resolvers.context import Services
from schema import ids
from tests.support import factories, trashing
from tests.support.api import Api
from tests.support.statements import recorded
from tests.support.tables import due_tasks, events, rows
from tests.support.trashing import delete, many_being_made, restore


async def test_many_are_deleted_by_as_many_statements_as_one(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    many = await many_being_made(services, owner, 12)
    await delete(api, ids.encode("Video", "00000000-0000-0000-0000-000000000000"))
    with recorded(services) as one:
        await delete(api, many[0])
    with recorded(services) as others:
        payload = await delete(api, *many[1:])
    assert payload["changedCount"] == 11
    assert len(others) == len(one)


async def test_many_are_restored_by_as_many_statements_as_one(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    many = await many_being_made(services, owner, 12)
    await delete(api, *many)
    with recorded(services) as one:
        await restore(api, many[0])
    with recorded(services) as others:
        payload = await restore(api, *many[1:])
    assert payload["changedCount"] == 11
    assert len(others) == len(one)
    waiting = await rows(services.db, Task)
    assert [one.status for one in waiting] == [TaskStatus.QUEUED] * 36
    queued = {str(one.id) for one in waiting if one.transcode_pass is not TranscodePass.LADDER}
    assert set(await due_tasks(services.db)) == queued
    async with services.db.read() as session:
        found = await session.execute(
            text(
                "select task.id::text, job.args ->> 'task_id', task.queue = job.queue_name,"
                " task.priority = job.priority from task join procrastinate_jobs job"
                " on job.id = task.job_id"
            )
        )
        assert {tuple(row) for row in found} == {(id, id, True, True) for id in queued}


async def test_20_batches_of_the_same_videos_at_once_are_one_after_the_other(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    """In whatever order they name them, and whatever they do with them."""
    many = await many_being_made(services, owner, 10)
    names = ["deleteVideos", "restoreVideos"] * 10
    orders = [random.sample(many, len(many)) for _ in names]
    payloads = await asyncio.gather(
        *(trashing.change(api, name, *order) for name, order in zip(names, orders, strict=True))
    )
    changed = dict.fromkeys(names, 0)
    for name, payload in zip(names, payloads, strict=True):
        assert payload["changedCount"] in {0, 10}
        changed[name] += payload["changedCount"]
    rest = await delete(api, *many)
    assert changed["deleteVideos"] == changed["restoreVideos"] + 10 - rest["changedCount"]
    news = await events(services.db)
    assert news.count(EventType.VIDEO_RESTORED) == changed["restoreVideos"]
    assert news.count(EventType.VIDEO_DELETED) == changed["deleteVideos"] + rest["changedCount"]
    assert {one.status for one in await rows(services.db, Task)} == {TaskStatus.CANCELLED}
