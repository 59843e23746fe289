"""How long transcoding takes: what is expected, and what is learned from each run. Pure.

A cost is seconds of one worker's work for a second of video.
"""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from domain.estimates import estimate
from domain.media import Source
from domain.templates import Template

NEW_WEIGHT: Final = 0.3
"""How much the latest run counts in the running average."""
ASSUMED_CORES: Final = 4
"""Processors that the encoder keeps busy, as long as nobody has seen it."""

_SIZES: Final = (240, 360, 480, 720, 1080, 1440, 2160)
_RATES: Final = (30, 60, 120)


def source_class(source: Source) -> str:
    """Size and frame rate of a source, roughly: those of a class take about the same time."""
    side = min(source.width, source.height)
    size = next((one for one in _SIZES if side <= one), "more")
    rate = next((one for one in _RATES if source.frame_rate <= one), "more")
    return f"{size}p{rate}"


def learned(source: Source, templates: Sequence[Template], *, seconds: float) -> dict[UUID, float]:
    """What each template has cost in a run that made all of them in so many seconds."""
    duration_s = source.duration_ms / 1000
    shares = estimate(source, templates)
    return {
        template.id: share.work * seconds / duration_s
        for template, share in zip(templates, shares, strict=True)
    }


def expected_s(source: Source, templates: Sequence[Template], known: Mapping[UUID, float]) -> float:
    """Seconds that a run is expected to take which makes these templates.

    `known` are costs learned from the like; the rest is reckoned.
    """
    duration_s = source.duration_ms / 1000
    return sum(
        known[template.id] * duration_s if template.id in known else one.cpu_s / ASSUMED_CORES
        for template, one in zip(templates, estimate(source, templates), strict=True)
    )
