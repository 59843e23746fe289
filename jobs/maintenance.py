"""What has to be seen to from time to time, by one worker for all."""

import logging
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from uuid import UUID

from procrastinate.jobs import Job

from db import (
    accounts,
    challenges,
    fetches,
    garbage,
    objects,
    playback,
    queues,
    runs,
    shares,
    tasks,
    uploads,
    workers,
)
from db import trash as bins
from db.models import Content
from db.session import WriteSession
from domain.errors import WorkerLost
from domain.tasks import MAX_TAKEOVERS, READY_TO_RUN, TaskStatus
from domain.uploads import TAKES_CHUNKS, UploadStatus
from jobs import metrics, outcomes, trash
from jobs.runs import Tools
from jobs.uploads import abandon, clear

log = logging.getLogger(__name__)

STALLED_AFTER_S = 10
"""A worker that has not been heard of for so long is taken for dead."""
CLEARED_AFTER = timedelta(minutes=1)
"""How long whoever closes an upload has to free its bytes."""
SCRUB_EVERY = timedelta(days=30)
"""How often every stored content is read."""
PURGED = 50
"""Videos removed for good in one transaction."""
SCRUBBED = 4
"""Contents read in one go."""


async def rescue(tools: Tools) -> None:
    """Give the jobs of dead workers to living ones. The fence makes a mistake harmless."""
    manager = tools.queue.app.job_manager
    for job in await manager.get_stalled_jobs(seconds_since_heartbeat=STALLED_AFTER_S):
        with _logging_failures("job", job.id):
            await _take_over(tools, job)
    async with tools.db.write() as session:
        await workers.forget(session, datetime.now(UTC) - workers.FORGOTTEN_AFTER)


async def _take_over(tools: Tools, job: Job) -> None:
    """Take the job from its worker and queue another one in its place.

    Not the same one: a worker that was only frozen would end it, whoever has it by then.
    What is done from time to time is not queued again, since it will be anyway.
    """
    async with tools.db.write() as session:
        removed = await queues.remove(session, job.id or 0, worker_id=job.worker_id)
        if removed is None:
            return
        if removed.task_id is not None:
            await _queue_again(session, tools, removed.task_id)
    log.warning("job %s (%s) lost its worker and was taken over", job.id, job.task_name)
    metrics.TAKEOVERS.labels(job.task_name).inc()


async def _queue_again(session: WriteSession, tools: Tools, task_id: UUID) -> None:
    """Each time counts as a failure: what kills its workers must not kill all of them."""
    found = (await tasks.by_ids(session, [task_id])).get(task_id)
    if found is None:
        return
    await outcomes.lock_video(session, found)
    task = await tasks.lock(session, found.account_id, task_id)
    if task is not None and task.status is TaskStatus.PAUSED:
        await fetches.rest(session, task.id)  # its worker died before it could say so
    if task is None or task.status not in READY_TO_RUN:
        return
    lost = WorkerLost(task.worker)
    if task.status is TaskStatus.RUNNING and task.failures + 1 >= MAX_TAKEOVERS:
        if await runs.fail(session, task, lost):
            await outcomes.failed(session, task, lost)
        return
    await runs.put_back(session, task, failed=True, reason=str(lost))
    await outcomes.interrupted(session, task)
    await tools.queue.defer(session, task)


async def expire_uploads(tools: Tools) -> None:
    """Close upload sessions whose time is over, and free the bytes of all that are closed."""
    now = datetime.now(UTC)
    async with tools.db.write() as session:
        await challenges.forget(session, now=now)
        await playback.forget_spent(session, now=now)
        due = await uploads.due(session, now=now)
    for id in due:
        with _logging_failures("upload", id):
            await _expire(tools, id, now)
            await clear(tools.db, tools.store, id)
    async with tools.db.read() as session:  # whoever closed these was killed before this
        left = await uploads.uncleared(session, before=now - CLEARED_AFTER)
    for upload in left:
        with _logging_failures("upload", upload.id):
            await clear(tools.db, tools.store, upload.id)


