"""Running a task again that ended without all that it was for. Statements only, no media code.

It stays the same task. What it was about must be as it was before its first run; that is for
each kind to see to.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Final
from uuid import UUID

from db import covers, events, exports, play_sets, tasks, video_states, videos
from db.models import Task, Video
from db.session import WriteSession
from domain.errors import InvalidState
from domain.play_sets import FAILED_PLAY_SETS
from domain.tasks import RETRYABLE, TaskKind, TaskStatus
from domain.uploads import UploadStatus
from domain.videos import TranscodePass, VideoStatus
from jobs import fetches, outcomes
from jobs.queue import Queue

MAKES_FILE: Final = (TaskKind.CLIP, TaskKind.SPLICE, TaskKind.SIMULATE)
"""Kinds of tasks that make the file of their video."""

Prepare = Callable[[WriteSession, Task], Awaitable[bool]]
"""Brings what a task is about back to what it was before the task ran.

Returns whether the task's job is queued now: one that follows another task's waits for it.
Raises `InvalidState` when there is nothing left to work on.
"""


async def again(session: WriteSession, queue: Queue, task: Task) -> Task:
    """Have a task run again, whose row is locked. Raises `InvalidState`."""
    if task.status not in RETRYABLE:
        allowed = [status.name for status in RETRYABLE]
        raise _refused("The task", task.status.name, allowed)
    prepare = PREPARE.get(task.kind)
    if prepare is None:
        allowed = [kind.name for kind in PREPARE]
        raise _refused("The kind of the task", task.kind.name, allowed)
    runs_now = await prepare(session, task)
    (reopened,) = await tasks.reopen(session, [task.id])
    if runs_now:
        await queue.defer(session, reopened)
    await outcomes.wake_watchers(session, reopened)
    return reopened


async def all_again(
    session: WriteSession, queue: Queue, ended: Sequence[Task], found: Mapping[UUID, Video]
) -> None:
    """As `again`, for what the deletion of these videos of one account had cancelled.

    The videos are locked. As many statements for many as for one; what cannot run again, stays.
    """
    can = [one for one in ended if one.video_id and _can_run_again(one, found[one.video_id])]
    encoding = [one.id for one in can if one.kind is TaskKind.TRANSCODE]
    lost = {one.task_id for one in await play_sets.reopen_of_tasks(session, encoding)}
    chosen = [one.id for one in can if one.kind is not TaskKind.TRANSCODE or one.id in lost]
    reopened = await tasks.reopen(session, chosen)
    if not reopened:
        return
    reopened.sort(key=lambda one: (one.created_at, one.id))
    led = {one.video_id for one in reopened if outcomes.leads(one)}
    await video_states.revive(session, [one.video_id for one in reopened if one.video_id])
    await queue.defer_all(
        session,
        reopened[0].account_id,
        [
            one
            for one in reopened
            if not (one.transcode_pass is TranscodePass.LADDER and one.video_id in led)
        ],
    )
    await events.wake(session, *(name for one in reopened for name in outcomes.topics(one)))


def _can_run_again(task: Task, video: Video) -> bool:
    """Whether a task that the deletion of its video cancelled has what it works on."""
    if task.kind in MAKES_FILE:
        return True
    is_there = task.kind is not TaskKind.COVER or _has_picture(task)
    return task.kind is not TaskKind.VERIFY and is_there and video.content_id is not None


def _has_picture(task: Task) -> bool:
    return task.object_id is not None or task.at_ms is not None


def _refused(what: str, current: str, allowed: Sequence[str]) -> InvalidState:
    """Whatever keeps it from running again, it is the task that the caller named."""
    return InvalidState(what, current=current, allowed=allowed, path=["id"])


async def _verify(session: WriteSession, task: Task) -> bool:
    """The bytes of an upload that was refused or cancelled are removed at once."""
    del session, task
    raise _refused("The upload session", UploadStatus.FAILED.name, [UploadStatus.VERIFYING.name])


async def _probe(session: WriteSession, task: Task) -> bool:
    await video_states.revive(session, [(await _video_of(session, task)).id])
    return True


async def _make(session: WriteSession, task: Task) -> bool:
    """A video whose file is made by the task has none yet."""
    video = await videos.lock(session, task.video_id) if task.video_id is not None else None
    if video is None or video.status is VideoStatus.DELETED:
        raise _no_video(VideoStatus.DELETED)
    await video_states.revive(session, [video.id])
    return True


async def _video_of(session: WriteSession, task: Task) -> Video:
    """The video that a task works on, locked. It has a file."""
    video = await videos.lock(session, task.video_id) if task.video_id is not None else None
    if video is None or video.status is VideoStatus.DELETED:
        raise _no_video(VideoStatus.DELETED)
    if video.content_id is None:
        raise _no_video(video.status)
    return video


def _no_video(status: VideoStatus) -> InvalidState:
    allowed = [VideoStatus.PROCESSING.name, VideoStatus.PUBLISHED.name]
    return _refused("The video", status.name, allowed)


async def _transcode(session: WriteSession, task: Task) -> bool:
    """The play sets that failed are tried again, and with a first play the ladder after it.

    Those that another task has taken over since are that one's matter.
    """
    video = await _video_of(session, task)
    siblings = (await tasks.of_video(session, [video.id]))[video.id]
    if not await _reopen(session, task):
        raise _refused("What the task was to make", "MADE_BY_ANOTHER", ["FAILED"])
    for follower in siblings:
        if _fell_with(task, follower) and await _reopen(session, follower):
            (waiting,) = await tasks.reopen(session, [follower.id])
            await outcomes.wake_watchers(session, waiting)
    await video_states.revive(session, [video.id])
    return not (task.transcode_pass is TranscodePass.LADDER and any(map(outcomes.leads, siblings)))


async def _reopen(session: WriteSession, task: Task) -> bool:
    """Have a task make again what it did not; whether there is any such thing."""
    made = (await play_sets.of_tasks(session, [task.id]))[task.id]
    failed = [one for one in made if one.status in FAILED_PLAY_SETS]
    return bool(await play_sets.reopen(session, [one.id for one in failed], task.id))


def _fell_with(task: Task, other: Task) -> bool:
    """Whether the other one was cancelled in the same transaction, as it follows the task."""
    follows = (task.transcode_pass, other.transcode_pass) == (
        TranscodePass.FIRST_PLAY,
        TranscodePass.LADDER,
    )
    is_over = other.status is TaskStatus.CANCELLED
    return follows and is_over and other.finished_at == task.finished_at


async def _fetch(session: WriteSession, task: Task) -> bool:
    """Only the rows that failed are fetched again."""
    if not await fetches.reopen(session, task):
        allowed = [TaskStatus.FAILED.name, TaskStatus.CANCELLED.name]
        raise _refused("Each row", TaskStatus.SUCCEEDED.name, allowed)
    return True


async def _export(session: WriteSession, task: Task) -> bool:
    if await exports.of_task(session, task.id) is None:
        allowed = [status.name for status in TaskStatus]
        raise _refused("The fetch whose rows were to be exported", "DELETED", allowed)
    return True


async def _cover(session: WriteSession, task: Task) -> bool:
    """The last cover wins: one that is being made is newer than any that is made again."""
    video = await _video_of(session, task)
    if not _has_picture(task):
        raise _refused("The picture that the cover was to be made of", "DELETED", ["STORED"])
    if await covers.unfinished(session, video.id):
        raise _refused("What the task was to make", "MADE_BY_ANOTHER", ["FAILED"])
    return True


PREPARE: Final[Mapping[TaskKind, Prepare]] = {
    TaskKind.VERIFY: _verify,
    TaskKind.PROBE: _probe,
    TaskKind.TRANSCODE: _transcode,
    TaskKind.FETCH: _fetch,
    TaskKind.EXPORT: _export,
    TaskKind.CLIP: _make,
    TaskKind.SPLICE: _make,
    TaskKind.SIMULATE: _make,
    TaskKind.COVER: _cover,
}
"""How each kind is made ready to run again. One that is not here cannot be."""
