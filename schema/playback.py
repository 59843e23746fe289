"""How videos are played: signed links, and whether there can be any."""

from collections.abc import Callable
from datetime import datetime
from typing import Annotated, Any, TypeAlias, cast

import strawberry

from domain.playability import Playability as Judgement
from domain.playability import judge, judge_for_viewers
from domain.videos import ShareState, VideoStatus
from resolvers.playback import Playback
from schema.enums import PlayabilityReason
from schema.execution.costs import LIST_SIZE, ListSize
from schema.execution.fields import computed
from schema.play_sets import PlaySet
from schema.scalars import Url

TtlSeconds: TypeAlias = Annotated[
    int, strawberry.argument(description="How long the links hold: 10 to 86400 seconds.")
]


@strawberry.type
class Links:
    """What everybody gets who may play a video."""

    hls_url: Url = strawberry.field(
        description="HLS master playlist of the play sets that are READY when it is fetched."
    )
    cover_url: Url | None = strawberry.field(
        description="A picture of the video, as JPEG: the cover that its owner chose, or an"
        " automatic one."
    )
    storyboard_url: Url | None = strawberry.field(
        description="WebVTT whose cues name the preview pictures of a seek bar."
    )
    expires_at: datetime = strawberry.field(
        description="When all these links end, unless the owner ends them before."
    )


@strawberry.type(description="Signed links for one viewer. Whoever has them can play the video.")
class PlaybackInfo(Links):
    file_url: Url | None = strawberry.field(
        description="The file as it was uploaded, for players without HLS and to be saved. Null"
        " when a play set is encrypted, and for links of a single use."
    )
    play_sets: list[PlaySet] = strawberry.field(
        description="What can be played now, lowest rung first.", metadata={LIST_SIZE: ListSize(6)}
    )
    viewer_id: str | None = strawberry.field(
        description="Who plays, as `createPlaybackToken` was told; else null."
    )


def info(links: Playback | None) -> PlaybackInfo | None:
    """The links as the API gives them; nothing when there are none."""
    if links is None:
        return None
    return PlaybackInfo(
        **common(links),
        file_url=_url(links.file_url),
        play_sets=cast("list[PlaySet]", links.play_sets),
        viewer_id=links.viewer_id,
    )


def common(links: Playback) -> dict[str, Any]:
    """The fields of `Links`."""
    return {
        "hls_url": Url(links.hls_url),
        "cover_url": _url(links.cover_url),
        "storyboard_url": _url(links.storyboard_url),
        "expires_at": links.expires_at,
    }


def _url(url: str | None) -> Url | None:
    return Url(url) if url else None


OWNERS = ("status", "has_ready", "width")
VIEWERS = (*OWNERS, "share_state", "auth_play")


def _for_owner(status: VideoStatus, has_ready: bool, width: int | None) -> Judgement:  # noqa: FBT001  (a column)
    """A file without a width was kept, but nothing could be read from it."""
    return judge(VideoStatus(status), has_ready=has_ready, has_file=width is not None)


def _for_viewers(
    status: VideoStatus,
    has_ready: bool,  # noqa: FBT001
    width: int | None,
    share_state: ShareState,
    auth_play: bool,  # noqa: FBT001
) -> Judgement:
    return judge_for_viewers(
        _for_owner(status, has_ready, width),
        share_state=ShareState(share_state),
        auth_play=auth_play,
    )


def viewers_reason(
    status: VideoStatus,
    has_ready: bool,  # noqa: FBT001
    width: int | None,
    auth_play: bool,  # noqa: FBT001
) -> PlayabilityReason | None:
    """Why viewers cannot play a video that they may see."""
    return _for_viewers(status, has_ready, width, ShareState.PUBLIC, auth_play).reason


def _said(judged: Callable[..., Judgement], name: str) -> Callable[..., Any]:
    """One thing that a judgement says, as a function of columns."""
    return lambda *columns: getattr(judged(*columns), name)


_PLAYABLE = "Whether it can be played."
_REASON = "Why it cannot; null when it can."
_FIX = "What would help, as a sentence; null when nothing is wrong, or only waiting helps."
_MUTATION = "The mutation that `fix` names; null without one."


@strawberry.type(description="Whether you, its owner, can play a video.")
class Playability:
    playable: bool = computed(_said(_for_owner, "playable"), *OWNERS, description=_PLAYABLE)
    reason: PlayabilityReason | None = computed(
        _said(_for_owner, "reason"), *OWNERS, description=_REASON
    )
    fix: str | None = computed(_said(_for_owner, "fix"), *OWNERS, description=_FIX)
    mutation: str | None = computed(_said(_for_owner, "mutation"), *OWNERS, description=_MUTATION)


@strawberry.type(
    description="Whether viewers without a key can play a video who bring nothing, no password"
    " and no token."
)
class ViewerPlayability:
    playable: bool = computed(_said(_for_viewers, "playable"), *VIEWERS, description=_PLAYABLE)
    reason: PlayabilityReason | None = computed(
        _said(_for_viewers, "reason"), *VIEWERS, description=_REASON
    )
    fix: str | None = computed(_said(_for_viewers, "fix"), *VIEWERS, description=_FIX)
    mutation: str | None = computed(
        _said(_for_viewers, "mutation"), *VIEWERS, description=_MUTATION
    )