async def forget_wrong_passwords(tools: Tools) -> None:
    """They count for a minute, and tell of addresses: they are not kept for longer."""
    async with tools.db.write() as session:
        await shares.forget(session)


async def _expire(tools: Tools, id: UUID, now: datetime) -> None:
    async with tools.db.write() as session:
        upload = await uploads.lock_with_video(session, id)
        if upload and upload.status in TAKES_CHUNKS and upload.expires_at < now:
            await abandon(session, upload, UploadStatus.EXPIRED)


async def empty_trash(tools: Tools, *, now: datetime | None = None) -> int:
    """Remove videos for good that were deleted too long ago; returns how many that were."""
    before, purged = (now or datetime.now(UTC)) - timedelta(days=tools.trash_days), 0
    async with tools.db.read() as session:
        found = await bins.accounts_due(session, before=before)
    for account_id in found:
        with _logging_failures("recycle bin", account_id):
            while some := await _purge(tools, account_id, before):
                purged += some
    return purged


async def _purge(tools: Tools, account_id: UUID, before: datetime) -> int:
    """Some of an account's videos that are due, in one transaction; returns how many."""
    async with tools.db.write() as session:
        await accounts.lock(session, account_id)
        ids = await bins.due(session, account_id, before=before, limit=PURGED)
        found = await bins.lock_with_clips(session, account_id, ids)
        due = [one for one in found.values() if one.deleted_at and one.deleted_at < before]
        if due:
            await trash.purge(session, due)
    return len(due)


async def collect(tools: Tools, *, now: datetime | None = None) -> int:
    """Remove from the store what nothing refers to any more; returns how many keys that were."""
    removed, after = 0, ""
    while True:
        async with tools.db.read() as session:
            keys = await garbage.due(session, now=now or datetime.now(UTC), after=after)
        if not keys:
            return removed
        after = keys[-1]
        removed += await _remove(tools, keys)


async def _remove(tools: Tools, keys: Sequence[str]) -> int:
    """Remove files together and prefixes one by one; returns how many of these are gone."""
    files = [key for key in keys if not key.endswith("/")]
    gone: list[str] = []
    with _logging_failures("garbage", f"{len(files)} files"):
        await tools.store.delete(files)
        gone += files
    for prefix in (key for key in keys if key.endswith("/")):
        with _logging_failures("garbage", prefix):
            await tools.store.delete_all(prefix)
            gone.append(prefix)
    async with tools.db.write() as session:
        await garbage.removed(session, gone)
    return len(gone)


async def scrub(tools: Tools) -> None:
    """Read contents that nobody looked at for long, and note those that have changed."""
    before = datetime.now(UTC) - SCRUB_EVERY
    async with tools.db.read() as session:
        contents = await objects.least_lately_checked(session, before=before, limit=SCRUBBED)
    for content in contents:
        with _logging_failures("content", content.id):
            await inspect(tools, content)


@contextmanager
def _logging_failures(kind: str, id: UUID | int | str | None) -> Generator[None]:
    """One thing that cannot be seen to now does not keep the others from being seen to."""
    try:
        yield
    except Exception:
        log.exception("%s %s is left for the next time", kind, id)


async def inspect(tools: Tools, content: Content) -> bool:
    """Read a content whole; whether its bytes still have its digest. Nobody new gets bad ones."""
    try:
        async with tools.store.hashed_file(content.key, lambda _size: None) as file:
            is_sound = file.sha256 == content.sha256
    except OSError as failure:  # it is gone, or the disk cannot read it
        log.warning("content %s cannot be read: %s", content.sha256, failure)
        is_sound = False
    if not is_sound:
        log.error("content %s is damaged: it is not given to anybody any more", content.sha256)
        metrics.ROTTEN.inc()
    async with tools.db.write() as session:
        await objects.checked(session, content, is_sound=is_sound)
    return is_sound
