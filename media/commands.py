"""ffmpeg's arguments for each pass. Pure: a function of the pass, the source and of paths.

Every command reads only files, only the containers we accept, and carries nothing over from
the source's metadata (a phone writes its position there).
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final

from domain import ladder
from domain.media import Source
from domain.passes import Pass
from domain.templates import Rendition, Sound, rendition
from domain.videos import TranscodePass
from media import codecs

CONTAINERS: Final = "mov,matroska,avi,flv,mpegts,mpeg,asf,ogg"
"""The demuxers that may open an upload. Playlists, lists and pictures are not among them:
such a file could name other files, and ffmpeg would read them."""

MAX_PIXELS: Final = 8192 * 4352
MAX_STREAMS: Final = 16

POSTER_FILE: Final = "poster.jpg"
STORYBOARD_FILE: Final = "storyboard.jpg"
POSTER_SHORT_SIDE: Final = 720

TO_SDR: Final = (
    # Many files say only which transfer they use; the rest of BT.2020 goes without saying.
    "setparams=color_primaries=bt2020:colorspace=bt2020nc",
    "zscale=t=linear:npl=100",
    "format=gbrpf32le",
    "zscale=p=bt709",
    "tonemap=hable:desat=0",
    "zscale=t=bt709:m=bt709:r=tv",
    "format=yuv420p",
)

WRITTEN_FRAMES: Final = (
    *("-stats_mux_pre:v:0", "pipe:1"),
    *("-stats_mux_pre_fmt:v:0", "written_s={t}"),
)
"""Tell each frame written. `-progress` is silent until every output has begun, and the
storyboard, one picture of the whole video, begins when all is over."""

SQUARE_420: Final = "setsar=1,format=yuv420p"

GENERATED_RATE: Final = 30

SHOWN_INPUT: Final = Path("source")
SHOWN_OUTPUT: Final = Path("output")
"""What people are shown in place of paths of this machine."""

NO_METADATA: Final = ("-map_metadata", "-1", "-map_chapters", "-1", "-sn", "-dn")


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


def of_pass(
    one: Pass,
    source: Source,
    input: Path,
    output: Path,
    *,
    threads: int | None = None,
    pace: float | None = None,
) -> list[str]:
    """What makes a pass, whatever it is.

    `pace` holds it back to so many seconds of video per second.
    """
    make = origin if one.kind is TranscodePass.ORIGIN else encode
    return make(one, source, input, output, threads=threads, pace=pace)


def encode(
    one: Pass,
    source: Source,
    input: Path,
    output: Path,
    *,
    threads: int | None = None,
    pace: float | None = None,
) -> list[str]:
    """Encode all pictures of a pass from one decode, its sounds, and its stills if it has any."""
    renditions = [rendition(source, template) for template in one.templates]
    stills = (("storyboard", STORYBOARD_FILE), ("poster", POSTER_FILE)) if one.pictures else ()
    return [
        *reading(input, threads=threads, pace=pace),
        *("-filter_complex", _graph(source, renditions, stills=one.pictures)),
        *(word for i in range(len(renditions)) for word in ("-map", f"[v{i}]")),
        *(word for i, sound in enumerate(one.sounds) for word in _sound(i, sound)),
        *(
            word
            for i, picture in enumerate(renditions)
            for word in codecs.arguments(i, picture, threads=threads)
        ),
        *(WRITTEN_FRAMES if one.pictures else ()),
        *_hls(output, one, rates=[picture.frame_rate for picture in renditions]),
        *(word for pad, name in stills for word in _still(f"[{pad}]", output / name)),
    ]


def origin(
    one: Pass,
    source: Source,
    input: Path,
    output: Path,
    *,
    threads: int | None = None,
    pace: float | None = None,
) -> list[str]:
    """Copy picture and sound, without encoding, into tracks of their own."""
    return [
        *reading(input, threads=threads, pace=pace),
        *("-map", "0:V:0") * len(one.templates),
        # MPEG-TS repeats the sound's parameters in every frame; MP4 has them once, in the header.
        *(["-map", "0:a:0"] * len(one.sounds) + ["-bsf:a", "aac_adtstoasc"] if one.sounds else []),
        *("-c", "copy"),
        *_hls(output, one, rates=[ladder.frame_rate(source)]),
    ]


def generate(duration_ms: int, output: Path, *, pace: float | None = None) -> list[str]:
    """Make a video out of nothing: a moving picture with a clock in it, and a tone.

    It lasts so many milliseconds, less the part of a last frame. The only command that reads
    a generator, and it reads no file.
    """
    frames = max(1, duration_ms * GENERATED_RATE // 1000)
    picture = f"testsrc2=size=1280x720:rate={GENERATED_RATE},trim=end_frame={frames},format=yuv420p"
    sound = f"sine=frequency=440:sample_rate=48000:duration={duration_ms / 1000:.3f}"
    return [
        *_generator(picture, pace),
        *_generator(sound, pace),
        *("-map", "0:v", "-map", "1:a"),
        *("-c:v", "libx264", "-preset", "ultrafast", "-crf", "23", "-g", str(2 * GENERATED_RATE)),
        *("-c:a", "aac", "-b:a", "96k", "-ac", "2"),
        *("-f", "mp4", "-movflags", "+faststart", "-y", str(output)),
    ]


def _generator(graph: str, pace: float | None) -> list[str]:
    limits = ("-protocol_whitelist", "file", "-format_whitelist", "lavfi")
    held = () if pace is None else ("-readrate", f"{pace:g}")
    return [*limits, *held, "-f", "lavfi", "-i", graph]


def reading(
    path: Path, *options: str, threads: int | None = None, pace: float | None = None
) -> list[str]:
    """Open an upload, as carefully as every one must be opened; `options` are of this input."""
    return [
        *("-protocol_whitelist", "file", "-format_whitelist", CONTAINERS),
        *("-max_pixels", str(MAX_PIXELS), "-max_streams", str(2 * MAX_STREAMS)),
        *([] if threads is None else ["-threads", str(threads)]),
        *([] if pace is None else ["-readrate", f"{pace:g}"]),
        *options,
        *("-i", f"file:{path}"),
    ]


def scale(size: tuple[int, int]) -> str:
    """Scale to a size in pixels, as a filter."""
    # Both sides are named: `-2` would ignore the sample aspect. ffmpeg has rotated by now.
    return f"scale={size[0]}:{size[1]}:flags=bicubic"


def ratio(rate: Fraction) -> str:
    return f"{rate.numerator}/{rate.denominator}"


def _graph(source: Source, renditions: Sequence[Rendition], *, stills: bool) -> str:
    """Make the pads v0, v1 and so on; with stills the pads storyboard and poster, too."""
    top = max(picture.frame_rate for picture in renditions)
    largest = max((picture.width, picture.height) for picture in renditions)
    # Tone mapping costs more than an encode: once, at the size of the highest rung.
    head = [_steady(top), *((scale(largest), *TO_SDR) if source.hdr else ())]
    copies = "".join(f"[s{i}]" for i in range(len(renditions)))
    woven = "".join(f"{one}," for one in deinterlaced(source))
    start = "[all]" if stills else f"[0:V:0]{woven}"
    return ";".join(
        (
            *((f"[0:V:0]{woven}split=2[all][still]",) if stills else ()),
            f"{start}{','.join(head)},split={len(renditions)}{copies}",
            *(
                f"[s{i}]{_branch(picture, top)}{_end(i, watched=stills and i == 0)}"
                for i, picture in enumerate(renditions)
            ),
            *(_stills(source) if stills else ()),
        )
    )


def deinterlaced(source: Source) -> tuple[str, ...]:
    """Whole pictures of a source that has half-pictures; frames that are whole stay."""
    return ("yadif=deint=interlaced",) if source.interlaced else ()


def _steady(rate: Fraction) -> str:
    """Frames at a constant rate from time 0, so that keyframes align across rungs."""
    return f"fps={ratio(rate)}:start_time=0"


def _branch(picture: Rendition, top: Fraction) -> str:
    thinned = "" if picture.frame_rate == top else f"{_steady(picture.frame_rate)},"
    return f"{thinned}{scale((picture.width, picture.height))},{SQUARE_420}"


def _end(index: int, *, watched: bool) -> str:
    return f",split=2[v{index}][small]" if watched else f"[v{index}]"


def _stills(source: Source) -> tuple[str, str]:
    """The storyboard is of the lowest picture, which costs nothing more; the poster is larger."""
    tiles = grid(source.duration_ms)
    tile = tiles.tile_width, tiles.tile_height
    storyboard = [
        # The last tile, maybe the only one, can be of less than a whole step.
        f"fps=1000/{tiles.step_ms}:start_time=0:round=down:eof_action=pass",
        scale(ladder.fit_into(source, *tile)),
        f"pad={tile[0]}:{tile[1]}:-1:-1",
        f"tile={tiles.columns}x{tiles.rows}",
    ]
    poster = [
        "fps=2:start_time=0:round=up",
        # Scaled before the choice: `thumbnail` holds all its candidates in memory.
        scale(ladder.fit(source, POSTER_SHORT_SIDE)),
        "thumbnail=n=12",
        *(TO_SDR if source.hdr else ()),
        SQUARE_420,
    ]
    return f"[small]{','.join(storyboard)}[storyboard]", f"[still]{','.join(poster)}[poster]"


def _sound(index: int, sound: Sound) -> tuple[str, ...]:
    return (
        *("-map", "0:a:0", f"-filter:a:{index}", "aresample=48000:async=1:first_pts=0"),
        *(f"-c:a:{index}", "aac", f"-b:a:{index}", str(sound.bitrate), f"-ac:a:{index}", "2"),
    )


def _hls(output: Path, one: Pass, *, rates: Sequence[Fraction]) -> list[str]:
    """One fragmented MP4 and one playlist of byte ranges for each track, named after it."""
    pictures = [f"v:{i},name:{template.track}" for i, template in enumerate(one.templates)]
    sounds = [f"a:{i},name:{sound.name}" for i, sound in enumerate(one.sounds)]
    return [
        *NO_METADATA,
        # Let an edit list say where time 0 is; shifted instead, every track would begin late,
        # each by its own codec's delay, and players would meet a hole at the start.
        *("-avoid_negative_ts", "disabled"),
        *("-f", "hls", "-hls_time", _segment_time(rates), "-hls_playlist_type", "vod"),
        *("-hls_segment_type", "fmp4", "-hls_flags", "single_file+independent_segments"),
        *("-var_stream_map", " ".join((*pictures, *sounds))),
        *("-hls_segment_filename", f"{output}/%v.mp4", f"{output}/%v.m3u8"),
    ]


def _segment_time(rates: Sequence[Fraction]) -> str:
    """Seconds from one keyframe to the next where that is shortest, rounded down to microseconds.

    Rounded up, a keyframe would come too soon to start the next segment. Where keyframes are
    further apart, each of them starts a segment still, as none comes before its time.
    """
    shortest = min(ladder.gop(rate) / rate for rate in rates)
    microseconds = math.floor(shortest * 1_000_000)
    return f"{microseconds // 1_000_000}.{microseconds % 1_000_000:06}"


def _still(pad: str, path: Path) -> tuple[str, ...]:
    return (
        *("-map", pad, "-map_metadata", "-1", "-c:v", "mjpeg", "-q:v", "5"),
        *("-frames:v", "1", "-update", "1", "-f", "image2", str(path)),
    )
