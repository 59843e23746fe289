"""Videos, and how they are played."""

from datetime import datetime
from typing import Annotated, Self

import strawberry
from strawberry import UNSET

from db import models
from domain.playback import DEFAULT_TTL_SECONDS
from resolvers import playback, tasks, videos
from resolvers.videos import Listing
from schema import ids, nodes
from schema.connections import After, Before, Connection, First, Last, connection, window
from schema.enums import OrderDirection, PlaySetStatus, Resolution, VideoOrder, VideoStatus
from schema.info import Info
from schema.nodes import Node
from schema.play_sets import PlaySet
from schema.scalars import Bytes, Sha256, Url
from schema.tasks import Statuses, Task, task_of


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
    play_sets: list[PlaySet] = strawberry.field(description="What can be played now.")


@strawberry.type(description="A video of yours.")
class Video(Node):
    row: strawberry.Private[models.Video]
    vid: str = strawberry.field(description="Short public id, for URLs and people.")
    status: VideoStatus = strawberry.field(description="How far it is.")
    status_reason: str | None = strawberry.field(
        description="Why it failed, as a sentence; null otherwise."
    )
    title: str = strawberry.field(description="Title, 1 to 255 characters.")
    description: str | None = strawberry.field(
        description="Description, up to 5000 characters; null when none was given."
    )
    sha256: Sha256 = strawberry.field(description="Digest of the source file.")
    file_size: Bytes = strawberry.field(description="Bytes of the source file.")
    width: int = strawberry.field(description="Pixels of the source as it is shown, upright.")
    height: int = strawberry.field(description="Pixels of the source as it is shown, upright.")
    duration_ms: int = strawberry.field(description="Milliseconds of the source.")
    created_at: datetime = strawberry.field(description="When it was made from its upload.")
    updated_at: datetime = strawberry.field(description="When anything of it last changed.")
    published_at: datetime | None = strawberry.field(
        description="When it could be played for the first time; null before."
    )

    @strawberry.field(description="Its renditions, planned ones too, lowest rung first.")
    async def play_sets(
        self,
        info: Info,
        status: Annotated[
            list[PlaySetStatus] | None,
            strawberry.argument(description="Only play sets in these states."),
        ] = UNSET,
        resolution: Annotated[
            list[Resolution] | None, strawberry.argument(description="Only these rungs.")
        ] = UNSET,
    ) -> list[PlaySet]:
        rows = await info.context.load.play_sets.load(self.row.id)
        return [
            PlaySet.of(row)
            for row in rows
            if (not status or row.status in status)
            and (not resolution or row.resolution in resolution)
        ]

    @strawberry.field(description="Signed links to play it with; null until a play set is READY.")
    async def playback(
        self,
        info: Info,
        ttl_seconds: Annotated[
            int, strawberry.argument(description="How long the links hold: 10 to 86400 seconds.")
        ] = DEFAULT_TTL_SECONDS,
    ) -> PlaybackInfo | None:
        links = await playback.playback(info.context, self.row, ttl_seconds=ttl_seconds)
        if links is None:
            return None
        return PlaybackInfo(
            hls_url=Url(links.hls_url),
            cover_url=Url(links.cover_url) if links.cover_url else None,
            storyboard_url=Url(links.storyboard_url) if links.storyboard_url else None,
            expires_at=links.expires_at,
            play_sets=[PlaySet.of(row) for row in links.play_sets],
        )

    @strawberry.field(description="The work on this video, newest first.")
    async def tasks(
        self,
        info: Info,
        *,
        first: First = 15,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
        status: Statuses = UNSET,
    ) -> Connection[Task]:
        ctx, statuses = info.context, status or None
        at = window(first, after, last, before)
        page = await tasks.page_of_video(ctx, self.row, at, statuses)
        return connection(
            page, task_of, tasks.cursor, lambda: tasks.count_of_video(ctx, self.row, statuses)
        )

    @classmethod
    def of(cls, row: models.Video) -> Self:
        return cls(
            id=strawberry.ID(ids.encode("Video", row.id)),
            row=row,
            vid=row.vid,
            status=row.status,
            status_reason=row.status_reason,
            title=row.title,
            description=row.description,
            sha256=Sha256(row.source_sha256),
            file_size=Bytes(row.file_size),
            width=row.width,
            height=row.height,
            duration_ms=row.duration_ms,
            created_at=row.created_at,
            updated_at=row.updated_at,
            published_at=row.published_at,
        )


nodes.of.register(models.Video, Video.of)


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
    @strawberry.field(description="One video of yours; null when there is no such one.")
    async def video(
        self,
        info: Info,
        by: Annotated[VideoBy, strawberry.argument(description="Which one.")],
    ) -> Video | None:
        if by.vid:
            return nodes.of(await videos.by_vid(info.context, by.vid.value))
        key = ids.find(by.id.value, "Video") if by.id else None
        return nodes.of(await info.context.load.video.load(key)) if key else None

    @strawberry.field(description="Your videos; by default the newest first.")
    async def videos(
        self,
        info: Info,
        *,
        first: First = 15,
        after: After = UNSET,
        last: Last = UNSET,
        before: Before = UNSET,
        filter: Annotated[
            VideoFilter | None, strawberry.argument(description="Only some of them.")
        ] = UNSET,
        order_by: Annotated[
            VideoOrderInput | None, strawberry.argument(description="Another order.")
        ] = UNSET,
    ) -> Connection[Video]:
        ctx, listing = info.context, _listing(filter, order_by)
        page = await videos.page(ctx, window(first, after, last, before), listing)
        return connection(
            page,
            Video.of,
            lambda row: videos.cursor(listing, row),
            lambda: videos.count(ctx, listing),
        )


def _listing(filter: VideoFilter | None, order_by: VideoOrderInput | None) -> Listing:
    statuses = (filter.status or None) if filter else None
    if not order_by:
        return Listing(statuses)
    return Listing(statuses, order_by.field, descending=order_by.direction == OrderDirection.DESC)
