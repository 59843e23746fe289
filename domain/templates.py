"""Templates: how a play set is made, and what a template makes of a source. Pure."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Final
from uuid import UUID

from domain import ladder
from domain.media import Source
from domain.videos import Resolution

FIRST_OWN: Final = 1001
"""The number of the first template that an account makes; smaller ones are built in."""


class Codec(StrEnum):
    H264 = "h264"
    HEVC = "hevc"
    AV1 = "av1"


class Quality(StrEnum):
    """How much time the encoder takes to make the picture look better at the same rate."""

    FAST = "fast"
    HIGH = "high"


class Encryption(StrEnum):
    NONE = "none"
    AES_128 = "aes_128"
    """HLS AES-128: whole segments, under a key that only holders of a playback link get."""


MAX_RATES: Final = {
    Resolution.P240: 400_000,
    Resolution.P360: 800_000,
    Resolution.P480: 1_400_000,
    Resolution.P720: 2_800_000,
    Resolution.P1080: 5_000_000,
    Resolution.P1440: 9_000_000,
    Resolution.P2160: 16_000_000,
}
"""Ceiling of each rung's bandwidth with H.264, bit/s; the buffer is twice that."""

CODEC_RATES: Final = {
    Codec.H264: Fraction(1),
    Codec.HEVC: Fraction(7, 10),
    Codec.AV1: Fraction(6, 10),
}
"""The part of H.264's ceiling that is enough for about the same picture."""

SOUND_BITRATE: Final = 128_000
"""Bit/s of sound, unless a template wants another."""


@dataclass(frozen=True, slots=True)
class Sound:
    """A sound track that play sets share."""

    name: str
    """Names its files, and tells it from every other sound of a video."""
    bitrate: int | None
    """Bit/s; None: a copy of the source's."""
    encryption: Encryption


@dataclass(frozen=True, slots=True, kw_only=True)
class Template:
    """How to make one play set. Bit rates in bit/s; `max_frame_rate` in frames per second."""

    id: UUID
    number: int
    """What the API calls `templateId`; built-in ones are below `FIRST_OWN`."""
    name: str
    resolution: Resolution
    codec: Codec = Codec.H264
    quality: Quality = Quality.FAST
    video_bitrate: int | None = None
    """Ceiling of the picture's bandwidth; None: the rung's own."""
    audio_bitrate: int | None = None
    max_frame_rate: int | None = None
    encryption: Encryption = Encryption.NONE

    @property
    def max_rate(self) -> int:
        """Ceiling of the picture's bandwidth, bit/s. Origin has none: it is a copy."""
        if self.video_bitrate is not None:
            return self.video_bitrate
        return int(MAX_RATES[self.resolution] * CODEC_RATES[self.codec])

    @property
    def track(self) -> str:
        """Name of its picture's files, unlike that of every other template."""
        plain = self.number <= len(DEFAULTS)
        return self.resolution.value if plain else f"{self.resolution.value}-{self.number}"

    @property
    def sound(self) -> Sound:
        """The sound that goes with its picture. Origin's is a copy, like its picture."""
        copied = self.resolution is Resolution.ORIGIN
        bitrate = None if copied else self.audio_bitrate or SOUND_BITRATE
        name = "origin-audio" if copied else "audio"
        if self.encryption is not Encryption.NONE:
            name += "-aes"
        if bitrate not in (None, SOUND_BITRATE):
            name += f"-{bitrate}"
        return Sound(name, bitrate, self.encryption)


def _built_in(number: int, name: str, resolution: Resolution, **others: object) -> Template:
    return Template(
        id=UUID(int=number),
        number=number,
        name=name,
        resolution=resolution,
        **others,  # pyright: ignore[reportArgumentType]
    )


DEFAULTS: Final = (
    _built_in(1, "360P", Resolution.P360),
    _built_in(2, "480P", Resolution.P480),
    _built_in(3, "720P", Resolution.P720),
    _built_in(4, "1080P", Resolution.P1080),
    _built_in(5, "Origin", Resolution.ORIGIN),
)
"""What is made of every video, as far as its source reaches, unless a rule says otherwise."""

BUILT_IN: Final = (
    *DEFAULTS,
    _built_in(6, "240P", Resolution.P240),
    _built_in(7, "1440P", Resolution.P1440),
    _built_in(8, "2160P", Resolution.P2160),
    _built_in(9, "720P, high quality", Resolution.P720, quality=Quality.HIGH),
    _built_in(10, "1080P, high quality", Resolution.P1080, quality=Quality.HIGH),
    _built_in(11, "720P HEVC", Resolution.P720, codec=Codec.HEVC),
    _built_in(12, "1080P HEVC", Resolution.P1080, codec=Codec.HEVC),
    _built_in(13, "2160P HEVC", Resolution.P2160, codec=Codec.HEVC),
    _built_in(14, "720P AV1", Resolution.P720, codec=Codec.AV1),
    _built_in(15, "1080P AV1", Resolution.P1080, codec=Codec.AV1),
    _built_in(16, "360P, encrypted", Resolution.P360, encryption=Encryption.AES_128),
    _built_in(17, "480P, encrypted", Resolution.P480, encryption=Encryption.AES_128),
    _built_in(18, "720P, encrypted", Resolution.P720, encryption=Encryption.AES_128),
    _built_in(19, "1080P, encrypted", Resolution.P1080, encryption=Encryption.AES_128),
)
"""Templates that everybody has and nobody changes. Numbers are never used again."""


@dataclass(frozen=True, slots=True)
class Rendition:
    """What a template makes of one source: an encoded picture, in pixels and frames per second."""

    template: Template
    width: int
    height: int
    frame_rate: Fraction


def rendition(source: Source, template: Template) -> Rendition:
    """The picture that an encoding template makes of the source. Not for Origin."""
    width, height = ladder.target_size(source, template.resolution)
    rate = ladder.frame_rate(source, most=template.max_frame_rate)
    return Rendition(template, width, height, rate)


class SkipReason(StrEnum):
    """Why a template makes nothing of a source."""

    ABOVE_SOURCE = "above_source"
    """The source is smaller than the rung."""
    NOT_COPYABLE = "not_copyable"
    """Players could not show a copy of the source's streams."""
    ALREADY_THERE = "already_there"
    """The video has a play set of this template, or is getting one."""


@dataclass(frozen=True, slots=True)
class Skip:
    template: Template
    reason: SkipReason


def skip_reason(source: Source, template: Template) -> SkipReason | None:
    """Why the template makes nothing of the source; None when it makes a play set."""
    if template.resolution is Resolution.ORIGIN:
        return None if ladder.origin_possible(source) else SkipReason.NOT_COPYABLE
    return None if ladder.reaches(source, template.resolution) else SkipReason.ABOVE_SOURCE


def choose(source: Source, templates: Iterable[Template]) -> tuple[list[Template], list[Skip]]:
    """Which templates make a play set of the source, in their order, and why others do not."""
    chosen: list[Template] = []
    skipped: list[Skip] = []
    for template in templates:
        reason = skip_reason(source, template)
        if reason is None:
            chosen.append(template)
        else:
            skipped.append(Skip(template, reason))
    return chosen, skipped


def lowest_first(templates: Sequence[Template]) -> list[Template]:
    """Sorted by the size of their picture; Origin, whatever its size, is last."""
    order = list(Resolution)
    return sorted(templates, key=lambda one: (order.index(one.resolution), one.number))
