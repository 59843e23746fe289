"""What the end of a task means for what it was about. Statements only, no media code.

Workers call this when a run fails, and the API when a task is cancelled, so that both leave
the same state behind.
"""

from collections.abc import Sequence
from uuid import UUID

from db import events, play_sets, tasks, uploads, video_states, videos
from db.models import Task
from db.session import WriteSession
from domain.errors import DomainError
from domain.events import EventType, NewEvent, topic
from domain.play_sets import PlaySetStatus
from domain.tasks import UNFINISHED, TaskKind, TaskStatus
from domain.uploads import UploadStatus
from domain.videos import TranscodePass
from jobs import fetches


async def wake_watchers(session: WriteSession, task: Task) -> None:
    """Wake whoever watches the task, its subject or all tasks, when the transaction commits."""
    await events.wake(session, *topics(task), topic("tasks", task.account_id))


def topics(task: Task) -> list[str]:
    """Of the task and its subject."""
    subjects = {"task": task.id, "video": task.video_id, "upload": task.upload_session_id}
    return [topic(kind, id) for kind, id in subjects.items() if id is not None]


async def lock_video(session: WriteSession, task: Task) -> None:
    """Before the task itself is changed: everybody locks the account, the video, then tasks."""
    if task.video_id is not None:
        await videos.lock(session, task.video_id)


async def interrupted(session: WriteSession, task: Task) -> None:
    """A run of the task ended without a result, and another will follow."""
    if task.kind is TaskKind.TRANSCODE:
        await play_sets.change_of_task(session, task.id, PlaySetStatus.INITIAL)
    await wake_watchers(session, task)


async def failed(session: WriteSession, task: Task, failure: DomainError) -> None:
    """The task ended without a result: nothing that waits for it waits any longer."""
    await wake_watchers(session, task)
    if task.kind is TaskKind.FETCH:
        await _fetch_failed(session, task, failure)
    if task.upload_session_id is not None:
        await _upload_failed(session, task, task.upload_session_id, failure)
    if task.video_id is not None and task.kind is not TaskKind.COVER:
        await _transcode_failed(session, task, task.video_id, failure)


async def _fetch_failed(session: WriteSession, task: Task, failure: DomainError) -> None:
    checks = await fetches.cancel(session, task.id, failure)
    for one in await tasks.cancel(session, checks, failure):
        await failed(session, one, failure)


async def _upload_failed(
    session: WriteSession, task: Task, upload_id: UUID, failure: DomainError
) -> None:
    await fetches.settle(session, upload_id, video_id=task.video_id, failure=failure)
    changed = await uploads.change_status(
        session,
        upload_id,
        UploadStatus.FAILED,
        expected=[UploadStatus.VERIFYING],
        failure=failure,
    )
    if changed:
        event = NewEvent(EventType.UPLOAD_FAILED, task.account_id, upload_session_id=upload_id)
        await events.record(session, event)


async def _transcode_failed(
    session: WriteSession, task: Task, video_id: UUID, failure: DomainError
) -> None:
    ended = [task, *await _cancel_ladder(session, task, video_id, failure)]
    lost = await play_sets.fail(session, [one.id for one in ended])
    news = [
        NewEvent(EventType.PLAY_SET_FAILED, task.account_id, video_id=video_id, play_set_id=one.id)
        for one in lost
    ]
    if await video_states.fail_if_hopeless(session, video_id, str(failure)):
        news.append(NewEvent(EventType.VIDEO_FAILED, task.account_id, video_id=video_id))
    if news:
        await events.record(session, *news)


def leads(task: Task) -> bool:
    """Whether a ladder of the same video waits for it."""
    return task.transcode_pass is TranscodePass.FIRST_PLAY and task.status in UNFINISHED


def _waits_for_another(task: Task) -> bool:
    return task.status is TaskStatus.QUEUED and task.job_id is None


async def _cancel_ladder(
    session: WriteSession, task: Task, video_id: UUID, failure: DomainError
) -> Sequence[Task]:
    """The ladder shares the first play's sound and follows it; without it, it cannot run."""
    if task.transcode_pass is not TranscodePass.FIRST_PLAY:
        return []
    siblings = (await tasks.of_video(session, [video_id]))[video_id]
    if any(map(leads, siblings)):  # it will start the ladder, or end it
        return []
    waiting = [
        one.id
        for one in siblings
        if one.transcode_pass is TranscodePass.LADDER and _waits_for_another(one)
    ]
    cancelled = await tasks.cancel(session, waiting, failure)
    for one in cancelled:
        await wake_watchers(session, one)
    return cancelled
