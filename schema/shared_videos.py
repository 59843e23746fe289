"""Shared videos: what viewers see of them, and how their owners share them."""

from datetime import datetime
from typing import Annotated, ClassVar, TypeAlias, cast

import strawberry
from strawberry import UNSET

from db import models
from db.rows import Rows
from domain.playback import DEFAULT_TTL_SECONDS
from domain.shares import Locked, NotAvailable, PasswordRequired, PasswordWrong
from domain.videos import ShareState as State
from resolvers import key_points, playback, recommendations, shares
from resolvers.context import Context
from schema import ids
from schema.enums import AspectRatio, Encryption, PlayabilityReason, Resolution, ShareState
from schema.errors import ExpectedErrors
from schema.execution.costs import LIST_SIZE, ListSize
from schema.execution.fields import ONCE, computed, relation
from schema.info import Info
from schema.optional import given
from schema.playback import VIEWERS, Links, TtlSeconds, common, viewers_reason
from schema.videos import Video, VideoPayload


def _means(kind: type) -> "staticmethod[[object, object], bool]":
    """Tells the union's types apart: by what the resolver found."""

    def is_type_of(found: object, _info: object) -> bool:
        return isinstance(found, kind)

    return staticmethod(is_type_of)


def _is_video(found: object, _info: object) -> bool:
    """Whether this is a video, as an object of the ORM or as a record."""
    return isinstance(found, models.Video) or getattr(found, "model", None) is models.Video


@strawberry.type(description="A rendition of a shared video.")
class SharedPlaySet:
    model: ClassVar = models.PlaySet

    resolution: Resolution = strawberry.field(description="Which rung of the ladder it is.")
    encryption: Encryption = strawberry.field(description="Whether its segments are encrypted.")
    width: int | None = strawberry.field(description="Pixels.")
    height: int | None = strawberry.field(description="Pixels.")
    bandwidth: int | None = strawberry.field(description="Peak bits per second of the picture.")
    codecs: str | None = strawberry.field(
        description="Codec of the picture by RFC 6381, such as avc1.64001e."
    )


@strawberry.type(description="A mark on the timeline of a shared video.")
class SharedKeyPoint:
    model: ClassVar = models.KeyPoint

    at_ms: int = strawberry.field(description="Where it is, in milliseconds from the start.")
    description: str = strawberry.field(description="What is there, 1 to 255 characters.")


@strawberry.type(description="Signed links for one viewer. Whoever has them can play the video.")
class SharedPlayback(Links):
    play_sets: list[SharedPlaySet] = strawberry.field(
        description="What can be played now, lowest rung first.", metadata={LIST_SIZE: ListSize(6)}
    )


@strawberry.type(description="A video as its viewers see it: nothing of its owner's matters.")
class SharedVideo:
    model: ClassVar = models.Video

    vid: str = strawberry.field(description="Short public id, for URLs and people.")
    title: str = strawberry.field(description="Title.")
    description: str | None = strawberry.field(description="Description; null for none.")
    duration_ms: int | None = strawberry.field(description="Milliseconds that it lasts.")
    width: int | None = strawberry.field(
        description="Pixels of the original as it is shown, upright."
    )
    height: int | None = strawberry.field(
        description="Pixels of the original as it is shown, upright."
    )
    published_at: datetime | None = strawberry.field(
        description="When it could be played for the first time."
    )
    tags: list[str] = strawberry.field(description="What its owner tagged it with.")
    aspect_ratio: AspectRatio = strawberry.field(description="The shape of its player.")
    auto_play: bool = strawberry.field(description="Whether its player starts by itself.")
    player_id: str | None = strawberry.field(
        description="The player that its owner wants it shown by; null for any."
    )
    player_name: str | None = strawberry.field(description="The name of that player.")

    is_type_of = staticmethod(_is_video)

    @strawberry.field(
        description="Signed links to play it with; null when it cannot be played:"
        " `playabilityReason` says why."
    )
    @staticmethod
    async def playback(
        root: strawberry.Parent[models.Video],
        info: Info,
        ttl_seconds: TtlSeconds = DEFAULT_TTL_SECONDS,
    ) -> SharedPlayback | None:
        links = await playback.for_viewer(info.context, root, ttl_seconds=ttl_seconds)
        if links is None:
            return None
        return SharedPlayback(
            **common(links), play_sets=cast("list[SharedPlaySet]", links.play_sets)
        )

    playability_reason: PlayabilityReason | None = computed(
        viewers_reason,
        *(name for name in VIEWERS if name != "share_state"),
        description="Why there is no `playback`; null when there is. With TOKEN_REQUIRED, its"
        " owner's own site gives the links.",
    )

    @relation(
        list[SharedKeyPoint],
        of="id",
        description="The marks on its timeline, in the order of their moments.",
        assumed=20,
    )
    @staticmethod
    def key_points(ctx: Context) -> Rows:
        return key_points.of_video(ctx)

    @strawberry.field(
        description="What to watch after it: videos of the same owner that everybody may watch, the"
        " best first.",
        metadata={LIST_SIZE: ListSize(argument="first")},
    )
    @staticmethod
    async def recommended(
        root: strawberry.Parent[models.Video],
        info: Info,
        first: Annotated[int, strawberry.argument(description="How many; 0 to 50.")] = 10,
        exclude: Annotated[
            list[strawberry.ID] | None,
            strawberry.argument(description="The `vid`s of videos to leave out, up to 100."),
        ] = UNSET,
    ) -> list[Annotated["SharedVideo", strawberry.lazy("schema.shared_videos")]]:
        found = await recommendations.for_viewers(
            info.context, root, first=first, exclude=[str(one) for one in exclude or ()]
        )
        return cast("list[SharedVideo]", found)


