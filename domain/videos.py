"""States and names of videos."""

import secrets
from enum import StrEnum


class VideoStatus(StrEnum):
    """Life of a video. PROCESSING becomes PUBLISHED with the first play set that is READY."""

    PROCESSING = "processing"
    PUBLISHED = "published"
    UPLOAD_FAILED = "upload_failed"
    DELETED = "deleted"


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
    TITLE = "title"


def new_vid() -> str:
    """A short public id for people and players: 11 characters, 66 random bits."""
    return secrets.token_urlsafe(9)[:11]
