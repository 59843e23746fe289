"""What play sets will cost before they are made: bytes, processor time, and relative work. Pure.

Rough on purpose: a still lecture takes a fifth of the bytes of a football match. They are for
telling people what to expect, and for sharing the progress of a pass among its play sets.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from domain.media import Source
from domain.templates import CODEC_RATES, Codec, Quality, Rendition, Template, rendition
from domain.videos import Resolution

FULL_HD: Final = 1920 * 1080
FULL_HD_RATE: Final = 4_200_000
"""Bit/s of common video in H.264 at 1080p30, when the encoder takes little time."""

SIZE_EXPONENT: Final = 0.8
FRAME_EXPONENT: Final = 0.6
"""Larger pictures, and more of them, have less that is new in each pixel."""

HIGH_RATE: Final = 1.25
"""High quality aims at a picture so much larger than fast does."""

CAMERA_RATE: Final = 2.5
"""How much more a camera writes than we do: for a copy whose size is not known."""

COPIED_SOUND_RATE: Final = 160_000

CPU_S: Final = {
    (Codec.H264, Quality.FAST): 12.0,
    (Codec.H264, Quality.HIGH): 34.0,
    (Codec.HEVC, Quality.FAST): 30.0,
    (Codec.HEVC, Quality.HIGH): 48.0,
    (Codec.AV1, Quality.FAST): 26.0,
    (Codec.AV1, Quality.HIGH): 50.0,
}
"""Processor seconds for a thousand million pixels: of the encoder alone, without decoding.

Measured once, on one server processor of 2023, with grainy moving pictures of 360, 720 and
1080 lines, less what ffmpeg took without an encoder. Between the sizes it differs by a tenth;
only AV1 takes a third more at the smallest."""

DECODE_CPU_S: Final = 4.0
"""The same for decoding the source, whatever its codec, and scaling it."""

COPY_CPU_S: Final = 0.004
"""Processor seconds for a second of copied video."""


@dataclass(frozen=True, slots=True)
class Estimate:
    """What one play set takes, when it is made together with the others asked about."""

    bytes: int
    """Of its picture, and of its part of a sound that it shares."""
    cpu_s: float
    """Of its encoder, and its part of the decoding."""
    work: float
    """Its part of the whole, 0 to 1; all of them make 1."""


def estimate(
    source: Source, templates: Iterable[Template], *, file_size: int | None = None
) -> list[Estimate]:
    """An estimate for each template, in their order. Each has to fit the source.

    `file_size` is the source's, if known: a copy has about as many bytes.
    """
    wanted = list(templates)
    shares = Counter(one.sound.name for one in wanted)
    decoding = _decoding_cpu_s(source) / max(1, sum(map(_encoded, wanted)))
    costs = [_cpu_s(source, one) + (decoding if _encoded(one) else 0) for one in wanted]
    return [
        Estimate(
            bytes=_picture_bytes(source, one, file_size)
            + _sound_bytes(source, one) // shares[one.sound.name],
            cpu_s=cost,
            work=cost / sum(costs),
        )
        for one, cost in zip(wanted, costs, strict=True)
    ]


def picture_rate(picture: Rendition) -> int:
    """Bit/s that the picture of common video has, which is never above its ceiling."""
    template = picture.template
    rate = _common_rate(picture.width * picture.height, picture.frame_rate)
    rate *= float(CODEC_RATES[template.codec])
    rate *= HIGH_RATE if template.quality is Quality.HIGH else 1
    return min(round(rate), template.max_rate)


def _common_rate(pixels: int, frame_rate: Fraction) -> float:
    size = (pixels / FULL_HD) ** SIZE_EXPONENT
    return FULL_HD_RATE * size * float(frame_rate / 30) ** FRAME_EXPONENT


def _encoded(template: Template) -> bool:
    return template.resolution is not Resolution.ORIGIN


def _picture_bytes(source: Source, template: Template, file_size: int | None) -> int:
    if _encoded(template):
        return picture_rate(rendition(source, template)) * source.duration_ms // 8000
    if file_size is not None:
        return max(0, file_size - _sound_bytes(source, template))
    rate = CAMERA_RATE * _common_rate(source.width * source.height, source.frame_rate)
    return round(rate) * source.duration_ms // 8000


def _sound_bytes(source: Source, template: Template) -> int:
    if source.audio_codec is None:
        return 0
    return (template.sound.bitrate or COPIED_SOUND_RATE) * source.duration_ms // 8000


def _cpu_s(source: Source, template: Template) -> float:
    if not _encoded(template):
        return COPY_CPU_S * source.duration_ms / 1000
    picture = rendition(source, template)
    per_pixel = CPU_S[template.codec, template.quality] / 1e9
    pixels = picture.width * picture.height * float(picture.frame_rate)
    return per_pixel * pixels * source.duration_ms / 1000


def _decoding_cpu_s(source: Source) -> float:
    pixels = source.width * source.height * float(source.frame_rate)
    return DECODE_CPU_S / 1e9 * pixels * source.duration_ms / 1000
