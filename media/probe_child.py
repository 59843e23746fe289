"""Say what is in a media file, and prove that its first picture can be decoded.

Decoders have bugs and the file is a stranger's, so this runs in a process of its own, under
limits. Run by path by `media.probe`, with the interpreter's `-I`; it imports nothing of ours:

    probe_child.py CONTAINERS MAX_STREAMS MAX_PIXELS OPENING_CPU_S PATH

Prints one line of JSON: facts only. What they mean is decided outside. It is ended by SIGPROF
when opening the file alone takes more than so many seconds of CPU time.
"""

import itertools
import json
import signal
import sys
from pathlib import Path
from typing import Any

import av
from av.audio import AudioStream
from av.container import InputContainer
from av.error import FFmpegError
from av.stream import Disposition
from av.video import VideoFrame, VideoStream

SIGNATURES = (
    *((4, kind) for kind in (b"ftyp", b"moov", b"mdat", b"free", b"skip", b"wide")),
    (0, b"\x1aE\xdf\xa3"),  # Matroska
    (8, b"AVI "),
    (0, b"FLV"),
    (0, b"OggS"),
    (0, b"0&\xb2u"),  # ASF
    (0, b"\x00\x00\x01\xba"),  # MPEG program stream
)
"""How a file of an accepted container starts, whether or not the rest of it can be read."""

NOT_THE_VIDEO = Disposition.attached_pic | Disposition.timed_thumbnails
"""What ffmpeg's `V` leaves out as well: the cover of a song is no video."""

HEADER_ONLY = {"codec_whitelist": "none", "max_streams": "4096"}
"""Opened with these, nothing is decoded, and streams far above the limit can be counted."""

PATIENCE = 1000
"""Packets within which the first picture has to come: a recording may start between keyframes."""


def inspect(
    path: Path, *, containers: str, max_streams: int, max_pixels: int, opening_cpu_s: float
) -> dict[str, Any]:
    with path.open("rb") as file:
        head = file.read(16)
    limits = {"format_whitelist": containers, "max_streams": str(max_streams)}
    facts: dict[str, Any] | None = None
    # libav refuses some files for their size or number of streams, and then tells neither.
    for options in (limits, limits | HEADER_ONLY):
        try:
            with _open(path, options, max_pixels, opening_cpu_s) as opened:
                facts = _container(opened, max_pixels)
        except MemoryError:  # so it calls a stream too many
            continue
        except FFmpegError:
            break
        if _is_sized(facts):
            break
    known = any(head[at:].startswith(signature) for at, signature in SIGNATURES)
    return facts or {"container": None, "known": known}


def _is_sized(facts: dict[str, Any]) -> bool:
    picture = facts["picture"]
    return picture is None or picture["codec"] is None or picture["width"] > 0


def _open(path: Path, limits: dict[str, str], max_pixels: int, cpu_s: float) -> InputContainer:
    # libav compares each tag with all tags before it, in one call that Python cannot interrupt.
    signal.setitimer(signal.ITIMER_PROF, cpu_s)
    try:
        return av.open(
            f"file:{path}",
            # Playlists name other files and addresses; neither they nor the network can be opened.
            container_options=limits | {"protocol_whitelist": "file"},
            # Where the header says too little, opening decodes as well.
            options={"max_pixels": str(max_pixels)},
            metadata_errors="replace",
        )
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)


def _container(opened: InputContainer, max_pixels: int) -> dict[str, Any]:
    videos = [one for one in opened.streams.video if not one.disposition & NOT_THE_VIDEO]
    sounds = opened.streams.audio
    return {
        "container": opened.format.name,
        "streams": len(opened.streams),
        "duration_us": opened.duration,
        "sound": _codec(sounds[0]) if sounds else None,
        "picture": _picture(opened, videos[0], max_pixels) if videos else None,
    }


def _picture(opened: InputContainer, stream: VideoStream, max_pixels: int) -> dict[str, Any]:
    codec = _codec(stream)
    if codec is None:
        return {"codec": None}
    context = stream.codec_context
    return {
        "codec": codec,
        "width": context.width,
        "height": context.height,
        "sample_aspect": str(stream.sample_aspect_ratio or 1),
        "average_rate": str(stream.average_rate or 0),
        "base_rate": str(stream.base_rate or 0),
        # A picture of 16,000 x 16,000 needs more than a gigabyte to decode, in a file of any size.
        "first": _first(opened, stream, max_pixels)
        if context.width * context.height <= max_pixels
        else None,
    }


def _codec(stream: AudioStream | VideoStream) -> str | None:
    # A stream that nothing can decode has no context, although its type says that it has.
    codec = getattr(stream.codec_context, "codec", None)
    return codec and codec.canonical_name


def _first(opened: InputContainer, stream: VideoStream, max_pixels: int) -> dict[str, Any] | None:
    # The header may have lied about the size.
    stream.codec_context.options = {"max_pixels": str(max_pixels)}
    keyframe = None
    for packet in itertools.islice(opened.demux(stream), PATIENCE):
        keyframe = packet.is_keyframe if keyframe is None else keyframe
        try:
            frames = packet.decode()
        except (FFmpegError, MemoryError):
            continue
        if frames:
            return _frame(frames[0]) | {"keyframe": keyframe}
    return None


def _frame(frame: VideoFrame) -> dict[str, Any]:
    return {
        "width": frame.width,
        "height": frame.height,
        "rotation": frame.rotation,
        "transfer": frame.color_trc,
        "pixel_format": frame.format.name,
        "interlaced": frame.interlaced_frame,
    }


def main(arguments: list[str]) -> None:
    containers, max_streams, max_pixels, opening_cpu_s, path = arguments
    facts = inspect(
        Path(path),
        containers=containers,
        max_streams=int(max_streams),
        max_pixels=int(max_pixels),
        opening_cpu_s=float(opening_cpu_s),
    )
    print(json.dumps(facts))  # noqa: T201 - the reply


if __name__ == "__main__":
    main(sys.argv[1:])
