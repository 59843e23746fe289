"""ffmpeg's arguments for each pass. Pure: a function of the source and of paths.

Every command reads only files, only the containers we accept, and carries nothing over from
the source's metadata (a phone writes its position there).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

from domain import ladder as rungs
from domain.media import Source
from domain.videos import Resolution

CONTAINERS: Final = "mov,matroska,avi,flv,mpegts,mpeg,asf,ogg"
"""The demuxers that may open an upload. Playlists, lists and pictures are not among them:
such a file could name other files, and ffmpeg would read them."""

MAX_PIXELS: Final = 8192 * 4352
MAX_STREAMS: Final = 16

POSTER_FILE: Final = "poster.jpg"
STORYBOARD_FILE: Final = "storyboard.jpg"
POSTER_SHORT_SIDE: Final = 720

SOUND: Final = "audio"
ORIGIN_SOUND: Final = "origin-audio"
SOUND_BITRATE: Final = 128_000

MAX_RATES: Final = {
    Resolution.P360: 800_000,
    Resolution.P480: 1_400_000,
    Resolution.P720: 2_800_000,
    Resolution.P1080: 5_000_000,
}
"""Ceiling of each rung's bandwidth, bit/s; the buffer is twice that."""

TO_SDR: Final = (
    # Many files say only which transfer they use; the rest of BT.2020 goes without saying.
    "setparams=color_primaries=bt2020:colorspace=bt2020nc",
    "zscale=t=linear:npl=100",
    "format=gbrpf32le",
    "zscale=p=bt709",
    "tonemap=hable:desat=0",
    "zscale=t=bt709:m=bt709:r=tv",
)

WRITTEN_FRAMES: Final = (
    *("-stats_mux_pre:v:0", "pipe:1"),
    *("-stats_mux_pre_fmt:v:0", "written_s={t}"),
)
"""Tell each frame written. `-progress` is silent until every output has begun, and the
storyboard, one picture of the whole video, begins when all is over."""

SQUARE_420: Final = "setsar=1,format=yuv420p"


@dataclass(frozen=True, slots=True)
class Grid:
    """How the tiles of a storyboard lie: row by row, one for each `step_ms` from the start."""

    columns: int
    rows: int
    step_ms: int
    tile_width: int = 160
    tile_height: int = 90


def grid(duration_ms: int) -> Grid:
    """At most 10 by 10 tiles, at least a second apart, and no row without a picture."""
    step_s = max(1, math.ceil(duration_ms / 100_000))
    tiles = max(1, math.ceil(duration_ms / (step_s * 1000)))
    columns = min(10, tiles)
    return Grid(columns=columns, rows=math.ceil(tiles / columns), step_ms=step_s * 1000)


def first_play(
    source: Source, input: Path, output: Path, *, threads: int | None = None
) -> list[str]:
    """360P, the sound, the poster and the storyboard: all a viewer needs to start."""
    sound = source.audio_codec is not None
    return [
        *_input(input, threads=threads),
        *("-filter_complex", _first_play_graph(source)),
        *("-map", "[v0]"),
        *(_sound() if sound else []),
        *_video(source, [Resolution.P360], threads=threads),
        *WRITTEN_FRAMES,
        *_hls(output, [Resolution.P360], sound=SOUND if sound else None, source=source),
        *_image("[storyboard]", output / STORYBOARD_FILE),
        *_image("[poster]", output / POSTER_FILE),
    ]


def ladder(
    source: Source,
    resolutions: Sequence[Resolution],
    input: Path,
    output: Path,
    *,
    threads: int | None = None,
) -> list[str]:
    """Encode the given rungs, without sound, from one decode."""
    return [
        *_input(input, threads=threads),
        *("-filter_complex", _ladder_graph(source, resolutions)),
        *(argument for i in range(len(resolutions)) for argument in ("-map", f"[v{i}]")),
        *_video(source, resolutions, threads=threads),
        *_hls(output, resolutions, sound=None, source=source),
    ]


def origin(source: Source, input: Path, output: Path, *, threads: int | None = None) -> list[str]:
    """Copy picture and sound, without encoding, into two tracks."""
    sound = source.audio_codec is not None
    return [
        *_input(input, threads=threads),
        *("-map", "0:V:0"),
        # MPEG-TS repeats the sound's parameters in every frame; MP4 has them once, in the header.
        *(["-map", "0:a:0", "-bsf:a", "aac_adtstoasc"] if sound else []),
        *("-c", "copy"),
        *_hls(output, [Resolution.ORIGIN], sound=ORIGIN_SOUND if sound else None, source=source),
    ]


def _input(path: Path, *, threads: int | None) -> list[str]:
    return [
        *("-protocol_whitelist", "file", "-format_whitelist", CONTAINERS),
        *("-max_pixels", str(MAX_PIXELS), "-max_streams", str(2 * MAX_STREAMS)),
        *([] if threads is None else ["-threads", str(threads)]),
        *("-i", f"file:{path}"),
    ]


