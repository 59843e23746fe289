"""Media playlists: reading ffmpeg's, measuring its bandwidth, writing ours (RFC 8216). Pure."""

import math
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

INIT: Final = re.compile(r'#EXT-X-MAP:URI="([^"]+)",BYTERANGE="(\d+)@(\d+)"')
DURATION: Final = re.compile(r"#EXTINF:(\d+)(?:\.(\d{1,6}))?\d*,.*")
BYTERANGE: Final = re.compile(r"#EXT-X-BYTERANGE:(\d+)@(\d+)")
KEY: Final = re.compile(r'#EXT-X-KEY:METHOD=AES-128,URI="([^"]+)"')

STUB_US: Final = 500_000


class PlaylistBroken(ValueError):
    """The playlist is not of one whole file: unfinished, or its ranges do not fill it."""


@dataclass(frozen=True, slots=True)
class Segment:
    duration_us: int
    offset: int
    size: int


@dataclass(frozen=True, slots=True)
class MediaPlaylist:
    """A track in one file: the header, then all segments, without a gap."""

    uri: str
    header_size: int
    segments: tuple[Segment, ...]
    key_uri: str | None = None
    """Where players get the key of all segments; None when they are clear."""

    @property
    def duration_us(self) -> int:
        return sum(segment.duration_us for segment in self.segments)

    @property
    def size(self) -> int:
        """Bytes of the file, if it is what this playlist says."""
        return self.header_size + sum(segment.size for segment in self.segments)

    @property
    def target_duration_s(self) -> int:
        """RFC 8216, 4.3.3.1: no segment, rounded to the nearest second, is longer."""
        longest_us = max(segment.duration_us for segment in self.segments)
        return max(1, math.floor(longest_us / 1_000_000 + 0.5))


def parse(text: str) -> MediaPlaylist:
    """Read a single-file playlist as ffmpeg or `render` writes it. Raises PlaylistBroken."""
    lines = text.split()
    header = INIT.search(text)
    if header is None or header[3] != "0":
        raise PlaylistBroken("The playlist names no header at the start of the file.")
    if lines[-1] != "#EXT-X-ENDLIST":
        raise PlaylistBroken("The playlist is unfinished.")
    durations, places = list(DURATION.finditer(text)), list(BYTERANGE.finditer(text))
    if len(durations) != len(places):
        raise PlaylistBroken(f"{len(durations)} segments have {len(places)} places in the file.")
    segments = tuple(
        Segment(_microseconds(duration), offset=int(place[2]), size=int(place[1]))
        for duration, place in zip(durations, places, strict=True)
    )
    key = KEY.search(text)
    playlist = MediaPlaylist(header[1], int(header[2]), segments, key_uri=key and key[1])
    _check(playlist)
    return playlist


def without_stub(playlist: MediaPlaylist) -> MediaPlaylist:
    """Join a last segment of almost nothing to the one before it.

    Sound is cut by its own frames, so a whole number of segments of video leaves some
    milliseconds of sound over. Once the picture is at its end, players do not fetch them, and
    wait for them for ever.
    """
    if len(playlist.segments) == 1 or playlist.segments[-1].duration_us >= STUB_US:
        return playlist
    *_, before, last = playlist.segments
    joined = Segment(before.duration_us + last.duration_us, before.offset, before.size + last.size)
    return replace(playlist, segments=(*playlist.segments[:-2], joined))


def render(playlist: MediaPlaylist) -> str:
    """Write the playlist as players get it, with a URI relative to its own."""
    lines = [
        "#EXTM3U",
        "#EXT-X-VERSION:7",
        f"#EXT-X-TARGETDURATION:{playlist.target_duration_s}",
        "#EXT-X-MEDIA-SEQUENCE:0",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        "#EXT-X-INDEPENDENT-SEGMENTS",
        f'#EXT-X-MAP:URI="{playlist.uri}",BYTERANGE="{playlist.header_size}@0"',
    ]
    if playlist.key_uri is not None:
        # After the map, whose bytes are clear. Without an IV it is each segment's number.
        lines.append(f'#EXT-X-KEY:METHOD=AES-128,URI="{playlist.key_uri}"')
    for segment in playlist.segments:
        lines += [
            f"#EXTINF:{segment.duration_us / 1_000_000:.6f},",
            f"#EXT-X-BYTERANGE:{segment.size}@{segment.offset}",
            playlist.uri,
        ]
    return "\n".join([*lines, "#EXT-X-ENDLIST", ""])


def peak_bandwidth(playlist: MediaPlaylist) -> int:
    """Bit/s as RFC 8216, 4.1, defines the peak segment bit rate.

    The largest rate of any contiguous segments that last 0.5 to 1.5 target durations together;
    of all segments when they are shorter than that.
    """
    target_us = playlist.target_duration_s * 1_000_000
    rates = [
        _rate(size, duration_us)
        for start in range(len(playlist.segments))
        for size, duration_us in _runs(playlist.segments[start:], limit_us=target_us * 3 // 2)
        if duration_us * 2 >= target_us
    ]
    return max(rates, default=average_bandwidth(playlist))


def average_bandwidth(playlist: MediaPlaylist) -> int:
    """Bit/s over all segments, without the header."""
    return _rate(playlist.size - playlist.header_size, playlist.duration_us)


def _runs(segments: Sequence[Segment], *, limit_us: int) -> list[tuple[int, int]]:
    runs: list[tuple[int, int]] = []
    size = duration_us = 0
    for segment in segments:
        size, duration_us = size + segment.size, duration_us + segment.duration_us
        if duration_us > limit_us:
            break
        runs.append((size, duration_us))
    return runs


def _check(playlist: MediaPlaylist) -> None:
    if playlist.duration_us == 0:
        raise PlaylistBroken("The playlist has no segments.")
    end = playlist.header_size
    for segment in playlist.segments:
        if segment.offset != end:
            raise PlaylistBroken(f"A segment starts at {segment.offset}, not at {end}.")
        end += segment.size


def _microseconds(duration: re.Match[str]) -> int:
    return int(duration[1]) * 1_000_000 + int((duration[2] or "").ljust(6, "0"))


def _rate(size: int, duration_us: int) -> int:
    return math.ceil(size * 8 * 1_000_000 / duration_us)
