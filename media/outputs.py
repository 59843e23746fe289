"""What a pass of ffmpeg made: checked, described, and encrypted where that is wanted."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

from domain.errors import TranscodeFailed
from domain.media import Source
from domain.passes import Pass
from domain.templates import Encryption, Template, rendition
from domain.videos import Resolution
from media import commands, encryption, hls, mp4
from media.encryption import SegmentKey

LEAST_OF_SOURCE: Final = 0.5
"""Part of the source's duration that a track must have, or the pass has failed."""

TOLERATED_MS: Final = 1000
TOLERATED_PART: Final = 0.02
"""What a track may lack without a warning: this many milliseconds, or this part of the source."""


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
    encrypted: bool = False
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
    """A picture for each template, then the sounds."""
    poster: Path | None
    storyboard: Storyboard | None
    log: str
    """The end of ffmpeg's own log."""
    warning: str | None
    """A sentence for the owner of the video, when it is not all that was hoped for."""


def collect(one: Pass, source: Source, output: Path, *, key: SegmentKey | None, log: str) -> Output:
    """Check and finish what the pass left in the folder. Blocks: it may encrypt all of it.

    Raises TranscodeFailed, with that log, when it is not whole.
    """
    try:
        pictures = [
            _track(
                template.track,
                output,
                key=_key_for(template.encryption, key),
                frame_rate=_frame_rate(source, template),
            )
            for template in one.templates
        ]
        sounds = [
            _track(sound.name, output, key=_key_for(sound.encryption, key)) for sound in one.sounds
        ]
        return Output(
            tracks=[*pictures, *sounds],
            poster=_made(output / commands.POSTER_FILE) if one.pictures else None,
            storyboard=_storyboard(source, output) if one.pictures else None,
            log=log,
            warning=_check_duration(pictures, source),
        )
    except (Unusable, hls.PlaylistBroken, mp4.NotUnderstood) as error:
        raise TranscodeFailed(f"What ffmpeg made cannot be used. {error}", log) from error


def _key_for(wanted: Encryption, key: SegmentKey | None) -> SegmentKey | None:
    if wanted is Encryption.NONE:
        return None
    if key is None:
        raise ValueError("an encrypted track needs a key")
    return key


def _frame_rate(source: Source, template: Template) -> Fraction:
    copied = template.resolution is Resolution.ORIGIN
    return source.frame_rate if copied else rendition(source, template).frame_rate


def _track(
    name: str, output: Path, *, key: SegmentKey | None, frame_rate: Fraction | None = None
) -> Track:
    """Check a track, encrypt it, and write its playlist anew. Only a picture has a frame rate."""
    path = output / f"{name}.m3u8"
    playlist = hls.without_stub(hls.parse(_made(path).read_text()))
    if playlist.uri != f"{name}.mp4":  # what ffmpeg wrote may be what a stranger's file wanted
        raise Unusable(f"The playlist of {name} names another file.")
    file = _made(output / playlist.uri)
    if file.stat().st_size != playlist.size:
        raise Unusable(f"{file.name} is not of the size that its playlist says.")
    with file.open("rb") as opened:
        header = mp4.read_header(opened.read(playlist.header_size))
    if key is not None:
        playlist = encryption.encrypt(file, playlist, key)
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
        encrypted=key is not None,
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
    sentence = too_short(made_ms, source.duration_ms)
    if made_ms < source.duration_ms * LEAST_OF_SOURCE:
        raise Unusable(sentence)
    if missing_ms > TOLERATED_MS and missing_ms > source.duration_ms * TOLERATED_PART:
        return sentence
    return None


def too_short(made_ms: int, wanted_ms: int) -> str:
    return (
        f"Only {made_ms / 1000:.1f} of {wanted_ms / 1000:.1f} seconds have a picture; "
        "the file may be cut or damaged."
    )


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
    if file.is_symlink() or not file.is_file():
        raise Unusable(f"There is no {file.name}.")
    return file
