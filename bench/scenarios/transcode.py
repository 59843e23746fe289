"""What a whole transcode costs, beside bare ffmpeg that makes the same rungs.

Ours is three passes: the first play, so that a video can be watched early, the ladder, and the
copied Origin. Bare ffmpeg makes all four rungs and the sound, once with one decode for all
("together"), and once with a run for each rung, as is usual ("apart"). All have the same
encoder settings and write the same kind of files. They take turns, since the machine's speed
drifts; what counts is CPU time, of which ffmpeg is nearly all.

Exits with 1 when one of the medians misses its goal.
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
from domain.passes import Pass, plan
from domain.templates import DEFAULTS, SOUND_BITRATE, Rendition, choose, rendition
from domain.videos import Resolution, TranscodePass
from media.passes import Encoder
from media.probe import probe
from server.settings import Settings
from server.wiring import find_ffmpeg

MOST_OF_TOGETHER = 1.15
LEAST_OF_APART = 1.2
MOST_OF_FIRST_PLAY = 0.22

TITLES = {
    TranscodePass.FIRST_PLAY: "first play",
    TranscodePass.LADDER: "ladder",
    TranscodePass.ORIGIN: "origin",
}

QUIET = ("-hide_banner", "-nostdin", "-loglevel", "error", "-y")


@dataclass(frozen=True, slots=True)
class Round:
    """CPU seconds."""

    passes: dict[TranscodePass, float]
    together: float
    apart: float

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


def bare_command(
    ffmpeg: str, source: Source, path: Path, output: Path, renditions: Sequence[Rendition]
) -> list[str]:
    """One decode, one split, an encode of each rung and the sound, in one HLS output."""
    gop = str(ladder.gop(source.frame_rate))
    splits = "".join(f"[s{i}]" for i in range(len(renditions)))
    scales = [
        f"[s{i}]scale={one.width}:{one.height}:flags=bicubic,format=yuv420p[v{i}]"
        for i, one in enumerate(renditions)
    ]
    pictures = " ".join(f"v:{i},name:{one.template.track}" for i, one in enumerate(renditions))
    return [
        *(ffmpeg, *QUIET, "-i", str(path)),
        *("-filter_complex", ";".join((f"[0:v]split={len(renditions)}{splits}", *scales))),
        *(argument for i in range(len(renditions)) for argument in ("-map", f"[v{i}]")),
        *("-map", "0:a", "-c:a", "aac", "-b:a", str(SOUND_BITRATE), "-ac", "2"),
        *("-c:v", "libx264", "-profile:v", "high", "-preset", "veryfast", "-crf", "23"),
        *("-g:v", gop, "-keyint_min:v", gop, "-sc_threshold:v", "0"),
        *(argument for i, one in enumerate(renditions) for argument in _cap(i, one)),
        *("-f", "hls", "-hls_time", "4", "-hls_playlist_type", "vod"),
        *("-hls_segment_type", "fmp4", "-hls_flags", "single_file+independent_segments"),
        *("-var_stream_map", f"{pictures} a:0,name:audio"),
        *("-hls_segment_filename", f"{output}/%v.mp4", f"{output}/%v.m3u8"),
    ]


def _cap(index: int, one: Rendition) -> tuple[str, ...]:
    rate = one.template.max_rate
    return (f"-maxrate:v:{index}", str(rate), f"-bufsize:v:{index}", str(2 * rate))


async def measure(ffmpeg: str, path: Path, rounds: int) -> list[Round]:
    source = await probe(path)
    templates, _ = choose(source, DEFAULTS)
    rungs = [rendition(source, one) for one in templates if one.resolution is not Resolution.ORIGIN]
    measured: list[Round] = []
    for number in range(1, rounds + 1):
        ours = await _ours(ffmpeg, source, path, plan(source, templates, pictures=True))
        together = _bare(ffmpeg, source, path, [rungs])
        apart = _bare(ffmpeg, source, path, [[one] for one in rungs])
        measured.append(Round(ours, together, apart))
        print(_row(f"round {number}", measured[-1:]), flush=True)
    return measured


async def _ours(
    ffmpeg: str, source: Source, path: Path, passes: Sequence[Pass]
) -> dict[TranscodePass, float]:
    spent: dict[TranscodePass, float] = {}
    with tempfile.TemporaryDirectory() as folder:
        for one in passes:
            before = _cpu_s()
            await Encoder(ffmpeg).run(one, source, path, Path(folder), lambda _: None)
            spent[one.kind] = _cpu_s() - before
    return spent


def _bare(
    ffmpeg: str, source: Source, path: Path, commands: Sequence[Sequence[Rendition]]
) -> float:
    before = _cpu_s()
    for renditions in commands:
        with tempfile.TemporaryDirectory() as folder:
            command = bare_command(ffmpeg, source, path, Path(folder), renditions)
            subprocess.run(command, check=True)
    return _cpu_s() - before


def _cpu_s() -> float:
    """CPU seconds of all processes that we have started and that have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def _row(name: str, rounds: Sequence[Round]) -> str:
    passes = [statistics.median(one.passes[kind] for one in rounds) for kind in TITLES]
    others = [_median(rounds, of) for of in ("ours", "together", "apart")]
    return f"{name:10}" + "".join(f"{seconds:12.2f}" for seconds in (*passes, *others))


def _median(rounds: Sequence[Round], of: str) -> float:
    return statistics.median(getattr(one, of) for one in rounds)


def judge(rounds: Sequence[Round]) -> list[str]:
    """A line for each goal, and what was measured; those that were missed say so."""
    ours, together, apart = (_median(rounds, of) for of in ("ours", "together", "apart"))
    first = statistics.median(one.passes[TranscodePass.FIRST_PLAY] for one in rounds)
    goals = (
        ("all of ours / one decode for all", ours / together, "at most", MOST_OF_TOGETHER),
        ("one ffmpeg for each rung / all of ours", apart / ours, "at least", LEAST_OF_APART),
        ("first play / one decode for all", first / together, "at most", MOST_OF_FIRST_PLAY),
    )
    return [
        f"{'missed' if (value > goal) == (words == 'at most') else 'met':8}"
        f"{title:40}{value:7.3f}  {words} {goal}"
        for title, value, words, goal in goals
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description="Compare our transcode with bare ffmpeg.")
    parser.add_argument("--rounds", type=int, default=3, help="how often each is run")
    parser.add_argument("--seconds", type=int, default=60, help="duration of the source")
    options = parser.parse_args()
    ffmpeg = find_ffmpeg(Settings())
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "source.mp4"
        make_source(ffmpeg, path, options.seconds)
        print(f"CPU seconds for {options.seconds} s of 1080p30, {path.stat().st_size:,} bytes")
        titles = (*TITLES.values(), "ours", "together", "apart")
        print(" " * 10 + "".join(f"{title:>12}" for title in titles))
        rounds = asyncio.run(measure(ffmpeg, path, options.rounds))
    print(_row("median", rounds))
    lines = judge(rounds)
    print("\n".join(lines))
    if any(line.startswith("missed") for line in lines):
        sys.exit(1)


if __name__ == "__main__":
    main()
