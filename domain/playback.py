"""Rules of playback links, and of the files behind them."""

from dataclasses import dataclass
from typing import Final
from uuid import UUID

from domain.error_codes import ErrorCode
from domain.errors import DomainError, InvalidArgument, LimitExceeded, LinkInvalid
from domain.links import IpAddress
from domain.media import Source
from domain.playability import PLAYING, Playability
from domain.playback_rules import AddressNotAllowed, Client, Rules, address_of
from domain.tokens import Grant
from domain.videos import VideoStatus

MIN_TTL_SECONDS = 10
MAX_TTL_SECONDS = 24 * 3600
DEFAULT_TTL_SECONDS = 4 * 3600
"""Long enough to watch a long film with pauses."""
TOKEN_TTL_SECONDS = 600
"""Of a token that the owner's server asks for, unless it says otherwise."""
MAX_VIEWER_ID = 64
"""Characters."""

_TYPES: Final = {
    "m3u8": "application/vnd.apple.mpegurl",
    "mp4": "video/mp4",
    "jpg": "image/jpeg",
    "vtt": "text/vtt; charset=utf-8",
}
_PICTURES: Final = (".jpg", ".vtt")
_SOURCES: Final = {
    "mov": ("video/mp4", "mp4"),
    "matroska": ("video/x-matroska", "mkv"),
    "avi": ("video/x-msvideo", "avi"),
    "flv": ("video/x-flv", "flv"),
    "mpegts": ("video/mp2t", "ts"),
    "mpeg": ("video/mpeg", "mpg"),
    "asf": ("video/x-ms-asf", "asf"),
    "ogg": ("video/ogg", "ogv"),
}
"""Media type and extension of a container, by the first of its names."""
_WEBM: Final = ("video/webm", "webm")
_OF_WEBM: Final = frozenset({"vp8", "vp9", "av1", "vorbis", "opus", None})
"""Codecs of a Matroska file that is WebM, too."""


class LinkSpent(DomainError):
    """The link was for one use, which somebody has had."""

    code = ErrorCode.LINK_SPENT

    def __init__(self) -> None:
        super().__init__("This link was for one use, and was used. Ask for a new one.")


class PlaybackUnavailable(DomainError):
    """The database cannot be asked whether a link still holds."""

    code = ErrorCode.PLAYBACK_UNAVAILABLE

    def __init__(self) -> None:
        super().__init__("This cannot be played at the moment. Try again in some seconds.")


class VideoNotPlayable(DomainError):
    """There is nothing to give a link to."""

    code = ErrorCode.VIDEO_NOT_PLAYABLE

    def __init__(self, judged: Playability) -> None:
        reason = judged.reason.name if judged.reason else "NOT_READY"
        fix = f" {judged.fix}" if judged.fix else ""
        super().__init__(f"The video cannot be played: {reason}.{fix}", path=["videoId"])


@dataclass(frozen=True, slots=True)
class Standing:
    """What decides, besides the link itself, whether a video may be played at this moment."""

    epoch: int
    status: VideoStatus
    auth_play: bool
    account_id: UUID
    content_id: UUID | None
    rules: Rules
    ready: tuple[UUID, ...]
    """The play sets that are READY."""


def check(standing: Standing | None, grant: Grant, client: Client) -> Standing:
    """Refuse whoever may not use this link now. None: the video is gone.

    Raises `LinkInvalid`, `AddressNotAllowed` and `ReferrerNotAllowed`.
    """
    if standing is None or standing.epoch != grant.epoch or standing.status not in PLAYING:
        raise LinkInvalid
    if grant.public and standing.auth_play:
        raise LinkInvalid
    if grant.address is not None and grant.address != client.address:
        raise AddressNotAllowed
    standing.rules.check(client)
    return standing


def check_file(grant: Grant, path: str) -> None:
    """Refuse a link that is not for files of this kind. Raises `LinkInvalid`."""
    if grant.once is not None or (grant.pictures and not path.endswith(_PICTURES)):
        raise LinkInvalid


def check_ttl(seconds: int) -> None:
    """Raises `InvalidArgument` or `LimitExceeded`."""
    if seconds < MIN_TTL_SECONDS:
        raise InvalidArgument(
            f"ttlSeconds is {seconds}; it must be at least {MIN_TTL_SECONDS}.", path=["ttlSeconds"]
        )
    if seconds > MAX_TTL_SECONDS:
        raise LimitExceeded(
            "ttlSeconds", limit=MAX_TTL_SECONDS, actual=seconds, path=["ttlSeconds"]
        )


def viewer_address(written: str) -> IpAddress:
    """The address that a link is to be for. Raises `InvalidArgument`."""
    try:
        return address_of(written.strip())
    except ValueError:
        raise InvalidArgument(f"{written[:64]!r} is no IP address.", path=["ip"]) from None


def content_type(name: str) -> str:
    """Media type of a file that players are given."""
    return _TYPES[name.rpartition(".")[2]]


def source_type(source: Source) -> tuple[str, str]:
    """Media type and extension of a file as it was uploaded."""
    container = source.container.partition(",")[0]
    if container == "matroska" and {source.video_codec, source.audio_codec} <= _OF_WEBM:
        return _WEBM
    return _SOURCES[container]
