"""Videos, and how they are played."""

from datetime import datetime
from typing import Annotated, ClassVar, TypeAlias

import strawberry
from strawberry import UNSET

from db import models
from db.rows import Rows
from domain import trash
from domain.paging import Window
from domain.playback import DEFAULT_TTL_SECONDS
from domain.recommendations import check_excluded
from resolvers import (
    categories,
    clips,
    key_points,
    legacy,
    play_sets,
    playback,
    recommendations,
    tasks,
    videos,
)
from resolvers.context import Context
from schema import ids, nodes
from schema.bans import Ban
from schema.categories import Category
from schema.connections import connection
from schema.enums import (
    AspectRatio,
    OrderDirection,
    PlaySetStatus,
    Resolution,
    SourceKind,
    VideoStatus,
)
from schema.errors import MutationPayload
from schema.execution.fields import column, computed, inside, relation
from schema.info import Info
from schema.key_points import KeyPoint
from schema.legacy import VideoLegacy
from schema.nodes import Node
from schema.play_sets import PlaySet
from schema.playback import Playability, PlaybackInfo, TtlSeconds, ViewerPlayability
from schema.playback import info as shown
from schema.recommendations import Recommendation
from schema.scalars import Bytes, Sha256
from schema.shares import Share
from schema.tasks import Filter, Task, wanted
from schema.video_lists import VideoBy, VideoFilter, VideoOrderInput
from schema.video_lists import wanted as wanted_videos

Clip: TypeAlias = Annotated["Video", strawberry.lazy("schema.videos")]


def _purge_at(ctx: Context, deleted_at: datetime | None) -> datetime | None:
    return None if deleted_at is None else trash.purge_at(deleted_at, ctx.services.trash_days)


@strawberry.type(description="How players are to show a video.")
class PlayerSettings:
    """Made of columns of the video itself."""

    id: str | None = column("player_id", description="Id of a player of yours; null for none.")
    name: str | None = column("player_name", description="Its name; null for none.")
    aspect_ratio: AspectRatio = strawberry.field(description="Its shape.")
    auto_play: bool = strawberry.field(description="Whether it begins by itself.")


def _has_own_cover(cover_key: str | None) -> bool:
    return cover_key is not None


