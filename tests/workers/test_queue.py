"""When a job is queued, and when it runs again."""

import asyncio
from datetime import UTC, datetime

import pytest
from procrastinate.exceptions import JobAborted
from procrastinate.jobs import Job
from sqlalchemy import text

from db.models import Task
from jobs.runs import Backoff, Tools
from tests.support import factories


class Stopped(Exception):
    """The transaction is given up."""


async def test_a_job_is_queued_only_when_its_transaction_commits(
    tools: Tools, owner: factories.Owner
) -> None:
    video = await factories.video(tools.db, owner.account)
    task = await factories.transcode_task(tools.db, video)

    async def defer_and_stop() -> None:
        async with tools.db.write() as session:
            await tools.queue.defer(session, task)
            raise Stopped

    with pytest.raises(Stopped):
        await defer_and_stop()
    async with tools.db.read() as session:
        assert await session.scalar(text("select count(*) from procrastinate_jobs")) == 0
        assert (await session.get_one(Task, task.id)).job_id is None


@pytest.mark.parametrize(
    ("attempts", "least", "most"),
    [(0, 2, 2), (1, 3, 5), (3, 13, 19), (9, 240, 360), (99, 240, 360)],
)
def test_a_job_waits_longer_after_each_failure(attempts: int, least: int, most: int) -> None:
    decision = Backoff().get_retry_decision(exception=ValueError(), job=a_job(attempts))
    assert decision is not None
    assert decision.retry_at is not None
    wait_s = (decision.retry_at - datetime.now(UTC)).total_seconds()
    assert least - 1 <= wait_s <= most


def test_a_job_runs_again_at_once_after_a_shutdown_and_never_after_a_cancel() -> None:
    again = Backoff().get_retry_decision(exception=asyncio.CancelledError(), job=a_job(9))
    assert again is not None
    assert again.retry_at is None
    assert Backoff().get_retry_decision(exception=JobAborted(), job=a_job(9)) is None


def a_job(attempts: int) -> Job:
    return Job(id=1, queue="", lock=None, queueing_lock=None, task_name="", attempts=attempts)