def _first_play_graph(source: Source) -> str:
    tiles = grid(source.duration_ms)
    play = [_steady(source), _scale(rungs.target_size(source, Resolution.P360)), *_finish(source)]
    box = f"{tiles.tile_width}:{tiles.tile_height}"
    storyboard = [
        # The last tile, maybe the only one, can be of less than a whole step.
        f"fps=1000/{tiles.step_ms}:start_time=0:round=down:eof_action=pass",
        f"scale={box}:force_original_aspect_ratio=decrease",
        f"pad={box}:-1:-1",
        f"tile={tiles.columns}x{tiles.rows}",
    ]
    poster = [
        "fps=2:start_time=0:round=up",
        # Scaled before the choice: `thumbnail` holds all its candidates in memory.
        _scale(rungs.fit(source, POSTER_SHORT_SIDE)),
        "thumbnail=n=12",
        *_finish(source),
    ]
    return ";".join(
        (
            "[0:V:0]split=2[play][still]",
            f"[play]{','.join(play)},split=2[v0][small]",
            f"[small]{','.join(storyboard)}[storyboard]",
            f"[still]{','.join(poster)}[poster]",
        )
    )


def _ladder_graph(source: Source, resolutions: Sequence[Resolution]) -> str:
    sizes = [rungs.target_size(source, rung) for rung in resolutions]
    # Tone mapping costs more than an encode: once, at the size of the highest rung.
    head = [_steady(source), *((_scale(max(sizes)), *TO_SDR) if source.hdr else ())]
    copies = "".join(f"[s{i}]" for i in range(len(sizes)))
    return ";".join(
        (
            f"[0:V:0]{','.join(head)},split={len(sizes)}{copies}",
            *(f"[s{i}]{_scale(size)},{SQUARE_420}[v{i}]" for i, size in enumerate(sizes)),
        )
    )


def _steady(source: Source) -> str:
    """Frames at a constant rate from time 0, so that keyframes align across rungs."""
    return f"fps={_ratio(rungs.frame_rate(source))}:start_time=0"


def _scale(size: tuple[int, int]) -> str:
    # Both sides are named: `-2` would ignore the sample aspect. ffmpeg has rotated by now.
    return f"scale={size[0]}:{size[1]}:flags=bicubic"


def _finish(source: Source) -> tuple[str, ...]:
    return (*TO_SDR, SQUARE_420) if source.hdr else (SQUARE_420,)


def _video(source: Source, resolutions: Sequence[Resolution], *, threads: int | None) -> list[str]:
    gop = str(rungs.gop(rungs.frame_rate(source)))
    return [
        *("-c:v", "libx264", "-profile:v", "high", "-preset:v", "veryfast", "-crf:v", "23"),
        *("-g:v", gop, "-keyint_min:v", gop, "-sc_threshold:v", "0"),
        *([] if threads is None else ["-threads:v", str(threads)]),
        *(argument for i, rung in enumerate(resolutions) for argument in _cap(i, rung)),
    ]


def _cap(index: int, rung: Resolution) -> tuple[str, ...]:
    rate = MAX_RATES[rung]
    return (f"-maxrate:v:{index}", str(rate), f"-bufsize:v:{index}", str(2 * rate))


def _sound() -> tuple[str, ...]:
    return (
        *("-map", "0:a:0", "-af", "aresample=48000:async=1:first_pts=0"),
        *("-c:a", "aac", "-b:a", str(SOUND_BITRATE), "-ac", "2"),
    )


def _hls(
    output: Path, resolutions: Sequence[Resolution], *, sound: str | None, source: Source
) -> list[str]:
    """One fragmented MP4 and one playlist of byte ranges for each track, named after it."""
    return [
        *("-map_metadata", "-1", "-map_chapters", "-1", "-sn", "-dn"),
        # Let an edit list say where time 0 is; shifted instead, every track would begin late,
        # each by its own codec's delay, and players would meet a hole at the start.
        *("-avoid_negative_ts", "disabled"),
        *("-f", "hls", "-hls_time", _segment_time(source), "-hls_playlist_type", "vod"),
        *("-hls_segment_type", "fmp4", "-hls_flags", "single_file+independent_segments"),
        *("-var_stream_map", _tracks(resolutions, sound)),
        *("-hls_segment_filename", f"{output}/%v.mp4", f"{output}/%v.m3u8"),
    ]


def _tracks(resolutions: Sequence[Resolution], sound: str | None) -> str:
    group = "" if sound is None else ",agroup:sound"
    pictures = [f"v:{i},name:{rung}{group}" for i, rung in enumerate(resolutions)]
    sounds = [] if sound is None else [f"a:0,name:{sound}{group},default:yes"]
    return " ".join((*pictures, *sounds))


def _segment_time(source: Source) -> str:
    """Seconds from one keyframe to the next, rounded down to the microsecond.

    Rounded up, a keyframe would come too soon to start the next segment.
    """
    rate = rungs.frame_rate(source)
    microseconds = math.floor(rungs.gop(rate) / rate * 1_000_000)
    return f"{microseconds // 1_000_000}.{microseconds % 1_000_000:06}"


def _image(pad: str, path: Path) -> tuple[str, ...]:
    return (
        *("-map", pad, "-map_metadata", "-1", "-c:v", "mjpeg", "-q:v", "5"),
        *("-frames:v", "1", "-update", "1", "-f", "image2", str(path)),
    )


def _ratio(rate: Fraction) -> str:
    return f"{rate.numerator}/{rate.denominator}"
