"""Which videos can be banned, and which unbanned."""

from typing import Final

from domain.error_codes import ErrorCode
from domain.errors import InvalidState
from domain.videos import VideoStatus

MAX_REASON: Final = 500
"""Characters."""


class NotPublished(InvalidState):
    """Only what is PUBLISHED can be banned."""

    code = ErrorCode.NOT_PUBLISHED


class NotBanned(InvalidState):
    """Only what is BANNED can be unbanned."""

    code = ErrorCode.NOT_BANNED


def check(status: VideoStatus, *, banned: bool) -> InvalidState | None:
    """Why a video in this state cannot be banned, or unbanned."""
    kind = NotPublished if banned else NotBanned
    allowed = VideoStatus.PUBLISHED if banned else VideoStatus.BANNED
    if status is allowed:
        return None
    return kind("The video", current=status.name, allowed=[allowed.name])
