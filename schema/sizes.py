"""How many bytes videos take, one by one and all together."""

from collections.abc import Sequence
from typing import Annotated, ClassVar, TypeAlias
from uuid import UUID

import strawberry
from strawberry import UNSET

from db import models
from db.rows import Rows
from domain import sizes as domain
from domain.errors import InvalidArgument, LimitExceeded
from domain.paging import Window
from resolvers import categories, sizes, videos
from resolvers.context import Context
from schema import ids
from schema.categories import Category
from schema.connections import connection
from schema.enums import Resolution
from schema.execution.costs import LIST_SIZE, ListSize
from schema.execution.fields import relation
from schema.info import Info
from schema.scalars import Bytes
from schema.videos import Video

Ids: TypeAlias = list[strawberry.ID] | None


@strawberry.type(description="What a video takes at one resolution.")
class ResolutionSize:
    resolution: Resolution = strawberry.field(description="Which; ORIGIN is the source's own.")
    duration_ms: int | None = strawberry.field(description="Milliseconds that it lasts.")
    size: Bytes = strawberry.field(
        description="Bytes of its READY play sets, without their sound; at ORIGIN, those of the"
        " source file as well."
    )


@strawberry.type(
    description="The bytes of a video. `totalSize` is `sourceSize` and `playSetSize` together, and"
    " so is `soundSize` with the sizes of all `resolutions`."
)
class Sizes:
    total_size: Bytes = strawberry.field(description="All that counts.")
    source_size: Bytes = strawberry.field(description="The source file; 0 until it was checked.")
    play_set_size: Bytes = strawberry.field(
        description="The play sets that are READY, and the sound that goes with them, each once."
    )
    sound_size: Bytes = strawberry.field(description="The sound alone.")
    resolutions: list[ResolutionSize] = strawberry.field(
        description="Those that there are, lowest first and ORIGIN last.",
        metadata={LIST_SIZE: ListSize(6)},
    )


def _shown(found: domain.Sizes) -> Sizes:
    return Sizes(
        total_size=Bytes(found.total),
        source_size=Bytes(found.source),
        play_set_size=Bytes(found.play_sets),
        sound_size=Bytes(found.sound),
        resolutions=[
            ResolutionSize(
                resolution=one.resolution, duration_ms=one.duration_ms, size=Bytes(one.size)
            )
            for one in found.resolutions
        ],
    )


@strawberry.type(description="What a video takes, and where it lies.")
class VideoSizes:
    model: ClassVar = models.Video

    duration_ms: int | None = strawberry.field(
        description="Milliseconds of the source; null until it was checked."
    )

    @relation(Video, of="id", description="The video.")
    @staticmethod
    def video(ctx: Context) -> Rows:
        return videos.own(ctx)

    @relation(Category, of="category_id", description="The category that it lies in.")
    @staticmethod
    def category(ctx: Context) -> Rows:
        return categories.own(ctx)

    @strawberry.field(description="Its bytes.")
    @staticmethod
    async def sizes(root: strawberry.Parent[models.Video], info: Info) -> Sizes:
        return _shown(await sizes.of_video(info.context, root.id))


@strawberry.type(description="What you have and take, all together.")
class Usage:
    storage_used: Bytes = strawberry.field(
        description="Bytes of your stored objects: each file once, also those of videos in the"
        " recycle bin; not what was made of them."
    )
    storage_quota: Bytes | None = strawberry.field(
        description="Bytes that they may have; null when there is no end."
    )
    video_count: int = strawberry.field(description="Videos, without those in the recycle bin.")
    total_duration_ms: Bytes = strawberry.field(
        description="Milliseconds that these videos last together."
    )
    source_bytes: Bytes = strawberry.field(
        description="Bytes of their source files; what two are made of counts twice."
    )
    play_set_bytes: Bytes = strawberry.field(
        description="Bytes of their play sets that are READY, and of the sound that goes with them,"
        " each once."
    )


@strawberry.type
class SizeQuery:
    @connection(
        VideoSizes,
        description="What videos take, newest first, without those in the recycle bin. Name the"
        " videos, or categories whose videos are meant; if you name both, the videos count.",
    )
    @staticmethod
    def video_sizes(
        ctx: Context,
        window: Window,
        *,
        video_ids: Annotated[
            Ids, strawberry.argument(description="Ids of videos; up to 500.")
        ] = UNSET,
        category_ids: Annotated[
            Ids, strawberry.argument(description="Ids of categories; up to 500.")
        ] = UNSET,
        include_subcategories: Annotated[
            bool,
            strawberry.argument(description="Whether videos below these categories count, too."),
        ] = False,
    ) -> Rows:
        _ = ctx.account_id  # first: without a key, nothing is said of anything
        if video_ids:
            return sizes.of_videos(ctx, window, _keys(video_ids, "Video"))
        if category_ids:
            keys = _keys(category_ids, "Category")
            return sizes.of_categories(ctx, window, keys, deep=include_subcategories)
        raise InvalidArgument("Name videos or categories.")

    @strawberry.field(description="What you have and take, all together.")
    @staticmethod
    async def usage(info: Info) -> Usage:
        found = await sizes.usage(info.context)
        quota = found.storage_quota
        return Usage(
            storage_used=Bytes(found.storage_used),
            storage_quota=None if quota is None else Bytes(quota),
            video_count=found.count.videos,
            total_duration_ms=Bytes(found.count.duration_ms),
            source_bytes=Bytes(found.sizes.source),
            play_set_bytes=Bytes(found.sizes.play_sets),
        )


def _keys(given: Sequence[str], kind: str) -> list[UUID]:
    """The keys of those that are ids of this type, each once and in order."""
    if len(given) > ids.MAX_BATCH:
        raise LimitExceeded("The number of ids", limit=ids.MAX_BATCH, actual=len(given))
    return sorted({key for one in given if (key := ids.find(one, kind)) is not None})
