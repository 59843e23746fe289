"""What an account's work waits for."""

from db import queue_stats
from domain.queue_stats import Loads
from jobs import queue
from resolvers.context import Context


async def loads(ctx: Context) -> Loads:
    """What the caller has in each queue, and who works on it."""
    async with ctx.services.db.read() as session:
        return await queue_stats.loads(session, ctx.account_id, queue.OF_TASKS)
