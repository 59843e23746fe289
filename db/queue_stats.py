"""Statements about how much work an account has, and who does it."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from sqlalchemy import text

from db import workers
from db.session import ReadSession
from domain.queue_stats import Loads, QueueLoad

_OWN: Final = text("""
select queue,
    count(*) filter (where status = 'queued') as queued,
    count(*) filter (where status = 'running') as running,
    floor(extract(epoch from
        now() - min(queued_at) filter (where status = 'queued' and job_id is not null)
    ))::int as oldest_wait_s
from task
where account_id = :account_id and status in ('queued', 'running')
group by queue
""")


async def loads(session: ReadSession, account_id: UUID, queues: Sequence[str]) -> Loads:
    """What an account has in each of these queues, in their order, and who works on it."""
    found = await session.execute(_OWN, {"account_id": account_id})
    own = {row.queue: row for row in found}
    slots = await workers.slots(session)
    return Loads(
        tuple(
            QueueLoad(
                name,
                own[name].queued if name in own else 0,
                own[name].running if name in own else 0,
                slots.get(name, 0),
            )
            for name in queues
        ),
        await workers.count(session),
        max((row.oldest_wait_s or 0 for row in own.values()), default=0),
    )
