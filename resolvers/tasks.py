"""Background work as its owner sees it."""

from collections.abc import Collection
from dataclasses import asdict, dataclass
from datetime import datetime
from uuid import UUID

from db import tasks
from db.models import Task
from db.rows import Rows
from db.session import WriteSession
from domain.errors import Cancelled, InvalidState, NotFound
from domain.paging import Window
from domain.tasks import PAUSABLE, READY_TO_RUN, UNFINISHED, TaskKind, TaskStatus
from jobs import outcomes, retries
from resolvers import uploads
from resolvers.context import Context


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """Which tasks a list holds; None leaves a condition out."""

    statuses: Collection[TaskStatus] | None = None
    kinds: Collection[TaskKind] | None = None
    video_id: UUID | None = None
    created_from: datetime | None = None
    created_before: datetime | None = None


def own(ctx: Context) -> Rows:
    """The caller's tasks, by their keys."""
    return Rows.of(tasks.TASKS, by="id", account_id=ctx.account_id)


def by_id(ctx: Context, id: UUID | None) -> Rows | None:
    account_id = ctx.account_id  # first: without a key, nothing is said of any id
    return None if id is None else Rows.of(tasks.TASKS, account_id=account_id, id=id)


def page(ctx: Context, window: Window, wanted: Wanted) -> Rows:
    return Rows.of(
        tasks.TASKS,
        order=tasks.NEWEST_FIRST,
        window=window,
        account_id=ctx.account_id,
        **asdict(wanted),
    )


def page_of_video(ctx: Context, window: Window, wanted: Wanted) -> Rows:
    return page(ctx, window, wanted)._replace(by="video_id")


def of_upload(ctx: Context) -> Rows:
    """The check of each upload."""
    return own(ctx)._replace(by="upload_session_id")


async def queue_position(ctx: Context, task: Task) -> int | None:
    return (await ctx.load.forecast(task.id)).position if _may_run(task) else None


async def ready_at(ctx: Context, task: Task) -> datetime | None:
    return (await ctx.load.forecast(task.id)).ready_at if _may_run(task) else None


def _may_run(task: Task) -> bool:
    return task.status in READY_TO_RUN


async def cancel(ctx: Context, id: UUID, *, sent: str) -> Task:
    """End a task that is not over, and stop its program wherever it runs.

    What waits for it fails with it. Cancelling a cancelled task changes nothing. `sent` is
    the id as the caller wrote it; there are several types of tasks.
    """
    failure = Cancelled("The task was cancelled.")
    async with ctx.services.db.write() as session:
        task = await _locked(session, ctx, id, sent)
        ended = await tasks.cancel(session, [id], failure)
        if not ended and task.status is not TaskStatus.CANCELLED:
            raise _state(task, UNFINISHED)
        for one in ended:
            await outcomes.failed(session, one, failure)
    for one in ended:
        await ctx.services.queue.stop(one)
        if one.upload_session_id is not None:
            await uploads.discard(ctx, one.upload_session_id)
    return ended[0] if ended else task


async def retry(ctx: Context, id: UUID, *, sent: str) -> Task:
    """Run a task again that is over and did not do all that it was for."""
    async with ctx.services.db.write() as session:
        task = await _locked(session, ctx, id, sent)
        return await retries.again(session, ctx.services.queue, task)


async def pause(ctx: Context, id: UUID, *, sent: str) -> Task:
    """Stop a task until it is resumed. Pausing a paused task changes nothing."""
    async with ctx.services.db.write() as session:
        task = await _locked(session, ctx, id, sent)
        _check_pausable(task)
        paused = await tasks.pause(session, id)
        if not paused and task.status is not TaskStatus.PAUSED:
            raise _state(task, UNFINISHED)
        for one in paused:
            await outcomes.wake_watchers(session, one)
    for one in paused:
        await ctx.services.queue.stop(one)
    return paused[0] if paused else task


async def resume(ctx: Context, id: UUID, *, sent: str) -> Task:
    """Have a paused task go on. Resuming one that waits or runs changes nothing."""
    async with ctx.services.db.write() as session:
        task = await _locked(session, ctx, id, sent)
        _check_pausable(task)
        resumed = await tasks.resume(session, id)
        if not resumed and not _may_run(task):
            raise _state(task, UNFINISHED)
        for one in resumed:
            await ctx.services.queue.defer(session, one)
            await outcomes.wake_watchers(session, one)
    return resumed[0] if resumed else task


async def _locked(session: WriteSession, ctx: Context, id: UUID, sent: str) -> Task:
    """The caller's task. Nobody else changes it in this transaction."""
    found = (await tasks.of_account(session, ctx.account_id, [id])).get(id)
    if found is not None:
        await outcomes.lock_video(session, found)
        task = await tasks.lock(session, ctx.account_id, id)
        if task is not None:
            return task
    raise NotFound("Task", sent, path=["id"])


def _check_pausable(task: Task) -> None:
    if task.kind not in PAUSABLE:
        allowed = [kind.name for kind in PAUSABLE]
        what = "The kind of the task"
        raise InvalidState(what, current=task.kind.name, allowed=allowed, path=["id"])


def _state(task: Task, allowed: Collection[TaskStatus]) -> InvalidState:
    names = [status.name for status in allowed]
    return InvalidState("The task", current=task.status.name, allowed=names, path=["id"])
