"""Videos, and how they are played."""

from datetime import datetime
from typing import Annotated, ClassVar, TypeAlias, cast

import strawberry
from strawberry import UNSET

from db import models
from db.rows import Rows
from domain.paging import Window
from domain.playback import DEFAULT_TTL_SECONDS
from resolvers import (
    categories,
    clips,
    legacy,
    play_sets,
    playback,
    tasks,
    videos,
)
from resolvers.context import Context
from schema import ids, nodes
from schema.categories import Category
from schema.connections import connection
from schema.enums import (
    OrderDirection,
    PlaySetStatus,
    Resolution,
    SourceKind,
    VideoOrder,
    VideoStatus,
)
from schema.errors import MutationPayload
from schema.execution.costs import LIST_SIZE, ListSize
from schema.execution.fields import column, relation
from schema.info import Info
from schema.legacy import VideoLegacy
from schema.nodes import Node
from schema.play_sets import PlaySet
from schema.scalars import Bytes, Sha256, Url
from schema.tasks import Filter, Task, wanted

Clip: TypeAlias = Annotated["Video", strawberry.lazy("schema.videos")]


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
    source_kind: SourceKind = strawberry.field(description="How it came to be.")
    source_type: str | None = strawberry.field(
        description="The system that it comes from, as `createVideo` was told; else null."
    )
    source_id: str | None = strawberry.field(
        description="Its id in that system, as `createVideo` was told; else null."
    )
    storage_id: str | None = strawberry.field(
        description="The stored object that it is made of; null until the file was checked."
    )
    sha256: Sha256 | None = column(
        "source_sha256", description="Digest of the source file; null until it was checked."
    )
    file_size: Bytes = strawberry.field(description="Bytes of the source file.")
    width: int | None = strawberry.field(
        description="Pixels of the source as it is shown, upright; null until it was checked."
    )
    height: int | None = strawberry.field(
        description="Pixels of the source as it is shown, upright; null until it was checked."
    )
    duration_ms: int | None = strawberry.field(
        description="Milliseconds of the source; null until it was checked."
    )
    created_at: datetime = strawberry.field(description="When all its bytes had arrived.")
    updated_at: datetime = strawberry.field(description="When anything of it last changed.")
    published_at: datetime | None = strawberry.field(
        description="When it could be played for the first time; null before."
    )

    @relation(
        Category | None,
        of="category_id",
        description="The category that it is kept in; null for none.",
    )
    @staticmethod
    def category(ctx: Context) -> Rows:
        return categories.own(ctx)

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
            strawberry.argument(
                description="Only play sets in these states; an empty list is any."
            ),
        ] = UNSET,
        resolution: Annotated[
            list[Resolution] | None,
            strawberry.argument(description="Only these rungs; an empty list is any."),
        ] = UNSET,
        template_id: Annotated[
            list[strawberry.ID] | None,
            strawberry.argument(
                description="Only play sets of these templates, whichever form they had; an empty"
                " list is any."
            ),
        ] = UNSET,
    ) -> Rows | None:
        keys = [ids.find(one, "TranscodeTemplate") for one in template_id or ()]
        known = [key for key in keys if key is not None]
        if keys and not known:
            return None
        return play_sets.of_video(
            ctx,
            statuses=status or None,
            resolutions=resolution or None,
            template_ids=known or None,
        )

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

    @relation(
        Clip | None,
        of="clipped_from_id",
        description="The video that it was cut out of; null for others, and once that is gone.",
    )
    @staticmethod
    def clipped_from(ctx: Context) -> Rows:
        return videos.own(ctx)

    @connection(Clip, of="id", description="The videos that were cut out of it, newest first.")
    @staticmethod
    def clips(ctx: Context, window: Window) -> Rows:
        return clips.of_video(ctx, window)

    @relation(VideoLegacy, of="id", description="The same in the terms of older systems.")
    @staticmethod
    def legacy(ctx: Context) -> Rows:
        return legacy.of_video(ctx)

    @connection(Task, of="id", description="The work on this video, newest first.")
    @staticmethod
    def tasks(ctx: Context, window: Window, *, filter: Filter = UNSET) -> Rows:
        return tasks.page_of_video(ctx, window, wanted(filter))


nodes.register(Video)


@strawberry.input(description="Names one video: give exactly one of these.", one_of=True)
class VideoBy:
    id: strawberry.Maybe[strawberry.ID] = strawberry.field(description="Its global id.")
    vid: strawberry.Maybe[str] = strawberry.field(description="Its short public id.")


@strawberry.input(description="Which videos a list holds: those that fit every field given.")
class VideoFilter:
    status: list[VideoStatus] | None = strawberry.field(
        default=UNSET, description="Only videos in these states; an empty list is any."
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


@strawberry.type(description="The video as it is now.")
class VideoPayload(MutationPayload):
    video: Video | None = strawberry.field(
        default=None, description="The video; null when there are errors."
    )
