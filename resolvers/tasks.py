"""Background work as its owner sees it."""

from collections.abc import Collection
from uuid import UUID

from db import paging, tasks
from db.models import Task, Video
from db.paging import Page
from domain.errors import Cancelled, InvalidState, NotFound
from domain.paging import Window
from domain.tasks import UNFINISHED, TaskStatus
from jobs import outcomes
from resolvers.context import Context
from resolvers.loaders import Statuses


async def page(ctx: Context, window: Window, statuses: Collection[TaskStatus] | None) -> Page[Task]:
    async with ctx.services.db.read() as session:
        rows = tasks.list_of(ctx.account_id, statuses)
        return await paging.page(session, rows, tasks.NEWEST_FIRST, window)


def cursor(task: Task) -> str:
    """The task's place in the list."""
    return tasks.NEWEST_FIRST.cursor(task).encode()


async def count(ctx: Context, statuses: Collection[TaskStatus] | None) -> int:
    async with ctx.services.db.read() as session:
        return await paging.count(session, tasks.list_of(ctx.account_id, statuses))


async def page_of_video(
    ctx: Context, video: Video, window: Window, statuses: Collection[TaskStatus] | None
) -> Page[Task]:
    return await ctx.load.tasks_of_video.load((video.id, _as_key(statuses), window))


async def count_of_video(
    ctx: Context, video: Video, statuses: Collection[TaskStatus] | None
) -> int:
    return await ctx.load.task_count_of_video.load((video.id, _as_key(statuses)))


def _as_key(statuses: Collection[TaskStatus] | None) -> Statuses:
    return None if statuses is None else frozenset(statuses)


async def cancel(ctx: Context, id: UUID, *, sent: str) -> Task:
    """End a task that is not over, and stop its program wherever it runs.

    What waits for it fails with it. Cancelling a cancelled task changes nothing. `sent` is
    the id as the caller wrote it; there are several types of tasks.
    """
    failure = Cancelled("The task was cancelled.")
    async with ctx.services.db.write() as session:
        task = (await tasks.of_account(session, ctx.account_id, [id])).get(id)
        if task is None:
            raise NotFound("Task", sent, path=["id"])
        ended = await tasks.cancel(session, [id], failure)
        if not ended and task.status is not TaskStatus.CANCELLED:
            allowed = [status.name for status in UNFINISHED]
            raise InvalidState("The task", current=task.status.name, allowed=allowed)
        for one in ended:
            await outcomes.failed(session, one, failure)
    for one in ended:
        await ctx.services.queue.stop(one)
        if one.upload_session_id is not None:
            await ctx.services.store.abort(str(one.upload_session_id))
    return ended[0] if ended else task
