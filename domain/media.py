"""What probing finds in a file, and why a file is refused."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Any, Final, Self

LONGEST_MS: Final = 12 * 3_600_000
"""Longer videos are refused."""


class Refusal(StrEnum):
    """Why a file cannot become a video."""

    NOT_MEDIA = "not_media"
    """No container we accept: text, a playlist, a picture, an empty file."""
    DAMAGED = "damaged"
    """A container whose header or first picture cannot be read."""
    NO_VIDEO = "no_video"
    NO_DURATION = "no_duration"
    TOO_LONG = "too_long"
    TOO_MANY_PIXELS = "too_many_pixels"
    TOO_MUCH_TO_DECODE = "too_much_to_decode"
    """Too many pixels in each second, although neither picture nor frame rate is too large."""
    TOO_MANY_STREAMS = "too_many_streams"
    FRAME_RATE = "frame_rate"
    """The frame rate is absurd (0, or above what the limits allow)."""


@dataclass(frozen=True, slots=True)
class Source:
    """What probing found. Pictures are in pixels as coded, before rotation and aspect."""

    container: str
    duration_ms: int
    width: int
    height: int
    rotation: int
    """Degrees to turn the coded picture by when showing it: 0, 90, 180 or 270."""
    sample_aspect: Fraction
    frame_rate: Fraction
    """Frames per second, snapped to a standard rate when the source's is variable."""
    video_codec: str
    pixel_format: str
    audio_codec: str | None
    hdr: bool
    keyframe_first: bool = True
    interlaced: bool = False
    """The first picture is two half-pictures, of different moments, in alternate lines."""

    def to_json(self) -> dict[str, Any]:
        return asdict(self) | {
            "sample_aspect": str(self.sample_aspect),
            "frame_rate": str(self.frame_rate),
        }

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        fields = dict(value)
        for name in ("sample_aspect", "frame_rate"):
            fields[name] = Fraction(fields[name])
        return cls(**fields)
