"""A worker that fetches, with its tables and its store, seen from within."""

import asyncio
import os
from dataclasses import dataclass
from typing import Any, TypeAlias

from sqlalchemy import select, text

from db.models import Task
from db.session import Database
from domain.tasks import TaskKind, TaskStatus
from jobs import queue, worker
from jobs.lanes import Lane
from jobs.runs import Tools
from schema import ids
from tests.support import tables
from tests.support.api import Api
from tests.support.site import Page

Halfway: TypeAlias = tuple[str, Page, "asyncio.Task[None]"]
"""A fetch that runs, the page that keeps its second half, and the work on it."""
LANE = Lane([queue.FETCH, queue.INTAKE], 1)


@dataclass(frozen=True)
class House:
    tools: Tools
    api: Api
    strange: frozenset[str]
    """What other tests left in the store."""

    @property
    def db(self) -> Database:
        return self.tools.db

    async def work(self, tools: Tools | None = None) -> None:
        """Run what is due, without transcoding."""
        await worker.work_until_empty(tools or self.tools, [LANE])

    async def hurry(self) -> None:
        """Whatever waits for another try is due now."""
        async with self.db.write() as session:
            await session.execute(text("update fetch_item set retry_at = now()"))
            await session.execute(
                text("update procrastinate_jobs set scheduled_at = now() where queue_name='fetch'")
            )

    async def all(self, kind: type[Any]) -> list[Any]:
        return await tables.rows(self.db, kind)

    async def task(self) -> Task:
        async with self.db.read() as session:
            return (await session.scalars(select(Task).where(Task.kind == TaskKind.FETCH))).one()

    async def task_of(self, id: str) -> Task:
        async with self.db.read() as session:
            return await session.get_one(Task, ids.decode(id, "FetchTask"))

    async def held(self) -> list[str]:
        """What the store has of uploads."""
        found = [one.token async for one in self.tools.store.uploads()]
        return [token for token in found if token not in self.strange]


def padded(clip: bytes) -> bytes:
    """With 4 MiB that players skip: more than what is lost between sockets when one breaks."""
    size = 4 << 20
    return clip + size.to_bytes(4) + b"free" + os.urandom(size - 8)


async def retry(house: House) -> None:
    await change(house, "retryTask", TaskStatus.QUEUED)


async def change(house: House, mutation: str, status: TaskStatus) -> None:
    fields = "task { status } userErrors { code }"
    query = f"mutation ($id: ID!) {{ {mutation}(id: $id) {{ {fields} }} }}"
    id = ids.encode("FetchTask", (await house.task()).id)
    payload = (await house.api.run(query, id=id))[mutation]
    assert payload == {"task": {"status": status.name}, "userErrors": []}
