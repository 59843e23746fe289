"""States and names of videos."""

import secrets
from enum import StrEnum
from typing import Final


class VideoStatus(StrEnum):
    """Life of a video. PROCESSING becomes PUBLISHED with the first play set that is READY."""

    INITIAL = "initial"
    """An upload is to bring its file, and has brought nothing yet."""
    UPLOADING = "uploading"
    UPLOAD_FAILED = "upload_failed"
    PROCESSING = "processing"
    PUBLISHED = "published"
    BANNED = "banned"
    """Was PUBLISHED, and nobody may play it."""
    DELETED = "deleted"
    """In the recycle bin: restored, it is what it was before."""


_STATUS = VideoStatus

CHANGES: Final = {
    _STATUS.INITIAL: {
        _STATUS.UPLOADING,
        _STATUS.PROCESSING,  # its bytes were here before
        _STATUS.DELETED,
    },
    _STATUS.UPLOADING: {_STATUS.PROCESSING, _STATUS.DELETED},
    _STATUS.UPLOAD_FAILED: {_STATUS.PROCESSING, _STATUS.DELETED},
    _STATUS.PROCESSING: {_STATUS.PUBLISHED, _STATUS.UPLOAD_FAILED, _STATUS.DELETED},
    _STATUS.PUBLISHED: {_STATUS.BANNED, _STATUS.DELETED},
    _STATUS.BANNED: {_STATUS.PUBLISHED, _STATUS.DELETED},
    _STATUS.DELETED: {
        _STATUS.UPLOAD_FAILED,
        _STATUS.PROCESSING,
        _STATUS.PUBLISHED,
        _STATUS.BANNED,
    },
}
"""What each state may change to. Every statement that changes one is made from this table."""

LIVE: Final = tuple(one for one in VideoStatus if one is not _STATUS.DELETED)
"""The states of a video that is not in the recycle bin."""

COMING: Final = (_STATUS.INITIAL, _STATUS.UPLOADING)
"""The states of a video whose file has not arrived."""


def before(status: VideoStatus) -> list[VideoStatus]:
    """The states that may change to this one."""
    return [one for one, following in CHANGES.items() if status in following]


class ShareState(StrEnum):
    """Who may play a video without a key of its account."""

    PRIVATE = "private"
    PASSWORD = "password"  # noqa: S105  (a state, no secret)
    PUBLIC = "public"


class AspectRatio(StrEnum):
    """The shape of the player that shows a video."""

    R16_9 = "16:9"
    R4_3 = "4:3"


class SourceKind(StrEnum):
    """How a video came to be."""

    UPLOAD = "upload"
    """Its file was sent, at once or in parts, or was stored before."""
    FETCH = "fetch"
    """Its file was fetched from a URL."""
    TRIM = "trim"
    """Cut out of another video."""
    SPLICE = "splice"
    """Joined from several videos."""
    SIMULATION = "simulation"
    """A test picture, made to try a client with."""


class Resolution(StrEnum):
    """The rungs of the ladder, by the short side of the picture; lowest first."""

    P240 = "240P"
    P360 = "360P"
    P480 = "480P"
    P720 = "720P"
    P1080 = "1080P"
    P1440 = "1440P"
    P2160 = "2160P"
    ORIGIN = "Origin"


class TranscodePass(StrEnum):
    """One run of ffmpeg, and what it makes."""

    ORIGIN = "origin"
    """Origin, by copying the streams without encoding."""
    FIRST_PLAY = "first_play"
    """The lowest rung, the sound that goes with it, the poster and the storyboard."""
    LADDER = "ladder"
    """All other rungs, from one decode, and what sound is still missing."""


class VideoOrder(StrEnum):
    """By what a list of videos may be sorted."""

    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"
    PUBLISHED_AT = "published_at"
    TITLE = "title"
    FILE_SIZE = "file_size"
    DURATION = "duration"


def new_vid() -> str:
    """A short public id for people and players: 11 characters, 66 random bits."""
    return secrets.token_urlsafe(9)[:11]
