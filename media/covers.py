"""Making the cover of a video: of a picture, or of a frame of the video itself.

Whatever it is made of is decoded and encoded again by ffmpeg, confined as for every upload, so
that nothing of a stranger's file is served but what it looks like.
"""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from domain import ladder
from domain.covers import LONG_SIDE
from domain.errors import TranscodeFailed
from domain.media import Source
from media import commands, cuts, pictures
from media.cuts import Cut
from media.passes import LEAD_S, MEMORY_PER_PIXEL, Encoder
from media.process import Limits, Progress, run_ffmpeg

FILE_SIZE: Final = 16 << 20
"""Bytes that a cover may have; it has a hundredth of that."""
PICTURE_S: Final = 60
"""How long the largest picture may take."""
MEMORY: Final = 3 << 30
"""Bytes of address space for any picture that is not too large."""
QUALITY: Final = "3"
MOST_MISSING_S: Final = 5
"""How much of a video's end may be without a picture of its own: as far back as we look for one."""

FIT: Final = (
    f"scale=w='min({LONG_SIDE},iw)':h='min({LONG_SIDE},ih)'"
    ":force_original_aspect_ratio=decrease:flags=bicubic"
)
ON_WHITE: Final = (
    "format=rgba,split[all][a]",
    "[a]drawbox=color=white:replace=1:t=fill[white]",
    "[white][all]overlay=format=auto",
)
"""What can be seen through becomes white, as JPEG has no such thing."""


async def of_picture(encoder: Encoder, input: Path, output: Path) -> Path:
    """Make a JPEG of a picture, upright, scaled down to 1920 pixels. Raises `MediaRefused`."""
    picture = await asyncio.to_thread(pictures.look, input)
    limits = Limits(wall_s=2 * PICTURE_S, cpu_s=PICTURE_S, file_size=FILE_SIZE, memory=MEMORY)
    command = picture_command(picture.demuxer, input, output, threads=encoder.threads)
    try:
        return await _make(encoder, command, input, output, limits)
    except TranscodeFailed as failure:
        raise pictures.damaged(str(failure)) from failure


async def of_frame(
    encoder: Encoder, source: Source, input: Path, output: Path, *, at_ms: int
) -> Path:
    """Make a JPEG of what a video shows at a moment. Raises `TranscodeFailed`."""
    cut = Cut(input, source, at_ms, at_ms + 1)
    pixels = source.width * source.height
    limits = Limits(
        wall_s=PICTURE_S + 2 * LEAD_S,
        cpu_s=PICTURE_S + LEAD_S,
        file_size=FILE_SIZE,
        memory=(4 << 30) + MEMORY_PER_PIXEL * pixels,
    )
    command = frame_command(cut, output, threads=encoder.threads)
    return await _make(encoder, command, input, output, limits)


def picture_command(
    demuxer: str, input: Path, output: Path, *, threads: int | None = None
) -> list[str]:
    """Arguments of ffmpeg for a picture, which this demuxer of its reads."""
    filters = ",".join((FIT, ";".join(ON_WHITE), commands.SQUARE_420))
    return [
        *("-protocol_whitelist", "file", "-format_whitelist", demuxer),
        *("-max_pixels", str(commands.MAX_PIXELS)),
        *([] if threads is None else ["-threads", str(threads)]),
        *("-f", demuxer, "-i", f"file:{input}"),
        *("-map", "0:v:0", "-vf", filters, *_jpeg(output)),
    ]


def frame_command(cut: Cut, output: Path, *, threads: int | None = None) -> list[str]:
    """Arguments of ffmpeg for the frame that is shown when a part of a video begins."""
    return [
        *cuts.reading(cut, threads),
        *("-map", "0:V:0", "-vf", ",".join(_of_frame(cut)), *_jpeg(output)),
    ]


def _of_frame(cut: Cut) -> Sequence[str]:
    long_side = max(ladder.display_size(cut.source))
    short_side = min(ladder.display_size(cut.source)) * LONG_SIDE // max(LONG_SIDE, long_side)
    return (
        *commands.deinterlaced(cut.source),
        # What is shown when a video ends is its last picture.
        f"tpad=stop_mode=clone:stop_duration={MOST_MISSING_S}",
        *cuts.from_zero(cut, ladder.frame_rate(cut.source)),
        "trim=end_frame=1",
        commands.scale(ladder.fit(cut.source, max(2, short_side))),
        *(commands.TO_SDR if cut.source.hdr else ()),
        commands.SQUARE_420,
    )


def _jpeg(output: Path) -> tuple[str, ...]:
    return (
        *("-map_metadata", "-1", "-c:v", "mjpeg", "-q:v", QUALITY),
        *("-frames:v", "1", "-update", "1", "-f", "image2", str(output)),
    )


async def _make(
    encoder: Encoder, command: list[str], input: Path, output: Path, limits: Limits
) -> Path:
    log = await run_ffmpeg(
        encoder.ffmpeg,
        command,
        reads=[input],
        writes=[output.parent],
        duration_ms=1_000,  # nobody wants to know how far it is
        on_progress=_ignored,
        limits=limits,
    )
    if not await asyncio.to_thread(_is_made, output):
        raise TranscodeFailed("There was no picture to make the cover of.", log)
    return output


def _is_made(output: Path) -> bool:
    return output.is_file() and not output.is_symlink()


def _ignored(_progress: Progress) -> None:
    """A cover takes a moment."""
