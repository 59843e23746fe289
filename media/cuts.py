"""Parts of videos, joined into one file: the plan of the new picture, and ffmpeg's arguments.

Parts begin and end with whole frames of their sources, and the new video has exactly as many
frames as they last. That takes an encode: copies can begin only with keyframes. Pure.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

from domain import ladder
from domain.media import Source
from media import commands

CRF: Final = 20
SOUND_BITRATE: Final = 192_000
SAMPLE_RATE: Final = 48_000

BITS_PER_PIXEL: Final = Fraction(3, 10)
"""Ceiling of the picture's rate: about twice what films need at this quality."""

MIN_RATE: Final = 2_000_000

INDEXED: Final = ("mov", "matroska", "avi")
"""Containers in which ffmpeg finds the keyframe before any time of decoding."""

INDEXED_LEAD: Final = Fraction(5)
LEAD: Final = Fraction(20)
"""Seconds to begin reading before a part. Even with an index, as the time of decoding is early
where pictures come rarely; and without one it may land anywhere: a keyframe comes within."""

PART_THREADS: Final = 4
"""For each part's decoder, where ffmpeg may choose: all are open, and one at a time works."""

MOST_MISSING_S: Final = 1
"""How much of a part's end may be without a picture of its own: the last one stays."""


@dataclass(frozen=True, slots=True)
class Cut:
    """One part of a source, in milliseconds from its start; it ends before `end_ms`."""

    input: Path
    source: Source
    start_ms: int
    end_ms: int


@dataclass(frozen=True, slots=True)
class Canvas:
    """The picture of the new video: its pixels, frames per second, and whether it has sound."""

    width: int
    height: int
    frame_rate: Fraction
    sound: bool

    @property
    def max_rate(self) -> int:
        """Ceiling of the picture's bandwidth, bit/s."""
        pixels = self.width * self.height * self.frame_rate
        return max(MIN_RATE, math.ceil(pixels * BITS_PER_PIXEL))

    def frames(self, one: Cut) -> int:
        """How many frames a part has in the new video; at least one."""
        first, end = (_frame(one.source, at) for at in (one.start_ms, one.end_ms))
        return max(1, round((end - first) / one.source.frame_rate * self.frame_rate))


def canvas(cuts: Sequence[Cut]) -> Canvas:
    """As large as the first source, as smooth as the smoothest, and silent if all are."""
    first = cuts[0].source
    width, height = ladder.fit(first, min(ladder.display_size(first)))
    return Canvas(
        width,
        height,
        frame_rate=max(ladder.frame_rate(one.source) for one in cuts),
        sound=any(one.source.audio_codec is not None for one in cuts),
    )


def duration_ms(cuts: Sequence[Cut]) -> int:
    whole = canvas(cuts)
    return round(sum(whole.frames(one) for one in cuts) / whole.frame_rate * 1000)


def command(cuts: Sequence[Cut], output: Path, *, threads: int | None = None) -> list[str]:
    """Make one MP4 file of all parts, in their order."""
    whole = canvas(cuts)
    return [
        *(word for one in cuts for word in reading(one, threads)),
        *("-filter_complex", _graph(cuts, whole)),
        *("-map", "[v]", *_video(whole, threads)),
        *(("-map", "[a]", *_audio()) if whole.sound else ()),
        *commands.NO_METADATA,
        *("-f", "mp4", "-movflags", "+faststart", "-y", str(output)),
    ]


def reading(one: Cut, threads: int | None) -> list[str]:
    """Open a part's source a little before the part begins."""
    seek_s = _start_s(one) - _lead_s(one)
    # The picture that is shown when the part begins may have begun long before, where frames
    # come at no constant rate. So ffmpeg shall not drop what it decodes on the way there. At
    # the start there is no need to seek, which from there can go forwards.
    seek = ("-noaccurate_seek", "-ss", f"{float(seek_s):.6f}") if seek_s else ()
    return commands.reading(one.input, *seek, threads=threads or PART_THREADS)


