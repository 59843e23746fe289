"""One pass of ffmpeg over a source, and what it made: tracks, poster and storyboard."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

from domain.errors import TranscodeFailed
from domain.media import Source
from domain.videos import Resolution, TranscodePass
from media import commands, hls, ladder, mp4
from media.process import Limits, Progress, ProgressCallback, run_ffmpeg

__all__ = ["Encoder", "Output", "Progress", "Storyboard", "Track"]

LEAST_OF_SOURCE: Final = 0.5
"""Part of the source's duration that a track must have, or the pass has failed."""

FILE_SIZE_SLACK: Final = 64 << 20


@dataclass(frozen=True, slots=True)
class Track:
    """One stream in one file, and its playlist. Sizes in bytes, bandwidths in bit/s.

    Only a picture has a size and a frame rate; only a sound has channels, if it names them.
    """

    name: str
    file: Path
    playlist: Path
    size: int
    duration_ms: int
    codecs: str
    bandwidth: int
    average_bandwidth: int
    width: int | None = None
    height: int | None = None
    frame_rate: Fraction | None = None
    channels: int | None = None


@dataclass(frozen=True, slots=True)
class Storyboard:
    """One image of tiles, row by row; sizes in pixels."""

    image: Path
    columns: int
    rows: int
    tile_width: int
    tile_height: int
    step_ms: int


@dataclass(frozen=True, slots=True)
class Output:
    """All of it is in the folder that the pass was given."""

    tracks: Sequence[Track]
    poster: Path | None
    storyboard: Storyboard | None
    log: str
    """The end of ffmpeg's own log."""
    warning: str | None
    """A sentence for the owner of the video, when it is not all that was hoped for."""


@dataclass(frozen=True, slots=True)
class Encoder:
    """Runs passes with one ffmpeg. `threads` is for each decoder and encoder; None: as many as
    the machine has."""

    ffmpeg: str
    threads: int | None = None

    async def run(
        self,
        kind: TranscodePass,
        source: Source,
        resolutions: Sequence[Resolution],
        input: Path,
        output: Path,
        on_progress: ProgressCallback,
    ) -> Output:
        """Make the tracks of a pass in the folder `output`, named after their resolutions.

        Raises TranscodeFailed when ffmpeg fails, or when what it made is not whole. A cancelled
        run leaves files that look complete: only what is returned may be published.
        """
        log = await run_ffmpeg(
            self.ffmpeg,
            self._arguments(kind, source, resolutions, input, output),
            duration_ms=source.duration_ms,
            on_progress=on_progress,
            limits=Limits.of(
                duration_ms=source.duration_ms,
                file_size=_largest_file(source, input.stat().st_size),
            ),
        )
        return await asyncio.to_thread(_collect, kind, source, resolutions, output, log)

    def _arguments(
        self,
        kind: TranscodePass,
        source: Source,
        resolutions: Sequence[Resolution],
        input: Path,
        output: Path,
    ) -> list[str]:
        match kind:
            case TranscodePass.ORIGIN:
                return commands.origin(source, input, output, threads=self.threads)
            case TranscodePass.FIRST_PLAY:
                return commands.first_play(source, input, output, threads=self.threads)
            case TranscodePass.LADDER:
                return commands.ladder(source, resolutions, input, output, threads=self.threads)


def _largest_file(source: Source, input_size: int) -> int:
    """Twice what the biggest track can have, in bytes: a copy, or the highest rung."""
    highest = max(commands.MAX_RATES.values()) * source.duration_ms // 8000
    return 2 * max(input_size, highest) + FILE_SIZE_SLACK


def _collect(
    kind: TranscodePass,
    source: Source,
    resolutions: Sequence[Resolution],
    output: Path,
    log: str,
) -> Output:
    try:
        pictures = [_picture(source, resolution, output) for resolution in resolutions]
        sounds = [_sound(name, output) for name in _sound_names(kind, source)]
        first_play = kind is TranscodePass.FIRST_PLAY
        return Output(
            tracks=[*pictures, *sounds],
            poster=_whole(output / commands.POSTER_FILE) if first_play else None,
            storyboard=_storyboard(source, output) if first_play else None,
            log=log,
            warning=_check_duration(pictures, source),
        )
    except (FileNotFoundError, hls.PlaylistBroken, mp4.NotUnderstood) as error:
        raise TranscodeFailed(f"What ffmpeg made cannot be used. {error}", log) from error


def _sound_names(kind: TranscodePass, source: Source) -> list[str]:
    if source.audio_codec is None or kind is TranscodePass.LADDER:
        return []
    return [commands.ORIGIN_SOUND if kind is TranscodePass.ORIGIN else commands.SOUND]


def _picture(source: Source, resolution: Resolution, output: Path) -> Track:
    origin = resolution is Resolution.ORIGIN
    return _track(
        resolution.value, output, source.frame_rate if origin else ladder.frame_rate(source)
    )
