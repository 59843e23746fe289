"""What has to be seen to from time to time, by one worker for all."""

import logging
from datetime import UTC, datetime

from db import events, uploads
from domain.events import topic
from jobs.runs import Tools

log = logging.getLogger(__name__)

STALLED_AFTER_S = 10
"""A worker that has not been heard of for so long is taken for dead."""


async def rescue(tools: Tools) -> None:
    """Give the jobs of dead workers to living ones. The fence makes a mistake harmless."""
    manager = tools.queue.app.job_manager
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER_S):
        log.warning("job %s (%s) lost its worker and is queued again", job.id, job.task_name)
        await manager.retry_job(job)


async def expire_uploads(tools: Tools) -> None:
    """Close upload sessions whose time is over, and free their bytes."""
    async with tools.db.write() as session:
        expired = await uploads.expire(session, now=datetime.now(UTC))
        if expired:
            await events.wake(session, *(topic("upload", upload.id) for upload in expired))
    for upload in expired:
        await tools.store.abort(str(upload.id))
