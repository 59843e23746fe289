"""The states of a play set, and which may follow which."""

from enum import StrEnum
from typing import Final


class PlaySetStatus(StrEnum):
    INITIAL = "initial"
    """Planned; its task waits."""
    TRANSCODING = "transcoding"
    TRANSCODED = "transcoded"
    """Encoded and found whole, and not in the store yet."""
    UPLOADING = "uploading"
    """On its way to the store."""
    READY = "ready"
    TRANSCODE_FAILED = "transcode_failed"
    UPLOAD_FAILED = "upload_failed"
    """The store did not take it."""
    DELETED = "deleted"
    """Given up, or replaced by a later one of the same template."""


_STATUS = PlaySetStatus

CHANGES: Final = {
    _STATUS.INITIAL: {
        _STATUS.TRANSCODING,
        _STATUS.READY,  # shared with another video of the same bytes
        _STATUS.TRANSCODE_FAILED,
        _STATUS.DELETED,
    },
    _STATUS.TRANSCODING: {
        _STATUS.INITIAL,  # its run was interrupted; another follows
        _STATUS.TRANSCODED,
        _STATUS.READY,
        _STATUS.TRANSCODE_FAILED,
        _STATUS.DELETED,
    },
    _STATUS.TRANSCODED: {
        _STATUS.INITIAL,
        _STATUS.TRANSCODING,  # a run that took over begins again
        _STATUS.UPLOADING,
        _STATUS.READY,
        _STATUS.UPLOAD_FAILED,
        _STATUS.DELETED,
    },
    _STATUS.UPLOADING: {
        _STATUS.INITIAL,
        _STATUS.TRANSCODING,
        _STATUS.READY,
        _STATUS.UPLOAD_FAILED,
        _STATUS.DELETED,
    },
    _STATUS.READY: {_STATUS.DELETED},
    _STATUS.TRANSCODE_FAILED: {_STATUS.INITIAL, _STATUS.DELETED},
    _STATUS.UPLOAD_FAILED: {_STATUS.INITIAL, _STATUS.DELETED},
    _STATUS.DELETED: set[PlaySetStatus](),
}
"""What each state may change to. Every statement that changes one is made from this table."""

OPEN_PLAY_SETS: Final = (
    _STATUS.INITIAL,
    _STATUS.TRANSCODING,
    _STATUS.TRANSCODED,
    _STATUS.UPLOADING,
)
"""The states from which a play set may still become READY by itself."""

FAILED_PLAY_SETS: Final = (_STATUS.TRANSCODE_FAILED, _STATUS.UPLOAD_FAILED)

LIVE_PLAY_SETS: Final = tuple(one for one in PlaySetStatus if one is not _STATUS.DELETED)


def before(status: PlaySetStatus) -> list[PlaySetStatus]:
    """The states that may change to this one."""
    return [one for one, following in CHANGES.items() if status in following]
