"""What a whole transcode costs, beside one bare ffmpeg that makes the same rungs.

Ours is three passes: the first play, so that a video can be watched early, the ladder, and the
copied Origin. The bare command decodes once and makes all four rungs and the sound. Both have
the same encoder settings and write the same kind of files. The two take turns, since the
machine's speed drifts; what counts is CPU time, of which ffmpeg is nearly all.

Exits with 1 when the ratio of the medians is above the limit.
"""

import argparse
import asyncio
import resource
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from domain import ladder
from domain.media import Source
from domain.videos import Resolution, TranscodePass
from media import commands
from media.passes import Encoder
from media.probe import probe
from server.settings import Settings
from server.wiring import find_ffmpeg

LIMIT = 1.2

QUIET = ("-hide_banner", "-nostdin", "-loglevel", "error", "-y")


@dataclass(frozen=True, slots=True)
class Round:
    """CPU seconds."""

    passes: dict[TranscodePass, float]
    bare: float

    @property
    def ours(self) -> float:
        return sum(self.passes.values())


def make_source(ffmpeg: str, path: Path, seconds: int) -> None:
    """Make 1080p30 in H.264 and AAC, with motion, detail and grain, like what a camera gives."""
    picture = f"testsrc2=size=1920x1080:rate=30:duration={seconds},noise=alls=8:allf=t"
    sound = f"anoisesrc=color=pink:amplitude=0.3:duration={seconds}:sample_rate=48000"
    subprocess.run(
        [
            *(ffmpeg, *QUIET, "-f", "lavfi", "-i", picture, "-f", "lavfi", "-i", sound),
            *("-c:v", "libx264", "-preset", "veryfast", "-pix_fmt", "yuv420p", "-g", "60"),
            *("-b:v", "10M", "-maxrate", "12M", "-bufsize", "24M"),
            *("-c:a", "aac", "-b:a", "160k", "-ac", "2", str(path)),
        ],
        check=True,
    )


def bare_command(ffmpeg: str, source: Source, path: Path, output: Path) -> list[str]:
    """One decode, one split, four encodes and the sound, in one HLS output."""
    rungs = ladder.rungs(source)
    gop = str(ladder.gop(source.frame_rate))
    splits = "".join(f"[s{i}]" for i in range(len(rungs)))
    scales = [
        f"[s{i}]scale={width}:{height}:flags=bicubic,format=yuv420p[v{i}]"
        for i, (width, height) in enumerate(ladder.target_size(source, rung) for rung in rungs)
    ]
    pictures = " ".join(f"v:{i},agroup:a,name:{rung}" for i, rung in enumerate(rungs))
    return [
        *(ffmpeg, *QUIET, "-i", str(path)),
        *("-filter_complex", ";".join((f"[0:v]split={len(rungs)}{splits}", *scales))),
        *(argument for i in range(len(rungs)) for argument in ("-map", f"[v{i}]")),
        *("-map", "0:a", "-c:a", "aac", "-b:a", str(commands.SOUND_BITRATE), "-ac", "2"),
        *("-c:v", "libx264", "-profile:v", "high", "-preset", "veryfast", "-crf", "23"),
        *("-g:v", gop, "-keyint_min:v", gop, "-sc_threshold:v", "0"),
        *(argument for i, rung in enumerate(rungs) for argument in _cap(i, rung)),
        *("-f", "hls", "-hls_time", "4", "-hls_playlist_type", "vod"),
        *("-hls_segment_type", "fmp4", "-hls_flags", "single_file+independent_segments"),
        *("-var_stream_map", f"{pictures} a:0,agroup:a,name:audio"),
        *("-hls_segment_filename", f"{output}/%v.mp4", f"{output}/%v.m3u8"),
    ]


def _cap(index: int, rung: Resolution) -> tuple[str, ...]:
    rate = commands.MAX_RATES[rung]
    return (f"-maxrate:v:{index}", str(rate), f"-bufsize:v:{index}", str(2 * rate))


async def measure(ffmpeg: str, path: Path, rounds: int) -> list[Round]:
    source = await probe(path)
    measured: list[Round] = []
    for number in range(1, rounds + 1):
        with tempfile.TemporaryDirectory() as folder:
            passes = await _ours(ffmpeg, source, path, Path(folder))
        with tempfile.TemporaryDirectory() as folder:
            bare = _bare(ffmpeg, source, path, Path(folder))
        measured.append(Round(passes, bare))
        print(_row(f"round {number}", measured[-1:]), flush=True)
    return measured


async def _ours(
    ffmpeg: str, source: Source, path: Path, output: Path
) -> dict[TranscodePass, float]:
    lowest, *others = ladder.rungs(source)
    work = {
        TranscodePass.FIRST_PLAY: [lowest],
        TranscodePass.LADDER: others,
        TranscodePass.ORIGIN: [Resolution.ORIGIN],
    }
    spent: dict[TranscodePass, float] = {}
    for kind, resolutions in work.items():
        before = _cpu_s()
        await Encoder(ffmpeg).run(kind, source, resolutions, path, output, lambda _: None)
        spent[kind] = _cpu_s() - before
    return spent


def _bare(ffmpeg: str, source: Source, path: Path, output: Path) -> float:
    before = _cpu_s()
    subprocess.run(bare_command(ffmpeg, source, path, output), check=True)
    return _cpu_s() - before


def _cpu_s() -> float:
    """CPU seconds of all processes that we have started and that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _row(name: str, rounds: Sequence[Round]) -> str:
    passes = [statistics.median(one.passes[kind] for one in rounds) for kind in rounds[0].passes]
    ours = statistics.median(one.ours for one in rounds)
    bare = statistics.median(one.bare for one in rounds)
    cells = "".join(f"{seconds:12.2f}" for seconds in (*passes, ours, bare))
    return f"{name:10}{cells}{ours / bare:12.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare our transcode with one bare ffmpeg.")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is run")
    parser.add_argument("--seconds", type=int, default=60, help="duration of the source")
    options = parser.parse_args()
    ffmpeg = find_ffmpeg(Settings())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "source.mp4"
        make_source(ffmpeg, path, options.seconds)
        print(f"CPU seconds for {options.seconds} s of 1080p30, {path.stat().st_size:,} bytes")
        titles = ("first play", "ladder", "origin", "ours", "bare", "ratio")
        print(" " * 10 + "".join(f"{title:>12}" for title in titles))
        rounds = asyncio.run(measure(ffmpeg, path, options.rounds))
    print(_row("median", rounds))
    ratio = statistics.median(one.ours for one in rounds) / statistics.median(
        one.bare for one in rounds
    )
    if ratio > LIMIT:
        sys.exit(f"The ratio {ratio:.3f} is above {LIMIT}.")


if __name__ == "__main__":
    main()