@strawberry.type(description="A video of yours.")
class Video(Node):
    model: ClassVar = models.Video

    vid: str = strawberry.field(description="Short public id, for URLs and people.")
    status: VideoStatus = strawberry.field(description="How far it is.")
    status_reason: str | None = strawberry.field(
        description="Why it failed, as a sentence, also while it is DELETED; null if it did not."
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
    tags: list[str] = strawberry.field(description="Its tags, in its owner's order.")
    owner_phone: str | None = strawberry.field(
        description="Phone number of whoever it was uploaded for; null when none was given."
    )
    player: PlayerSettings = inside("aspect_ratio", description="How players are to show it.")
    publish_domain: str | None = strawberry.field(
        description="Host name of the site that it is published on; null when none was given."
    )
    has_own_cover: bool = computed(
        _has_own_cover,
        "cover_key",
        description="Whether its cover is one that you chose, and not the automatic one.",
    )
    file_size: Bytes = strawberry.field(
        description="Bytes of the source file; until it was checked, those that were announced."
    )
    width: int | None = strawberry.field(
        description="Pixels of the source as it is shown, upright; null until it was checked."
    )
    height: int | None = strawberry.field(
        description="Pixels of the source as it is shown, upright; null until it was checked."
    )
    duration_ms: int | None = strawberry.field(
        description="Milliseconds of the source; null until it was checked."
    )
    share: Share = inside("share_state", description="Who may see it without a key of yours.")
    created_at: datetime = strawberry.field(
        description="When it was begun: with its upload session, or by a mutation of its own."
    )
    uploaded_at: datetime | None = strawberry.field(
        description="When its file was here whole, or had been made; null before."
    )
    updated_at: datetime = strawberry.field(description="When anything of it last changed.")
    published_at: datetime | None = strawberry.field(
        description="When it could be played for the first time; null before."
    )
    deleted_at: datetime | None = strawberry.field(
        description="When it went to the recycle bin; null while it is not there."
    )
    purge_at: datetime | None = computed(
        _purge_at,
        "deleted_at",
        context=True,
        description="From when on it is removed for good, unless it is restored; null while it is"
        " not in the recycle bin.",
    )
    ban: Ban | None = inside(
        "banned_at", description="Why it was banned; null unless it is, or was when it was deleted."
    )

    @relation(
        Category,
        of="category_id",
        description="The category that it is kept in; the default one unless you said otherwise.",
    )
    @staticmethod
    def category(ctx: Context) -> Rows:
        return categories.own(ctx)

    @relation(
        list[KeyPoint],
        of="id",
        description="The marks on its timeline, in the order of their moments.",
        assumed=20,
    )
    @staticmethod
    def key_points(ctx: Context) -> Rows:
        return key_points.of_video(ctx)

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

    auth_play_enabled: bool = column(
        "auth_play",
        description="Whether viewers need a token of `createPlaybackToken`, however it is shared.",
    )
    playability: Playability = inside("status", description="Whether you can play it.")
    viewer_playability: ViewerPlayability = inside(
        "status", description="Whether viewers can play it."
    )

    @strawberry.field(
        description="Signed links to play it with; null when it cannot be played: `playability`"
        " says why."
    )
    @staticmethod
    async def playback(
        root: strawberry.Parent[models.Video],
        info: Info,
        ttl_seconds: TtlSeconds = DEFAULT_TTL_SECONDS,
    ) -> PlaybackInfo | None:
        return shown(await playback.playback(info.context, root, ttl_seconds=ttl_seconds))

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

    @connection(
        Recommendation,
        of="id",
        description="Your PUBLISHED videos to watch after it, the best first, as they were computed"
        " in the last minutes; after these the newest, so that there is always one if you have"
        " another.",
    )
    @staticmethod
    def recommended(
        ctx: Context,
        window: Window,
        *,
        exclude: Annotated[
            list[strawberry.ID] | None,
            strawberry.argument(description="Ids of videos to leave out, up to 100."),
        ] = UNSET,
    ) -> Rows:
        check_excluded(len(exclude or ()))
        keys = [ids.find(one, "Video") for one in exclude or ()]
        known = [key for key in keys if key is not None]
        return recommendations.of_video(ctx, window, exclude=known)

    @relation(VideoLegacy, of="id", description="The same in the terms of older systems.")
    @staticmethod
    def legacy(ctx: Context) -> Rows:
        return legacy.of_video(ctx)

    @connection(Task, of="id", description="The work on this video, newest first.")
    @staticmethod
    def tasks(ctx: Context, window: Window, *, filter: Filter = UNSET) -> Rows:
        return tasks.page_of_video(ctx, window, wanted(filter))


nodes.register(Video)


@strawberry.type
class VideoQuery:
    @relation(
        Video | None,
        description="One video of yours; null when there is no such one. One that is DELETED is"
        " found by `id` and `vid` only.",
    )
    @staticmethod
    def video(
        ctx: Context, by: Annotated[VideoBy, strawberry.argument(description="Which one.")]
    ) -> Rows | None:
        if by.vid:
            return videos.by_vid(ctx, by.vid.value)
        if by.storage_id:
            return videos.by_storage_id(ctx, by.storage_id.value)
        if by.sha256:
            return videos.by_sha256(ctx, by.sha256.value)
        if by.source:
            origin = by.source.value
            return videos.by_source(ctx, origin.source_type, origin.source_id)
        return videos.by_id(ctx, ids.find(by.id.value, "Video") if by.id else None)

    @connection(
        Video, description="Your videos; by default the newest first, and none that is DELETED."
    )
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
        which = wanted_videos(filter)
        if not order_by:
            return videos.page(ctx, window, which)
        descending = order_by.direction == OrderDirection.DESC
        return videos.page(ctx, window, which, order=order_by.field, descending=descending)


@strawberry.type(description="The video as it is now.")
class VideoPayload(MutationPayload):
    video: Video | None = strawberry.field(
        default=None, description="The video; null when there are errors."
    )
