"""Videos, and how they are played."""

from datetime import datetime
from typing import Annotated, ClassVar, cast

import strawberry
from strawberry import UNSET

from db import models
from db.rows import Rows
from domain.paging import Window
from domain.playback import DEFAULT_TTL_SECONDS
from resolvers import playback, tasks, videos
from resolvers.context import Context
from schema import ids, nodes
from schema.connections import connection
from schema.enums import OrderDirection, PlaySetStatus, Resolution, VideoOrder, VideoStatus
from schema.execution.costs import LIST_SIZE, ListSize
from schema.execution.fields import column, relation
from schema.info import Info
from schema.nodes import Node
from schema.play_sets import PlaySet
from schema.scalars import Bytes, Sha256, Url
from schema.tasks import Statuses, Task


@strawberry.type(description="Signed links for one viewer. Whoever has them can play the video.")
class PlaybackInfo:
    hls_url: Url = strawberry.field(
        description="HLS master playlist of the play sets that are READY when it is fetched."
    )
    cover_url: Url | None = strawberry.field(description="A picture of the video, as JPEG.")
    storyboard_url: Url | None = strawberry.field(
        description="WebVTT whose cues name the preview pictures of a seek bar."
    )
    expires_at: datetime = strawberry.field(description="When all these links end.")
    play_sets: list[PlaySet] = strawberry.field(
        description="What can be played now.", metadata={LIST_SIZE: ListSize(6)}
    )


@strawberry.type(description="A video of yours.")
class Video(Node):
    model: ClassVar = models.Video

    vid: str = strawberry.field(description="Short public id, for URLs and people.")
    status: VideoStatus = strawberry.field(description="How far it is.")
    status_reason: str | None = strawberry.field(
        description="Why it failed, as a sentence; null otherwise."
    )
    title: str = strawberry.field(description="Title, 1 to 255 characters.")
    description: str | None = strawberry.field(
        description="Description, up to 5000 characters; null when none was given."
    )
    sha256: Sha256 = column("source_sha256", description="Digest of the source file.")
    file_size: Bytes = strawberry.field(description="Bytes of the source file.")
    width: int = strawberry.field(description="Pixels of the source as it is shown, upright.")
    height: int = strawberry.field(description="Pixels of the source as it is shown, upright.")
    duration_ms: int = strawberry.field(description="Milliseconds of the source.")
    created_at: datetime = strawberry.field(description="When it was made from its upload.")
    updated_at: datetime = strawberry.field(description="When anything of it last changed.")
    published_at: datetime | None = strawberry.field(
        description="When it could be played for the first time; null before."
    )

    @relation(
        list[PlaySet],
        of="id",
        description="Its renditions, planned ones too, lowest rung first.",
        assumed=6,
    )
    @staticmethod
    def play_sets(
        ctx: Context,
        *,
        status: Annotated[
            list[PlaySetStatus] | None,
            strawberry.argument(description="Only play sets in these states."),
        ] = UNSET,
        resolution: Annotated[
            list[Resolution] | None, strawberry.argument(description="Only these rungs.")
        ] = UNSET,
    ) -> Rows:
        return videos.play_sets(ctx, statuses=status or None, resolutions=resolution or None)

    @strawberry.field(description="Signed links to play it with; null until a play set is READY.")
    @staticmethod
    async def playback(
        root: strawberry.Parent[models.Video],
        info: Info,
        ttl_seconds: Annotated[
            int, strawberry.argument(description="How long the links hold: 10 to 86400 seconds.")
        ] = DEFAULT_TTL_SECONDS,
    ) -> PlaybackInfo | None:
        links = await playback.playback(info.context, root, ttl_seconds=ttl_seconds)
        if links is None:
            return None
        return PlaybackInfo(
            hls_url=Url(links.hls_url),
            cover_url=Url(links.cover_url) if links.cover_url else None,
            storyboard_url=Url(links.storyboard_url) if links.storyboard_url else None,
            expires_at=links.expires_at,
            play_sets=cast("list[PlaySet]", links.play_sets),
        )

    @connection(Task, of="id", description="The work on this video, newest first.")
    @staticmethod
    def tasks(ctx: Context, window: Window, *, status: Statuses = UNSET) -> Rows:
        return tasks.page_of_video(ctx, window, statuses=status or None)


nodes.register(Video)


@strawberry.input(description="Names one video: give exactly one of these.", one_of=True)
class VideoBy:
    id: strawberry.Maybe[strawberry.ID] = strawberry.field(description="Its global id.")
    vid: strawberry.Maybe[str] = strawberry.field(description="Its short public id.")


@strawberry.input(description="Which videos a list holds: those that fit every field given.")
class VideoFilter:
    status: list[VideoStatus] | None = strawberry.field(
        default=UNSET, description="Only videos in these states."
    )


@strawberry.input(description="How a list of videos is sorted.")
class VideoOrderInput:
    field: VideoOrder = strawberry.field(description="By what.")
    direction: OrderDirection = strawberry.field(description="Which end comes first.")


@strawberry.type
class VideoQuery:
    @relation(Video | None, description="One video of yours; null when there is no such one.")
    @staticmethod
    def video(
        ctx: Context, by: Annotated[VideoBy, strawberry.argument(description="Which one.")]
    ) -> Rows | None:
        if by.vid:
            return videos.by_vid(ctx, by.vid.value)
        return videos.by_id(ctx, ids.find(by.id.value, "Video") if by.id else None)

    @connection(Video, description="Your videos; by default the newest first.")
    @staticmethod
    def videos(
        ctx: Context,
        window: Window,
        *,
        filter: Annotated[
            VideoFilter | None, strawberry.argument(description="Only some of them.")
        ] = UNSET,
        order_by: Annotated[
            VideoOrderInput | None, strawberry.argument(description="Another order.")
        ] = UNSET,
    ) -> Rows:
        statuses = (filter.status or None) if filter else None
        if not order_by:
            return videos.page(ctx, window, statuses=statuses)
        descending = order_by.direction == OrderDirection.DESC
        return videos.page(
            ctx, window, statuses=statuses, order=order_by.field, descending=descending
        )
