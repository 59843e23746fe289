"""ffmpeg's arguments for one encoded picture, by codec and quality. Pure.

Whatever the codec, each picture has a keyframe every so many frames and nowhere else, and no
frame refers to one before the last keyframe: so players can switch between any two.
"""

from dataclasses import dataclass
from typing import Final

from domain import ladder
from domain.templates import Codec, Quality, Rendition


@dataclass(frozen=True, slots=True)
class Setting:
    """An encoder, how much time it takes, and the quality that it aims at (lower is better)."""

    encoder: str
    preset: str
    crf: int


SETTINGS: Final = {
    (Codec.H264, Quality.FAST): Setting("libx264", "veryfast", 23),
    (Codec.H264, Quality.HIGH): Setting("libx264", "medium", 21),
    (Codec.HEVC, Quality.FAST): Setting("libx265", "veryfast", 26),
    (Codec.HEVC, Quality.HIGH): Setting("libx265", "medium", 24),
    (Codec.AV1, Quality.FAST): Setting("libsvtav1", "8", 35),
    (Codec.AV1, Quality.HIGH): Setting("libsvtav1", "6", 31),
}


def arguments(index: int, rendition: Rendition, *, threads: int | None = None) -> list[str]:
    """Encode the picture stream `index` of an output as this rendition."""
    template = rendition.template
    setting = SETTINGS[template.codec, template.quality]
    gop = str(ladder.gop(rendition.frame_rate))
    options = {
        "c": setting.encoder,
        "preset": setting.preset,
        "crf": str(setting.crf),
        "g": gop,
        "keyint_min": gop,
        "maxrate": str(template.max_rate),
        "bufsize": str(2 * template.max_rate),
        **({} if threads is None else {"threads": str(threads)}),
        **_own(template.codec, threads),
    }
    return [word for name, value in options.items() for word in (f"-{name}:v:{index}", value)]


def _own(codec: Codec, threads: int | None) -> dict[str, str]:
    match codec:
        case Codec.H264:
            return {"profile": "high", "sc_threshold": "0"}
        case Codec.HEVC:
            pools = "" if threads is None else f":pools={threads}"
            # Without `info=0` the header would repeat all the encoder's options.
            words = f"scenecut=0:open-gop=0:info=0:log-level=error{pools}"
            # The other tag, hev1, is what Apple's players refuse.
            return {"tag": "hvc1", "profile": "main", "x265-params": words}
        case Codec.AV1:
            return {"svtav1-params": "scd=0"}