def _start_s(one: Cut) -> Fraction:
    return _frame(one.source, one.start_ms) / one.source.frame_rate


def _lead_s(one: Cut) -> Fraction:
    indexed = one.source.container.split(",")[0] in INDEXED
    return min(INDEXED_LEAD if indexed else LEAD, _start_s(one))


def _graph(cuts: Sequence[Cut], whole: Canvas) -> str:
    parts = [
        chain
        for i, one in enumerate(cuts)
        for chain in (_picture(i, one, whole), *((_sound(i, one, whole),) if whole.sound else ()))
    ]
    pads = "".join(f"[v{i}][a{i}]" if whole.sound else f"[v{i}]" for i in range(len(cuts)))
    joined = f"concat=n={len(cuts)}:v=1:a={int(whole.sound)}[v]{'[a]' if whole.sound else ''}"
    return ";".join((*parts, f"{pads}{joined}"))


def _picture(index: int, one: Cut, whole: Canvas) -> str:
    return f"[{index}:V:0]" + ",".join(
        (
            *commands.deinterlaced(one.source),
            *from_zero(one, whole.frame_rate),
            f"tpad=stop_mode=clone:stop_duration={MOST_MISSING_S}",
            f"trim=end_frame={whole.frames(one)}",
            *_fit(one.source, whole),
            *(commands.TO_SDR if one.source.hdr else ()),
            commands.SQUARE_420,
            f"setpts=PTS-STARTPTS[v{index}]",
        )
    )


def from_zero(one: Cut, frame_rate: Fraction) -> tuple[str, str]:
    """Filters that shift a part to time 0, and begin with the frame that is shown then."""
    # The times of frames are rounded, to either side: a quarter of a frame later, each is
    # surely in its own place.
    early_s = _lead_s(one) - 1 / (4 * one.source.frame_rate)
    return (
        f"setpts=PTS-({commands.ratio(early_s)})/TB",
        f"fps={commands.ratio(frame_rate)}:start_time=0:round=down",
    )


def _fit(source: Source, whole: Canvas) -> tuple[str, ...]:
    """As large as it goes into the canvas, with black beside it."""
    inner = ladder.fit_into(source, whole.width, whole.height)
    if inner == (whole.width, whole.height):
        return (commands.scale(inner),)
    return commands.scale(inner), f"pad={whole.width}:{whole.height}:-1:-1"


def _sound(index: int, one: Cut, whole: Canvas) -> str:
    """Exactly as long as the picture: silence where the source has none."""
    samples = round(whole.frames(one) / whole.frame_rate * SAMPLE_RATE)
    if one.source.audio_codec is None:
        return f"anullsrc=r={SAMPLE_RATE}:cl=stereo,atrim=end_sample={samples}[a{index}]"
    return f"[{index}:a:0]" + ",".join(
        (
            f"asetpts=PTS-({commands.ratio(_lead_s(one))})/TB",
            f"aresample={SAMPLE_RATE}:async=1:first_pts=0",
            "aformat=channel_layouts=stereo",
            "apad",
            f"atrim=end_sample={samples}",
            f"asetpts=PTS-STARTPTS[a{index}]",
        )
    )


def _video(whole: Canvas, threads: int | None) -> list[str]:
    return [
        *("-c:v", "libx264", "-profile:v", "high", "-preset", "veryfast", "-crf", str(CRF)),
        *("-maxrate", str(whole.max_rate), "-bufsize", str(2 * whole.max_rate)),
        *([] if threads is None else ["-threads:v", str(threads)]),
    ]


def _audio() -> tuple[str, ...]:
    return ("-c:a", "aac", "-b:a", str(SOUND_BITRATE), "-ac", "2")


def _frame(source: Source, at_ms: int) -> int:
    """The frame that begins nearest to that time: milliseconds cannot say it exactly."""
    return round(at_ms * source.frame_rate / 1000)
