"""What a file is, and whether it can become a video. The reading is done by a child process."""

import asyncio
import json
import math
import signal
import sys
from fractions import Fraction
from pathlib import Path
from typing import Any, Final

from domain import ladder
from domain.errors import MediaRefused
from domain.media import LONGEST_MS, Refusal, Source
from media.commands import CONTAINERS, MAX_PIXELS, MAX_STREAMS
from media.process import Log, end, pipe, start

CHILD: Final = Path(__file__).with_name("probe_child.py")
MEMORY: Final = 2 << 30
"""Address space, in bytes: an 8K picture fits, and the pictures it is predicted from."""

TOP_FRAME_RATE: Final = 240
TOP_PIXEL_RATE: Final = 4096 * 2304 * 120
"""Pixels in each second, as decoded."""
OPENING_CPU_S: Final = 1.5
"""A video of 12 hours takes 0.3 s; 100,000 tags, in 5 MB, take a minute."""

HDR_TRANSFERS: Final = (16, 18)
"""SMPTE ST 2084 and ARIB STD-B67, by their numbers in ITU-T H.273."""


async def probe(path: Path, *, timeout_s: float = 30) -> Source:
    """Read the header and decode the first picture. Raises MediaRefused.

    A file that crashes the reader, exhausts its limits or takes longer than `timeout_s` is
    refused as DAMAGED. However this function is left, the reader has ended by then.
    """
    return judge(await _ask(path, timeout_s))


def judge(facts: dict[str, Any]) -> Source:
    """Turn what the child found into a Source, or refuse it. Pure. Raises MediaRefused."""
    _check_container(facts)
    picture = facts["picture"]
    if facts["container"] == "avi":
        # It counts every moment at which a frame could have been.
        picture = picture | {"average_rate": picture["base_rate"]}
    _check_picture(picture)
    first = picture["first"]
    return Source(
        container=facts["container"],
        duration_ms=round(facts["duration_us"] / 1000),
        width=first["width"],
        height=first["height"],
        rotation=_rotation(first),
        sample_aspect=_sample_aspect(picture),
        frame_rate=_frame_rate(picture),
        video_codec=picture["codec"],
        pixel_format=first["pixel_format"],
        audio_codec=facts["sound"],
        hdr=first["transfer"] in HDR_TRANSFERS,
        keyframe_first=first["keyframe"],
        interlaced=first["interlaced"],
    )


def _check_container(facts: dict[str, Any]) -> None:
    if facts["container"] is None and facts["known"]:
        raise _damaged("Its header cannot be read.")
    if facts["container"] is None:
        raise MediaRefused(
            Refusal.NOT_MEDIA, f"The file is in none of the accepted containers: {CONTAINERS}."
        )
    if facts["streams"] > MAX_STREAMS:
        raise MediaRefused(
            Refusal.TOO_MANY_STREAMS, f"The file has more than {MAX_STREAMS} streams."
        )
    if facts["picture"] is None:
        raise MediaRefused(Refusal.NO_VIDEO, "The file has no video stream.")
    _check_duration(facts["duration_us"])


def _check_duration(duration_us: int | None) -> None:
    duration_ms = round((duration_us or 0) / 1000)
    if duration_ms <= 0:
        raise MediaRefused(Refusal.NO_DURATION, "The file does not say how long it is.")
    if duration_ms > LONGEST_MS:
        hours = duration_ms / 3_600_000
        raise MediaRefused(
            Refusal.TOO_LONG,
            f"The video lasts {hours:.2f} hours; the limit is {LONGEST_MS // 3_600_000} hours.",
        )


def _check_picture(picture: dict[str, Any]) -> None:
    if picture["codec"] is None:
        raise _damaged("Nothing can decode its video stream.")
    width, height = picture["width"], picture["height"]
    if width * height * max(1, _sample_aspect(picture)) > MAX_PIXELS:
        raise MediaRefused(
            Refusal.TOO_MANY_PIXELS,
            f"The picture has {width} x {height} pixels; the limit is {MAX_PIXELS} in all.",
        )
    if picture["first"] is None:
        raise _damaged("Its first picture cannot be decoded.")
    rate = Fraction(picture["average_rate"])
    if not 0 < rate <= TOP_FRAME_RATE:
        raise MediaRefused(
            Refusal.FRAME_RATE,
            f"The video has {float(rate):g} frames per second; the limit is {TOP_FRAME_RATE}.",
        )
    pixel_rate = math.ceil(picture["first"]["width"] * picture["first"]["height"] * rate)
    if pixel_rate > TOP_PIXEL_RATE:
        raise MediaRefused(
            Refusal.TOO_MUCH_TO_DECODE,
            f"The video has {pixel_rate} pixels per second; the limit is {TOP_PIXEL_RATE}.",
        )


def _damaged(why: str) -> MediaRefused:
    return MediaRefused(Refusal.DAMAGED, f"The file is damaged, or a part is missing. {why}")


def _sample_aspect(picture: dict[str, Any]) -> Fraction:
    return Fraction(picture["sample_aspect"])


def _rotation(first: dict[str, Any]) -> int:
    """Clockwise; libav's is counterclockwise. ffmpeg lies a picture straight only by quarters."""
    quarters = round(first["rotation"] / 90)
    # A header can ask for any angle, and for none at all, which comes as a huge number.
    return -quarters * 90 % 360 if abs(quarters * 90 - first["rotation"]) <= 1 else 0


def _frame_rate(picture: dict[str, Any]) -> Fraction:
    """The average rate; the nearest standard one when the intervals between frames vary.

    The base rate is the lowest one of which all times are multiples.
    """
    average, base = Fraction(picture["average_rate"]), Fraction(picture["base_rate"])
    varies = abs(base - average) * 50 > average
    return ladder.nearest_standard(average) if varies else average


async def _ask(path: Path, timeout_s: float) -> dict[str, Any]:
    process = await start(
        [
            *(sys.executable, "-I", "-B", str(CHILD)),
            *(CONTAINERS, str(2 * MAX_STREAMS), str(MAX_PIXELS), str(OPENING_CPU_S), str(path)),
        ],
        reads=[path, CHILD],
        memory=MEMORY,
        cpu_s=math.ceil(timeout_s),
        file_size=0,
    )
    log = Log()
    try:
        async with asyncio.timeout(timeout_s):
            reply, _ = await asyncio.gather(
                pipe(process.stdout).readline(), log.keep(pipe(process.stderr))
            )
            returncode = await process.wait()
    except TimeoutError:
        raise _damaged(f"Reading it took longer than {timeout_s:g} seconds.") from None
    finally:
        await end(process)
    return _read(reply, returncode, log)


def _read(reply: bytes, returncode: int, log: Log) -> dict[str, Any]:
    if returncode == -signal.SIGPROF:
        raise _damaged(f"Its header took more than {OPENING_CPU_S:g} seconds to compute.")
    if returncode < 0:
        name = signal.Signals(-returncode).name
        raise _damaged(f"The process that read it was ended by {name}.")
    if returncode:
        raise RuntimeError(f"The probe failed:\n{log.text()}")
    return json.loads(reply)
