"""One run of a task: claimed, reported, and ended in exactly one way.

The queue may deliver a job twice, and a worker may freeze and wake up later. Every run
therefore claims a higher `attempt`, and each of its writes holds only while that attempt is
the latest one.
"""

import asyncio
import logging
import random
import time
import uuid
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from uuid import UUID

import procrastinate
from procrastinate.exceptions import JobAborted
from procrastinate.job_context import AbortReason
from procrastinate.jobs import Job

from db import runs
from db.bus import EventBus
from db.locks import Locks
from db.models import Task
from db.session import Database
from domain import trash
from domain.error_codes import ErrorCode
from domain.errors import DomainError, StorageBusy, StorageFull, TranscodeFailed
from domain.tasks import MAX_ATTEMPTS
from domain.uploads import UploadLimits
from jobs import outcomes
from jobs.queue import Queue
from jobs.workspace import Workspace
from media.passes import Encoder
from outbound.client import Client
from storage.base import ObjectStore

log = logging.getLogger(__name__)

_REPORT_EVERY_S = 0.5
_BACKOFF_S, _BACKOFF_CAP_S = 2, 300


@dataclass(frozen=True, slots=True)
class Tools:
    """What a job may use; the worker hands it to every run."""

    db: Database
    store: ObjectStore
    queue: Queue
    bus: EventBus
    locks: Locks
    encoder: Encoder
    client: Client
    """Asks the servers of strangers."""
    bytes_per_s: int | None
    """How fast each of their files may come; None for no limit."""
    workspace: Workspace
    limits: UploadLimits
    worker: str
    """The name shown on the tasks that this process runs."""
    trash_days: int = trash.DAYS
    """How long deleted videos can be restored."""


class Overtaken(Exception):
    """The task was cancelled or paused, or another run took it over.

    This one stops without a word, and leaves the task as it is.
    """


class Waiting(Exception):
    """Another task is making what this one is to make: look again in a moment."""


class Internal(DomainError):
    """A bug, as the owner of the task may see it; the log has the rest under the same id."""

    code = ErrorCode.INTERNAL

    def __init__(self, error_id: str) -> None:
        super().__init__(f"Internal error {error_id}.")


@dataclass(slots=True)
class Run:
    """The latest attempt at a task."""

    tools: Tools
    task: Task
    _began_at: float = field(default_factory=time.monotonic, init=False)
    _reported_at: float = field(default=0.0, init=False)

    @property
    def seconds(self) -> float:
        """How long it has run."""
        return time.monotonic() - self._began_at

    async def report(self, progress: float, speed: float | None = None) -> None:
        """Note the progress, 0.0 to 1.0, at most twice a second. Raises `Overtaken`."""
        if time.monotonic() - self._reported_at < _REPORT_EVERY_S:
            return
        self._reported_at = time.monotonic()
        async with self.tools.db.write() as session:
            mine = await runs.report(session, self.task, progress=progress, speed=speed)
        if not mine:
            raise Overtaken
        self.tools.bus.wake_soon(*outcomes.topics(self.task))


Work = Callable[[Run], Awaitable[None]]


async def perform(
    context: procrastinate.JobContext, tools: Tools, task_id: UUID, work: Work
) -> None:
    """Run `work` on the task unless it is over, and see to whatever way it ends."""
    async with tools.db.write() as session:
        task = await runs.claim(session, task_id, worker=tools.worker)
        if task is None:
            return
        await outcomes.wake_watchers(session, task)
    run = Run(tools, task)
    try:
        await work(run)
    except Overtaken:
        log.info("task %s: attempt %s was overtaken", task.id, task.attempt)
    except asyncio.CancelledError:
        await _put_back(run, failed=False, reason=None)
        if context.abort_reason() is AbortReason.USER_REQUEST:
            raise JobAborted from None
        raise
    except Waiting:
        await _put_back(run, failed=False, reason=None)
        raise
    except (StorageFull, StorageBusy) as failure:  # it passes; nothing that was sent may be lost
        await _put_back(run, failed=False, reason=str(failure))
        raise
    except DomainError as failure:
        await _fail(run, failure)
    except Exception as bug:
        error_id = uuid.uuid4().hex[:12]
        log.exception("task %s: internal error %s", task.id, error_id)
        await _fail_or_retry(run, Internal(error_id), cause=bug)


async def _fail_or_retry(run: Run, failure: DomainError, *, cause: Exception | None = None) -> None:
    if run.task.failures + 1 >= MAX_ATTEMPTS:
        await _fail(run, failure)
        return
    await _put_back(run, failed=True, reason=str(failure))
    raise cause or failure


async def _fail(run: Run, failure: DomainError) -> None:
    output = failure.log if isinstance(failure, TranscodeFailed) else None
    async with run.tools.db.write() as session:
        await outcomes.lock_video(session, run.task)
        if await runs.fail(session, run.task, failure, log=output):
            await outcomes.failed(session, run.task, failure)
    log.info("task %s failed: %s", run.task.id, failure)


async def _put_back(run: Run, *, failed: bool, reason: str | None) -> None:
    async with run.tools.db.write() as session:
        if await runs.put_back(session, run.task, failed=failed, reason=reason):
            await outcomes.interrupted(session, run.task)


class Backoff(procrastinate.BaseRetryStrategy):
    """Every job that raises runs again: at once after a shutdown, else later and later.

    How often a task may fail is counted on the task, not here.
    """

    def get_retry_decision(
        self, *, exception: BaseException, job: Job
    ) -> procrastinate.RetryDecision | None:
        if isinstance(exception, JobAborted):
            return None
        if isinstance(exception, asyncio.CancelledError):
            return procrastinate.RetryDecision()
        if isinstance(exception, Waiting):
            return procrastinate.RetryDecision(retry_in={"seconds": _BACKOFF_S})
        seconds = min(_BACKOFF_CAP_S, _BACKOFF_S * 2 ** min(job.attempts, 10))
        jitter = random.uniform(0.8, 1.2)  # noqa: S311  (spreads load, not a secret)
        return procrastinate.RetryDecision(retry_in={"seconds": round(seconds * jitter)})
