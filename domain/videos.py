"""States and names of videos and their play sets."""

import secrets
from enum import StrEnum


class VideoStatus(StrEnum):
    """Life of a video. PROCESSING becomes PUBLISHED with the first play set that is READY."""

    PROCESSING = "processing"
    PUBLISHED = "published"
    UPLOAD_FAILED = "upload_failed"
    DELETED = "deleted"


class PlaySetStatus(StrEnum):
    INITIAL = "initial"
    TRANSCODING = "transcoding"
    READY = "ready"
    TRANSCODE_FAILED = "transcode_failed"
    DELETED = "deleted"


OPEN_PLAY_SETS = (PlaySetStatus.INITIAL, PlaySetStatus.TRANSCODING)
"""The states from which a play set may still become READY."""


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
    """The lowest rung, the sound shared by every rung, the poster and the storyboard."""
    LADDER = "ladder"
    """All other rungs, from one decode."""


class VideoOrder(StrEnum):
    """By what a list of videos may be sorted."""

    CREATED_AT = "created_at"
    UPDATED_AT = "updated_at"
    TITLE = "title"


def new_vid() -> str:
    """A short public id for people and players: 11 characters, 66 random bits."""
    return secrets.token_urlsafe(9)[:11]
