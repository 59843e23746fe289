"""What clients can watch, over graphql-transport-ws and server-sent events.

A state subscription sends the state as it is, then again whole after changes, at most four
times a second, and completes when it cannot change any more. An event subscription sends
each event once, with a cursor to resume after.
"""

from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Annotated, cast

import strawberry
from strawberry import UNSET

from resolvers import watch
from schema import cursors, ids, queue_stats, tasks
from schema.enums import EventType
from schema.info import Info
from schema.play_sets import PlaySet
from schema.queue_stats import QueueStats
from schema.scalars import EventCursor
from schema.tasks import Task
from schema.uploads import SessionId, UploadSession
from schema.videos import Video


@strawberry.interface(description="Something that happened in your account.")
class Event:
    id: strawberry.ID = strawberry.field(description="The event's own id.")
    cursor: EventCursor = strawberry.field(description="Give it as `after` to resume from here.")
    type: EventType = strawberry.field(description="What happened.")
    occurred_at: datetime = strawberry.field(description="When it became true.")


@strawberry.type(description="Something that happened to a play set.")
class PlaySetEvent(Event):
    play_set: PlaySet = strawberry.field(description="The play set, as it is now.")
    video: Video = strawberry.field(description="Its video, as it is now.")


VideoId = Annotated[strawberry.ID, strawberry.argument(description="Id of the video.")]


@strawberry.type(description="What can be watched.")
class Subscription:
    @strawberry.subscription(
        description="An upload session: its state now and after each change, until it is closed."
    )
    async def upload_session(
        self, info: Info, id: SessionId
    ) -> AsyncGenerator[UploadSession, None]:
        key = ids.decode(id, "UploadSession")
        async for row in watch.upload(info.context, key):
            yield cast("UploadSession", row)

    @strawberry.subscription(
        description="A task: its state now and after each change, until it ends."
    )
    async def task(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="Id of the task.")],
    ) -> AsyncGenerator[Task, None]:
        key = tasks.key_of(id)
        async for row in watch.task(info.context, key):
            yield cast("Task", row)

    @strawberry.subscription(
        description="How much of your work waits and runs, and who does it: now, and after each"
        " change, without end."
    )
    async def queue_stats(self, info: Info) -> AsyncGenerator[QueueStats, None]:
        async for loads in watch.loads(info.context):
            yield queue_stats.shown(loads)

    @strawberry.subscription(
        description="A video: its state now and after each change, until no play set is to come."
    )
    async def video(self, info: Info, id: VideoId) -> AsyncGenerator[Video, None]:
        async for watched in watch.video(info.context, ids.decode(id, "Video")):
            yield cast("Video", watched.video)

    @strawberry.subscription(
        description="All play sets of a video: their states now and after each change, until none"
        " is to come."
    )
    async def play_sets(self, info: Info, video_id: VideoId) -> AsyncGenerator[list[PlaySet], None]:
        key = ids.decode(video_id, "Video", path=("videoId",))
        async for watched in watch.video(info.context, key):
            yield cast("list[PlaySet]", watched.play_sets)

    @strawberry.subscription(
        description="Each play set that becomes READY, once. For one video: from its beginning,"
        " or after a cursor, until none is to come. Otherwise for all your videos: from now on,"
        " or after a cursor, without end."
    )
    async def play_set_ready(
        self,
        info: Info,
        video_id: Annotated[
            strawberry.ID | None, strawberry.argument(description="Only play sets of this video.")
        ] = UNSET,
        after: Annotated[
            EventCursor | None,
            strawberry.argument(description="Only what happened after this event."),
        ] = UNSET,
    ) -> AsyncGenerator[PlaySetEvent, None]:
        key = ids.decode_optional(video_id, "Video", path=("videoId",))
        position = cursors.decode(after) if after else None
        async for ready in watch.play_sets_ready(info.context, key, position):
            yield PlaySetEvent(
                id=strawberry.ID(ids.encode("Event", str(ready.event.id))),
                cursor=cursors.encode(ready.position),
                type=ready.event.type,
                occurred_at=ready.event.occurred_at,
                play_set=cast("PlaySet", ready.play_set),
                video=cast("Video", ready.video),
            )
