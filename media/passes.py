"""Runs of ffmpeg over uploads: passes, which make play sets, and cuts, which make new files."""

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final, ParamSpec, TypeVar

from domain import estimates
from domain.errors import TranscodeFailed
from domain.media import Source
from domain.passes import Pass
from domain.templates import Template, rendition
from domain.videos import Resolution
from media import commands, mp4, outputs
from media import cuts as joining
from media.cuts import Canvas, Cut
from media.encryption import SegmentKey
from media.outputs import Output, Storyboard, Track
from media.process import Limits, Progress, ProgressCallback, run_ffmpeg

__all__ = ["Encoder", "Output", "Progress", "Storyboard", "Track"]

FILE_SIZE_SLACK: Final = 64 << 20

MEMORY_PER_PIXEL: Final = 450
"""Bytes of address space that a codec takes for each pixel of its picture, on 16 processors."""

INPUT_MEMORY: Final = 64 << 20
"""Bytes of address space for each file that is read: mostly the stacks of its threads."""

PATIENCE: Final = 10
"""How many times as long as estimated a run may take."""

LEAD_S: Final = 300
"""How long the way to the start of a part may take."""

TEST_RATE: Final = 40_000_000
"""Far above what a test source has, bit/s."""

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Encoder:
    """Runs passes with one ffmpeg."""

    ffmpeg: str
    threads: int | None = None
    """For each decoder and each encoder; None lets ffmpeg choose."""

    async def run(
        self,
        one: Pass,
        source: Source,
        input: Path,
        output: Path,
        on_progress: ProgressCallback,
        *,
        key: SegmentKey | None = None,
        pace: float | None = None,
    ) -> Output:
        """Make the tracks of a pass in the folder `output`, named after templates and sounds.

        `key` encrypts those that are to be encrypted. `pace` holds ffmpeg back to so many
        seconds of video per second. Raises TranscodeFailed when ffmpeg fails, or when what it
        made is not whole. A cancelled run leaves files that look complete: only what is
        returned may be published.
        """
        if one.encrypted and key is None:
            raise ValueError("a pass with encrypted tracks needs a key")
        file = await asyncio.to_thread(input.stat)
        log = await run_ffmpeg(
            self.ffmpeg,
            self.command(one, source, input, output, pace=pace),
            reads=[input],
            writes=[output],
            duration_ms=source.duration_ms,
            on_progress=on_progress,
            limits=_pass_limits(one, source, file.st_size, pace=pace),
        )
        return await _to_the_end(outputs.collect, one, source, output, key=key, log=log)

    def command(
        self, one: Pass, source: Source, input: Path, output: Path, *, pace: float | None = None
    ) -> list[str]:
        """Arguments of ffmpeg for a pass, as `run` gives them."""
        return commands.of_pass(one, source, input, output, threads=self.threads, pace=pace)

    async def cut(self, cuts: Sequence[Cut], output: Path, on_progress: ProgressCallback) -> Path:
        """Join parts of videos into one MP4 file, frame by frame. Raises TranscodeFailed.

        There must be a part, and each must begin before its source ends.
        """
        whole, wanted_ms = joining.canvas(cuts), joining.duration_ms(cuts)
        log = await run_ffmpeg(
            self.ffmpeg,
            joining.command(cuts, output, threads=self.threads),
            reads=[one.input for one in cuts],
            writes=[output.parent],
            duration_ms=wanted_ms,
            on_progress=on_progress,
            limits=_cut_limits(cuts, whole),
        )
        made = await asyncio.to_thread(_count_frames, output, log)
        if made < sum(whole.frames(one) for one in cuts):
            made_ms = round(made / whole.frame_rate * 1000)
            raise TranscodeFailed(outputs.too_short(made_ms, wanted_ms), log)
        return output

    async def test_source(
        self,
        duration_ms: int,
        output: Path,
        on_progress: ProgressCallback,
        *,
        pace: float | None,
    ) -> Path:
        """Make an MP4 file of 720p with sound, that lasts so long, of no file at all."""
        size = TEST_RATE * duration_ms // 8000 + FILE_SIZE_SLACK
        limits = Limits.of(duration_ms=duration_ms, file_size=size)
        await run_ffmpeg(
            self.ffmpeg,
            commands.generate(duration_ms, output, pace=pace),
            reads=[],
            writes=[output.parent],
            duration_ms=duration_ms,
            on_progress=on_progress,
            limits=_at_least(limits, wall_s=_paced_s(duration_ms, pace)),
        )
        return output


def _pass_limits(one: Pass, source: Source, input_size: int, *, pace: float | None) -> Limits:
    """Far more than it should take: they end a run that went wrong, not one that is slow."""
    encoded = [each for each in one.templates if each.resolution is not Resolution.ORIGIN]
    highest = max((each.max_rate for each in encoded), default=0) * source.duration_ms // 8000
    size = 2 * max(input_size, highest) + FILE_SIZE_SLACK
    work_s = PATIENCE * sum(each.cpu_s for each in estimates.estimate(source, one.templates))
    return _at_least(
        Limits.of(duration_ms=source.duration_ms, file_size=size),
        wall_s=max(work_s, _paced_s(source.duration_ms, pace)),
        cpu_s=work_s,
        memory=sum(_encoder_memory(source, each) for each in encoded),
    )


def _encoder_memory(source: Source, template: Template) -> int:
    picture = rendition(source, template)
    return MEMORY_PER_PIXEL * picture.width * picture.height


def _cut_limits(cuts: Sequence[Cut], whole: Canvas) -> Limits:
    lasts_ms = joining.duration_ms(cuts)
    limits = Limits.of(
        duration_ms=lasts_ms, file_size=2 * whole.max_rate * lasts_ms // 8000 + FILE_SIZE_SLACK
    )
    # On the way to each part may be many seconds of its source, from the last keyframe on.
    lead_s = LEAD_S * len(cuts)
    pixels = sum(one.source.width * one.source.height for one in cuts)
    return _at_least(
        limits,
        wall_s=limits.wall_s + lead_s,
        cpu_s=limits.cpu_s + lead_s,
        memory=INPUT_MEMORY * len(cuts) + MEMORY_PER_PIXEL * pixels,
    )


def _at_least(limits: Limits, *, wall_s: float, cpu_s: float = 0, memory: int = 0) -> Limits:
    """Limits that leave so much time, and so much memory beyond what any run needs."""
    return replace(
        limits,
        wall_s=max(limits.wall_s, wall_s),
        cpu_s=max(limits.cpu_s, math.ceil(cpu_s)),
        memory=limits.memory + memory,
    )


def _paced_s(duration_ms: int, pace: float | None) -> float:
    return 0 if pace is None else 60 + 2 * duration_ms / 1000 / pace


def _count_frames(file: Path, log: str) -> int:
    try:
        with file.open("rb") as opened:
            return mp4.count_samples(mp4.find_header(opened))
    except (OSError, mp4.NotUnderstood) as error:
        raise TranscodeFailed(f"What ffmpeg made cannot be used. {error}", log) from error


async def _to_the_end(work: Callable[P, T], *arguments: P.args, **named: P.kwargs) -> T:
    """Work in a thread. A cancellation waits for its end: its folder is removed next."""
    working = asyncio.ensure_future(asyncio.to_thread(work, *arguments, **named))
    try:
        return await asyncio.shield(working)
    except asyncio.CancelledError:
        await asyncio.wait({working})
        raise
