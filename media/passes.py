"""One pass of ffmpeg over a source, and what it made: tracks, poster and storyboard."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

from domain import ladder
from domain.errors import TranscodeFailed
from domain.media import Source
from domain.videos import Resolution, TranscodePass
from media import commands, hls, mp4
from media.process import Limits, Progress, ProgressCallback, run_ffmpeg

__all__ = ["Encoder", "Output", "Progress", "Storyboard", "Track"]

LEAST_OF_SOURCE: Final = 0.5
"""Part of the source's duration that a track must have, or the pass has failed."""

TOLERATED_MS: Final = 1000
TOLERATED_PART: Final = 0.02
"""What a track may lack without a warning: this many milliseconds, or this part of the source."""

FILE_SIZE_SLACK: Final = 64 << 20


class Unusable(Exception):
    """What ffmpeg made is not whole, although it reported success."""


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
    """Runs passes with one ffmpeg."""

    ffmpeg: str
    threads: int | None = None
    """For each decoder and each encoder; None lets ffmpeg choose."""

    async def run(  # noqa: PLR0917 - one call, in the order of the sentence
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
        file = await asyncio.to_thread(input.stat)
        log = await run_ffmpeg(
            self.ffmpeg,
            self._arguments(kind, source, resolutions, input, output),
            reads=[input],
            writes=[output],
            duration_ms=source.duration_ms,
            on_progress=on_progress,
            limits=Limits.of(
                duration_ms=source.duration_ms,
                file_size=_largest_file(source, file.st_size),
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
    first_play = kind is TranscodePass.FIRST_PLAY
    try:
        pictures = [_picture(source, resolution, output) for resolution in resolutions]
        sounds = [_track(name, output, None) for name in _sounds(kind, source)]
        warning = _check_duration(pictures, source)
        return Output(
            tracks=[*pictures, *sounds],
            poster=_made(output / commands.POSTER_FILE) if first_play else None,
            storyboard=_storyboard(source, output) if first_play else None,
            log=log,
            warning=warning,
        )
    except (Unusable, hls.PlaylistBroken, mp4.NotUnderstood) as error:
        raise TranscodeFailed(f"What ffmpeg made cannot be used. {error}", log) from error


def _sounds(kind: TranscodePass, source: Source) -> list[str]:
    if source.audio_codec is None or kind is TranscodePass.LADDER:
        return []
    return [commands.ORIGIN_SOUND if kind is TranscodePass.ORIGIN else commands.SOUND]


def _picture(source: Source, resolution: Resolution, output: Path) -> Track:
    copied = resolution is Resolution.ORIGIN
    frame_rate = source.frame_rate if copied else ladder.frame_rate(source)
    return _track(resolution.value, output, frame_rate)


def _track(name: str, output: Path, frame_rate: Fraction | None) -> Track:
    """Check a track and write its playlist anew. Only a picture has a frame rate."""
    path = output / f"{name}.m3u8"
    playlist = hls.without_stub(hls.parse(_made(path).read_text()))
    file = _made(output / playlist.uri)
    if file.stat().st_size != playlist.size:
        raise Unusable(f"{file.name} is not of the size that its playlist says.")
    with file.open("rb") as opened:
        header = mp4.read_header(opened.read(playlist.header_size))
    path.write_text(hls.render(playlist))
    picture = header if isinstance(header, mp4.Picture) else None
    return Track(
        name=name,
        file=file,
        playlist=path,
        size=playlist.size,
        duration_ms=round(playlist.duration_us / 1000),
        codecs=header.codecs,
        bandwidth=hls.peak_bandwidth(playlist),
        average_bandwidth=hls.average_bandwidth(playlist),
        width=picture and picture.width,
        height=picture and picture.height,
        frame_rate=frame_rate,
        channels=header.channels if isinstance(header, mp4.Sound) else None,
    )


def _check_duration(pictures: Sequence[Track], source: Source) -> str | None:
    """Compare with what the probe promised: ffmpeg ends a cut file early without complaint.

    Returns a sentence when a little is missing.
    """
    made_ms = min(track.duration_ms for track in pictures)
    missing_ms = source.duration_ms - made_ms
    sentence = (
        f"Only {made_ms / 1000:.1f} of {source.duration_ms / 1000:.1f} seconds have a picture; "
        "the file may be cut or damaged."
    )
    if made_ms < source.duration_ms * LEAST_OF_SOURCE:
        raise Unusable(sentence)
    if missing_ms > TOLERATED_MS and missing_ms > source.duration_ms * TOLERATED_PART:
        return sentence
    return None


def _storyboard(source: Source, output: Path) -> Storyboard:
    grid = commands.grid(source.duration_ms)
    return Storyboard(
        image=_made(output / commands.STORYBOARD_FILE),
        columns=grid.columns,
        rows=grid.rows,
        tile_width=grid.tile_width,
        tile_height=grid.tile_height,
        step_ms=grid.step_ms,
    )


def _made(file: Path) -> Path:
    if not file.is_file():
        raise Unusable(f"There is no {file.name}.")
    return file
