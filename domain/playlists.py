"""The playlists we write for players: the HLS master (RFC 8216) and the storyboard (WebVTT)."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction


@dataclass(frozen=True, slots=True)
class AudioRendition:
    """Sound that variants share. Bandwidths in bit/s, of the sound alone."""

    group: str
    uri: str
    codecs: str
    bandwidth: int
    average_bandwidth: int
    channels: int | None = None


@dataclass(frozen=True, slots=True)
class Variant:
    """One rung. Codecs and bandwidths (bit/s) are of the picture alone."""

    name: str
    uri: str
    width: int
    height: int
    frame_rate: Fraction
    codecs: str
    bandwidth: int
    average_bandwidth: int
    audio: AudioRendition | None


def master(variants: Sequence[Variant]) -> str:
    """Write the master playlist. The result depends on the set of variants, not on its order.

    The variant of the lowest bandwidth comes first. Players start with the first one before
    they have measured anything: it shows a picture soonest, and a fast network leaves it
    within one segment.
    """
    ordered = sorted(variants, key=lambda variant: (variant.bandwidth, variant.name))
    lines = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-INDEPENDENT-SEGMENTS"]
    lines += map(_media, _groups(ordered))
    for variant in ordered:
        lines += [_stream_inf(variant), variant.uri]
    return "\n".join([*lines, ""])


def storyboard(  # noqa: PLR0917 - seven different things, each needed
    duration_ms: int,
    step_ms: int,
    columns: int,
    rows: int,
    tile_width: int,
    tile_height: int,
    uri: str,
) -> str:
    """Write WebVTT whose cues name the tiles of one image, row by row, one for each step.

    The last cue ends with the video. Tiles beyond the end of the video get no cue.
    """
    tiles = min(columns * rows, math.ceil(duration_ms / step_ms))
    lines = ["WEBVTT", ""]
    for tile in range(tiles):
        end_ms = duration_ms if tile == tiles - 1 else (tile + 1) * step_ms
        x, y = tile % columns * tile_width, tile // columns * tile_height
        lines += [
            f"{_time(tile * step_ms)} --> {_time(end_ms)}",
            f"{uri}#xywh={x},{y},{tile_width},{tile_height}",
            "",
        ]
    return "\n".join(lines)


def _groups(variants: Iterable[Variant]) -> Iterable[AudioRendition]:
    """Give each audio group once, in the order of the variants."""
    return {v.audio.group: v.audio for v in variants if v.audio is not None}.values()


def _media(audio: AudioRendition) -> str:
    attributes = {
        "TYPE": "AUDIO",
        "GROUP-ID": f'"{audio.group}"',
        "NAME": f'"{audio.group}"',
        "DEFAULT": "YES",
        "AUTOSELECT": "YES",
        "CHANNELS": None if audio.channels is None else f'"{audio.channels}"',
        "URI": f'"{audio.uri}"',
    }
    return f"#EXT-X-MEDIA:{_attributes(attributes)}"


def _stream_inf(variant: Variant) -> str:
    audio = variant.audio
    parts = [variant] if audio is None else [variant, audio]
    attributes = {
        # RFC 8216, 4.3.4.2: of every rendition that plays together.
        "BANDWIDTH": str(sum(part.bandwidth for part in parts)),
        "AVERAGE-BANDWIDTH": str(sum(part.average_bandwidth for part in parts)),
        "CODECS": f'"{",".join(part.codecs for part in parts)}"',
        "RESOLUTION": f"{variant.width}x{variant.height}",
        "FRAME-RATE": f"{float(variant.frame_rate):.3f}",
        "AUDIO": None if audio is None else f'"{audio.group}"',
    }
    return f"#EXT-X-STREAM-INF:{_attributes(attributes)}"


def _attributes(attributes: dict[str, str | None]) -> str:
    return ",".join(f"{name}={value}" for name, value in attributes.items() if value is not None)


def _time(milliseconds: int) -> str:
    seconds, thousandths = divmod(milliseconds, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{seconds:02}.{thousandths:03}"
