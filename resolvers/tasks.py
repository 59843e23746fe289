"""Background work as its owner sees it."""

from collections.abc import Collection
from uuid import UUID

from db import tasks
from db.models import Task
from db.rows import Rows
from domain.errors import Cancelled, InvalidState, NotFound
from domain.paging import Window
from domain.tasks import UNFINISHED, TaskStatus
from jobs import outcomes
from resolvers import uploads
from resolvers.context import Context


def own(ctx: Context) -> Rows:
    """The caller's tasks, by their keys."""
    return Rows.of(tasks.TASKS, by="id", account_id=ctx.account_id)


def by_id(ctx: Context, id: UUID | None) -> Rows | None:
    account_id = ctx.account_id  # first: without a key, nothing is said of any id
    return None if id is None else Rows.of(tasks.TASKS, account_id=account_id, id=id)


def page(ctx: Context, window: Window, *, statuses: Collection[TaskStatus] | None = None) -> Rows:
    return Rows.of(
        tasks.TASKS,
        order=tasks.NEWEST_FIRST,
        window=window,
        account_id=ctx.account_id,
        statuses=statuses,
    )


def page_of_video(
    ctx: Context, window: Window, *, statuses: Collection[TaskStatus] | None = None
) -> Rows:
    return page(ctx, window, statuses=statuses)._replace(by="video_id")


def of_upload(ctx: Context) -> Rows:
    """The check of each upload."""
    return own(ctx)._replace(by="upload_session_id")


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
            await uploads.discard(ctx, one.upload_session_id)
    return ended[0] if ended else task
