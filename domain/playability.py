"""Whether a video can be played, and if not, why, and what would help."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from domain.videos import ShareState, VideoStatus


class PlayabilityReason(StrEnum):
    """Why a video cannot be played."""

    NOT_UPLOADED = "not_uploaded"
    NOT_READY = "not_ready"
    FAILED = "failed"
    BANNED = "banned"
    DELETED = "deleted"
    TOKEN_REQUIRED = "token_required"  # noqa: S105  (a reason, no secret)
    PRIVATE = "private"
    PASSWORD_REQUIRED = "password_required"  # noqa: S105


@dataclass(frozen=True, slots=True)
class Playability:
    """A judgement. It can be played when there is no reason why not."""

    reason: PlayabilityReason | None = None
    fix: str | None = None
    """What would help, as a sentence; None when nothing is wrong, or only waiting helps."""
    mutation: str | None = None
    """The mutation that this sentence names."""

    @property
    def playable(self) -> bool:
        return self.reason is None


PLAYABLE: Final = Playability()

PLAYING: Final = frozenset({VideoStatus.PROCESSING, VideoStatus.PUBLISHED})
"""The states in which links to a video hold."""

_WAIT: Final = Playability(PlayabilityReason.NOT_READY)
_NOTHING_MADE: Final = Playability(
    PlayabilityReason.NOT_READY, "Have play sets made: `transcodeVideo`.", "transcodeVideo"
)
_UPLOAD: Final = Playability(
    PlayabilityReason.NOT_UPLOADED,
    "Send the rest of its file, then call `completeUploadSession`.",
    "completeUploadSession",
)
_ANEW: Final = Playability(
    PlayabilityReason.FAILED,
    "Upload a file that can be played: `createUploadSession`.",
    "createUploadSession",
)
_AGAIN: Final = Playability(
    PlayabilityReason.FAILED, "Have it transcoded once more: `transcodeVideo`.", "transcodeVideo"
)
_OBSTACLES: Final = {
    VideoStatus.INITIAL: _UPLOAD,
    VideoStatus.UPLOADING: _UPLOAD,
    VideoStatus.BANNED: Playability(
        PlayabilityReason.BANNED, "Lift the ban: `setVideosBanned`.", "setVideosBanned"
    ),
    VideoStatus.DELETED: Playability(
        PlayabilityReason.DELETED,
        "Take it out of the recycle bin: `restoreVideos`.",
        "restoreVideos",
    ),
}
_TOKEN: Final = Playability(
    PlayabilityReason.TOKEN_REQUIRED,
    "Have your server ask for a token for each viewer: `createPlaybackToken`.",
    "createPlaybackToken",
)
_SHARES: Final = {
    ShareState.PUBLIC: PLAYABLE,
    ShareState.PASSWORD: Playability(
        PlayabilityReason.PASSWORD_REQUIRED,
        "Give viewers its password, or share it without: `setVideoShare`.",
        "setVideoShare",
    ),
    ShareState.PRIVATE: Playability(
        PlayabilityReason.PRIVATE, "Share it: `setVideoShare`.", "setVideoShare"
    ),
}


def judge(status: VideoStatus, *, has_ready: bool, has_file: bool) -> Playability:
    """Whether its owner can play it.

    `has_ready`: a play set of it is READY. `has_file`: it has a file that could be read.
    """
    if status in _OBSTACLES:
        return _OBSTACLES[status]
    if status is VideoStatus.UPLOAD_FAILED:
        return _AGAIN if has_file else _ANEW
    if has_ready:
        return PLAYABLE
    return _NOTHING_MADE if status is VideoStatus.PUBLISHED else _WAIT


def judge_for_viewers(
    owners: Playability, *, share_state: ShareState, auth_play: bool
) -> Playability:
    """Whether people without a key can play it who bring nothing, such as a password."""
    if not owners.playable:
        return owners
    return _TOKEN if auth_play else _SHARES[share_state]