@strawberry.type(description="The video has a password: send it.")
class SharePasswordRequired:
    is_type_of = _means(PasswordRequired)

    message: str = strawberry.field(description="A whole English sentence for the developer.")


@strawberry.type(description="This is not the password of the video.")
class SharePasswordWrong:
    is_type_of = _means(PasswordWrong)

    message: str = strawberry.field(description="A whole English sentence for the developer.")
    attempts_left: int = strawberry.field(
        description="How many more wrong ones you may send before `ShareLocked`. Each counts for a"
        " minute; fewer are left when others guess, too."
    )


@strawberry.type(description="There were too many wrong passwords: this one was not looked at.")
class ShareLocked:
    is_type_of = _means(Locked)

    message: str = strawberry.field(description="A whole English sentence for the developer.")
    retry_at: datetime = strawberry.field(
        description="When the next one will be looked at, if nobody else guesses meanwhile."
    )


@strawberry.type(
    description="There is no such video for viewers: not shared, not published, or none at all."
)
class ShareNotAvailable:
    is_type_of = _means(NotAvailable)

    message: str = strawberry.field(description="A whole English sentence for the developer.")


SharedVideoResult: TypeAlias = Annotated[
    SharedVideo | SharePasswordRequired | SharePasswordWrong | ShareLocked | ShareNotAvailable,
    strawberry.union(
        "SharedVideoResult", description="A shared video, or why you cannot see it. It may grow."
    ),
]


@strawberry.type
class SharedVideoQuery:
    @strawberry.field(
        description="A video for its viewers, whosever it is. It needs no key, and the owner's"
        " opens nothing more. At most 10 wrong passwords a minute for each caller and video, and"
        " 100 for each video.",
        metadata={ONCE: True},
    )
    async def shared_video(
        self,
        info: Info,
        id: Annotated[strawberry.ID, strawberry.argument(description="Its `vid`, or global id.")],
        password: Annotated[
            str | None,
            strawberry.argument(
                description="Its password, in a variable: documents may end up in logs. The empty"
                " one is one, too."
            ),
        ] = UNSET,
    ) -> SharedVideoResult:
        key = ids.find(id, "Video")
        vid = None if key else str(id)
        found = await shares.shared(info.context, id=key, vid=vid, password=given(password))
        return cast("SharedVideoResult", found)


@strawberry.input(description="How a video is to be shared.")
class SetVideoShareInput:
    id: strawberry.ID = strawberry.field(description="Id of the video.")
    state: ShareState = strawberry.field(description="Who may see it.")
    password: str | None = strawberry.field(
        default=UNSET,
        description="For PASSWORD: 0 to 16 characters of any kind. Left out or null, the one that"
        " the video has stays.",
    )


@strawberry.type
class ShareMutation:
    @strawberry.mutation(
        description="Say who may see a video without a key of yours. When fewer may, or the"
        " password is another, the links that were given out end.",
        extensions=[ExpectedErrors(VideoPayload)],
    )
    async def set_video_share(
        self,
        info: Info,
        input: Annotated[SetVideoShareInput, strawberry.argument(description="The change.")],
    ) -> VideoPayload:
        row = await shares.change(
            info.context,
            ids.decode(input.id, "Video"),
            state=State(input.state),
            password=given(input.password),
        )
        return VideoPayload(video=cast("Video", row))
