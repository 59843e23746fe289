"""What becomes of a fetch when one of its files was checked, or when its owner intervenes.

Statements only: the API calls these as well as workers. Downloading: `jobs.fetch`.
"""

from collections.abc import Collection, Sequence
from uuid import UUID

from db import events, fetch_endings, fetches
from db.models import Task
from db.session import WriteSession
from domain.error_codes import ErrorCode
from domain.errors import DomainError
from domain.events import topic
from domain.tasks import TaskStatus


async def settle(
    session: WriteSession, upload_id: UUID, *, video_id: UUID | None, failure: DomainError | None
) -> None:
    """The file of an upload session was checked: a row ends, if it is one's.

    Before the session's row is locked; see `db.fetches`.
    """
    item = await fetches.of_upload(session, upload_id)
    task = item and await fetches.lock(session, item.task_id)
    if not item or not task:
        return
    status = TaskStatus.SUCCEEDED if failure is None else ended_by(failure)
    await fetches.end(session, item.id, status, failure=failure, video_id=video_id)
    await counted(session, task)


def ended_by(failure: DomainError) -> TaskStatus:
    """The state of a row that ends with this."""
    return TaskStatus.CANCELLED if failure.code is ErrorCode.CANCELLED else TaskStatus.FAILED


async def counted(session: WriteSession, task: Task) -> None:
    """Bring the locked task's counters up to date, and tell its watchers."""
    await fetches.count(session, task)
    await events.wake(session, topic("task", task.id), topic("tasks", task.account_id))


async def cancel(session: WriteSession, task_id: UUID, failure: DomainError) -> Sequence[UUID]:
    """End the rows of a task that was ended as a whole; finished videos stay.

    Returns the tasks that check files of it, locked, for the caller to end as well.
    """
    task = await fetches.lock(session, task_id)
    if task is None:
        return []
    checks = await fetch_endings.checks(session, task_id)
    closed = await fetch_endings.cancel_uploads(session, task_id)
    await fetch_endings.cancel_rows(session, task_id, ended_by(failure), failure)
    await events.wake(session, *(topic("upload", id) for id in closed))
    await counted(session, task)
    return checks


async def lose(session: WriteSession, video_ids: Collection[UUID], failure: DomainError) -> None:
    """The files of these videos are not wanted any more: rows that bring them end.

    Before the rows of their upload sessions are locked.
    """
    found = await fetch_endings.lock_of_videos(session, video_ids)
    if found:
        await fetch_endings.cancel_rows_of_videos(session, video_ids, failure)
    for task in found:
        await counted(session, task)


async def reopen(session: WriteSession, task: Task) -> bool:
    """Have the rows of a locked task wait again that ended without a video; whether any did."""
    again = await fetches.reopen(session, task.id)
    await fetches.count(session, task)
    return again > 0
