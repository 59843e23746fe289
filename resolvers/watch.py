"""Watching things change: states that are sent again whole, and events that are sent once.

Both kinds subscribe first, then read, then wait. What happens between two of these steps
wakes the next wait, so nothing is missed; a wake-up only says "read again", so nothing that
is sent is older than what the database says.
"""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar
from uuid import UUID

from db import events, play_sets, tasks, uploads, videos, workers
from db.events import Batch, Position
from db.models import Event, PlaySet, Task, UploadSession, Video
from domain.errors import NotFound
from domain.events import EventType, topic
from domain.play_sets import OPEN_PLAY_SETS, PlaySetStatus
from domain.queue_stats import Loads
from domain.tasks import UNFINISHED
from domain.uploads import OPEN
from domain.videos import COMING, VideoStatus
from resolvers import direct, queue_stats
from resolvers import play_sets as play_set_wishes
from resolvers import videos as wishes
from resolvers.context import Context

State = TypeVar("State")

SPACING_S = 0.25
"""Least time between two messages of one state subscription."""
LATE_S = 0.02
"""After how long events are read again that are not in order yet."""


async def upload(ctx: Context, id: UUID) -> AsyncGenerator[UploadSession]:
    """The session now and after each change; ends when it takes no more part in anything."""

    async def read() -> UploadSession:
        async with ctx.services.db.read() as session:
            return _found(
                "UploadSession", id, await uploads.of_account(session, ctx.account_id, [id])
            )

    states = _states(ctx, [topic("upload", id)], read, lambda state: state.status not in OPEN)
    async with direct.watched(ctx, id):
        async for state in states:
            yield state


async def task(ctx: Context, id: UUID) -> AsyncGenerator[Task]:
    """The task now and after each change; ends with the task."""

    async def read() -> Task:
        async with ctx.services.db.read() as session:
            return _found("Task", id, await tasks.of_account(session, ctx.account_id, [id]))

    states = _states(ctx, [topic("task", id)], read, lambda state: state.status not in UNFINISHED)
    async for state in states:
        yield state


async def loads(ctx: Context) -> AsyncGenerator[Loads]:
    """The caller's queues now, and after each change of a task or a worker; without end."""
    topics = topic("tasks", ctx.account_id), workers.TOPIC

    async def read() -> Loads:
        return await queue_stats.loads(ctx)

    async for state in _states(ctx, topics, read, lambda _state: False):
        yield state


@dataclass(frozen=True, slots=True)
class Watched:
    """A video with its play sets, at one moment."""

    video: Video
    play_sets: list[PlaySet]

    @property
    def is_settled(self) -> bool:
        """Whether no play set can still come. Before its file was checked, a video has none."""
        if not self.play_sets:
            return self.video.status not in (*COMING, VideoStatus.PROCESSING)
        return all(one.status not in OPEN_PLAY_SETS for one in self.play_sets)


async def video(ctx: Context, id: UUID) -> AsyncGenerator[Watched]:
    """The video now and after each change; ends when no play set can still come."""

    async def read() -> Watched:
        async with ctx.services.db.read() as session:
            rows = await videos.of_account(session, ctx.account_id, [id])
            row = _found("Video", id, rows)
            return Watched(row, (await play_sets.of_videos(session, [id]))[id])

    async for state in _states(ctx, [topic("video", id)], read, lambda state: state.is_settled):
        yield state


@dataclass(frozen=True, slots=True)
class Ready:
    """A play set became READY. `position` is where to resume after it."""

    event: Event
    position: Position
    video: Video
    play_set: PlaySet


async def play_sets_ready(
    ctx: Context, video_id: UUID | None, after: Position | None
) -> AsyncGenerator[Ready]:
    """Each READY play set once, in order.

    For one video: from `after`, else from its beginning, until no play set can still come.
    For all videos of the account: from `after`, else from now on, without end.
    """
    subject = topic("account", ctx.account_id) if video_id is None else topic("video", video_id)
    async with ctx.services.bus.subscribe(subject) as subscription:
        start = await _start(ctx, video_id)  # also with `after`: the video must be the caller's
        position = after or start
        if video_id is None and after is None:
            ctx.admit(None)
        while True:
            batch, settled = await _next(ctx, position, video_id)
            for ready in await _subjects(ctx, batch):
                yield ready
            if batch.events:
                position = Position.of(batch.events[-1])
            elif batch.late:
                await asyncio.sleep(LATE_S)
            elif settled:
                return
            else:
                await subscription.changed()


async def _states(
    ctx: Context,
    topics: Sequence[str],
    read: Callable[[], Awaitable[State]],
    is_over: Callable[[State], bool],
) -> AsyncGenerator[State]:
    loop = asyncio.get_running_loop()
    async with ctx.services.bus.subscribe(*topics) as subscription:
        while True:
            ctx.admit(subscription.wake)
            state = await read()
            sent_at = loop.time()
            yield state
            if is_over(state):
                return
            await subscription.changed(not_before=sent_at + SPACING_S)


async def _start(ctx: Context, video_id: UUID | None) -> Position:
    async with ctx.services.db.read() as session:
        if video_id is None:
            return await events.end(session)
        _found("Video", video_id, await videos.of_account(session, ctx.account_id, [video_id]))
    return Position(0, 0)


async def _next(ctx: Context, position: Position, video_id: UUID | None) -> tuple[Batch, bool]:
    """The next events, and whether, at the same moment, no more can come."""
    async with ctx.services.db.read() as session:
        batch = await events.after(
            session,
            position,
            account_id=ctx.account_id,
            types=[EventType.PLAY_SET_READY],
            video_id=video_id,
        )
        if video_id is None:
            return batch, False
        video = (await videos.of_account(session, ctx.account_id, [video_id])).get(video_id)
        made = (await play_sets.of_videos(session, [video_id]))[video_id]
    return batch, video is None or Watched(video, made).is_settled


async def _subjects(ctx: Context, batch: Batch) -> list[Ready]:
    """The events with the rows they are about; what was deleted since is left out."""
    found: list[Ready] = []
    own, own_play_sets = wishes.own(ctx), play_set_wishes.own(ctx)
    videos_ = await asyncio.gather(*(ctx.load.row(own, one.video_id) for one in batch.events))
    made = await asyncio.gather(
        *(ctx.load.row(own_play_sets, one.play_set_id) for one in batch.events)
    )
    for event, row, play_set in zip(batch.events, videos_, made, strict=True):
        if row is None or play_set is None:
            continue
        if play_set.status is not PlaySetStatus.DELETED:
            found.append(Ready(event, Position.of(event), row, play_set))
    return found


def _found(kind: str, id: UUID, rows: dict[UUID, State]) -> State:
    if id not in rows:
        raise NotFound(kind, id, path=["id"])
    return rows[id]
