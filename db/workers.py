"""Who runs jobs: each worker process says what it serves, and every few seconds that it lives."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final
from uuid import UUID

from sqlalchemy import ColumnElement, delete, func, select, true, update

from db import events
from db.models import Worker, WorkerLane
from db.session import ReadSession, WriteSession

ALIVE_FOR: Final = timedelta(seconds=15)
"""A worker that was not heard of for so long is taken for dead: its slots do not count."""
FORGOTTEN_AFTER: Final = timedelta(hours=1)
"""After so long a worker that died without a word is removed; see `forget`."""
TOPIC: Final = "workers"
"""Wakes whoever watches how many there are; nobody says when one dies silently."""


def is_alive() -> ColumnElement[bool]:
    """Of a row of `Worker`."""
    return Worker.heard_at > func.now() - ALIVE_FOR


async def register(
    session: WriteSession, name: str, lanes: Sequence[tuple[Sequence[str], int]]
) -> UUID:
    """Make a worker known; returns the id for what follows.

    A lane is the queues that it serves together, and how many of their jobs it runs at once.
    """
    worker = Worker(name=name)
    session.add(worker)
    await session.flush()
    session.add_all(
        WorkerLane(worker_id=worker.id, queues=list(queues), slots=slots) for queues, slots in lanes
    )
    await events.wake(session, TOPIC)
    return worker.id


async def beat(session: WriteSession, id: UUID) -> bool:
    """The worker lives. False when it was forgotten: then it has to register again."""
    heard = await session.scalar(
        update(Worker).where(Worker.id == id).values(heard_at=func.now()).returning(Worker.id)
    )
    return heard is not None


async def leave(session: WriteSession, id: UUID) -> None:
    """The worker ends now: nothing is expected of it any more. Safe to repeat."""
    await session.execute(delete(Worker).where(Worker.id == id))
    await events.wake(session, TOPIC)


async def forget(session: WriteSession, before: datetime) -> int:
    """Remove workers that were last heard of before then; returns how many."""
    gone = await session.scalars(
        delete(Worker).where(Worker.heard_at < before).returning(Worker.id)
    )
    if count := len(gone.all()):
        await events.wake(session, TOPIC)
    return count


async def slots(session: ReadSession) -> dict[str, int]:
    """How many jobs of each queue living workers can run at once.

    A lane that serves several queues counts for each of them.
    """
    served = func.unnest(WorkerLane.queues).table_valued("queue").render_derived()
    found = await session.execute(
        select(served.c.queue, func.sum(WorkerLane.slots))
        .join_from(Worker, WorkerLane, WorkerLane.worker_id == Worker.id)
        .join(served, true())
        .where(is_alive())
        .group_by(served.c.queue)
    )
    return {name: int(count) for name, count in found}


async def count(session: ReadSession) -> int:
    """How many workers live."""
    return await session.scalar(select(func.count()).where(is_alive())) or 0
