"""The recycle bin: how long deleted videos stay in it, and as what they come back."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

from domain.errors import InvalidState
from domain.videos import COMING, LIVE, VideoStatus

DAYS: Final = 30
"""How long a deleted video can be restored, unless the operator says otherwise."""
REASON: Final = "The video was deleted."
"""Why what was going on with it ended."""
NO_FILE: Final = "The video was deleted before its file was here."
"""Why there is nothing to be restored but what is known of it."""


def purge_at(deleted_at: datetime, days: int) -> datetime:
    """When a video leaves the bin for good, if nobody restores it."""
    return deleted_at + timedelta(days=days)


def check_live(status: VideoStatus, *, path: Sequence[str] = ()) -> InvalidState | None:
    """Why a video cannot be changed, or deleted: it is in the bin."""
    if status in LIVE:
        return None
    allowed = [one.name for one in LIVE]
    return InvalidState("The video", current=status.name, allowed=allowed, path=path)


def check_in_bin(status: VideoStatus) -> InvalidState | None:
    """Why a video cannot be restored, or removed for good."""
    if status is VideoStatus.DELETED:
        return None
    return InvalidState("The video", current=status.name, allowed=[VideoStatus.DELETED.name])


def restored(former: VideoStatus, *, has_file: bool, is_made: bool) -> VideoStatus:
    """What a video is after it was restored. `is_made`: a task makes its file, and can do so again.

    The bytes that an upload had brought are gone.
    """
    lost = former is VideoStatus.PROCESSING and not (has_file or is_made)
    return VideoStatus.UPLOAD_FAILED if lost or former in COMING else former
