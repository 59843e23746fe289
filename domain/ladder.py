"""Which rungs a source gets, and how big, how fast and how often keyed each of them is."""

import math
from fractions import Fraction
from typing import Final

from domain.media import Source
from domain.videos import Resolution

SHORT_SIDES: Final = {
    Resolution.P240: 240,
    Resolution.P360: 360,
    Resolution.P480: 480,
    Resolution.P720: 720,
    Resolution.P1080: 1080,
    Resolution.P1440: 1440,
    Resolution.P2160: 2160,
}
"""Pixels of the short side of each encoded rung, lowest first."""

TOLERANCE: Final = Fraction(102, 100)
"""A source this much short of a rung still has it: 1920x1072 is offered as 1080P."""

TOP_FRAME_RATE: Final = Fraction(60)
GOP_SECONDS: Final = 4

STANDARD_RATES: Final = (
    Fraction(24000, 1001),
    Fraction(24),
    Fraction(25),
    Fraction(30000, 1001),
    Fraction(30),
    Fraction(48),
    Fraction(50),
    Fraction(60000, 1001),
    Fraction(60),
)


def display_size(source: Source) -> tuple[int, int]:
    """Width and height as a viewer sees them: square pixels, after rotation."""
    width = max(1, round(source.width * source.sample_aspect))
    if source.rotation % 180:
        return source.height, width
    return width, source.height


def reaches(source: Source, resolution: Resolution) -> bool:
    """Whether the source is as large as the rung. The two lowest rungs are for every source."""
    available = min(display_size(source)) * TOLERANCE
    return SHORT_SIDES[resolution] <= max(available, SHORT_SIDES[Resolution.P360])


def origin_possible(source: Source) -> bool:
    """Whether copying the streams gives something every player can show."""
    return (
        source.video_codec == "h264"
        and source.pixel_format == "yuv420p"
        and source.audio_codec in (None, "aac")
        and source.rotation == 0
        and source.sample_aspect == 1
        and source.keyframe_first
    )


def target_size(source: Source, resolution: Resolution) -> tuple[int, int]:
    """Width and height of a rung. Origin has the size of the source."""
    if resolution is Resolution.ORIGIN:
        return display_size(source)
    return fit(source, SHORT_SIDES[resolution])


def fit(source: Source, short_side: int) -> tuple[int, int]:
    """Scale the display size down to a short side; even, and never larger than the source."""
    width, height = display_size(source)
    scale = min(Fraction(1), Fraction(short_side, min(width, height)))
    return _even(width * scale, at_most=width), _even(height * scale, at_most=height)


def fit_into(source: Source, width: int, height: int) -> tuple[int, int]:
    """Scale the display size up or down to touch a box from inside; even."""
    own_width, own_height = display_size(source)
    scale = min(Fraction(width, own_width), Fraction(height, own_height))
    return _even(own_width * scale, at_most=width), _even(own_height * scale, at_most=height)


def frame_rate(source: Source, *, most: int | None = None) -> Fraction:
    """Frames per second of an encoded rung: at most 60, a standard rate when one is near.

    With a lower ceiling the rate is divided by a whole number, so that frames are left out
    evenly; or is the ceiling itself, where that would be less than three quarters of it.
    """
    rate = source.frame_rate
    while rate > TOP_FRAME_RATE:
        rate /= 2
    standard = nearest_standard(rate)
    rate = standard if abs(standard - rate) * 50 <= rate else rate
    if most is None or rate <= most:
        return rate
    divided = rate / math.ceil(rate / most)
    return divided if divided * 4 >= most * 3 else Fraction(most)


def nearest_standard(rate: Fraction) -> Fraction:
    return min(STANDARD_RATES, key=lambda standard: abs(standard - rate))


def gop(rate: Fraction) -> int:
    """Frames from one keyframe to the next. All rungs share it, so that players can switch."""
    return math.ceil(GOP_SECONDS * rate)


def _even(length: Fraction, *, at_most: int) -> int:
    """The nearest even number of pixels, as 4:2:0 needs it, that is not above `at_most`."""
    return max(2, min(round(length / 2), at_most // 2) * 2)
