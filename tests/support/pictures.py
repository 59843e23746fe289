"""Pictures of all kinds, good and hostile, and what is in one."""

import io
from collections.abc import Callable
from pathlib import Path
from typing import Final

import av
from av.video import VideoFrame

from tests.support import samples

Rgb = tuple[int, int, int]


def make(path: Path, *, size: str = "640x360", options: tuple[str, ...] = ()) -> Path:
    """A picture of the kind that the name says."""
    picture = ("-f", "lavfi", "-i", f"testsrc2=size={size}:rate=1")
    return samples.ffmpeg(*picture, "-frames:v", "1", *options, to=path)


def moving(path: Path) -> Path:
    """Pictures one after another, of the kind that the name says; the first is red."""
    encoders = {".webp": ("-c:v", "libwebp_anim"), ".png": ("-f", "apng")}
    return samples.ffmpeg(*_colors("160x90", 1), *encoders.get(path.suffix, ()), to=path)


def colored(
    path: Path, *, seconds: int = 1, rate: str = "30", options: tuple[str, ...] = samples.X264
) -> Path:
    """A video that is red for so long, then green, then blue."""
    return samples.ffmpeg(*_colors("320x180", seconds, rate), *options, to=path)


def transparent(path: Path) -> Path:
    """Nothing but glass."""
    picture = ("-f", "lavfi", "-i", "color=color=black@0.0:size=64x64,format=rgba")
    return samples.ffmpeg(*picture, "-frames:v", "1", to=path)


def lying(path: Path) -> Path:
    """A JPEG which says, as cameras do, that it has to be turned."""
    whole = make(path, size="320x180").read_bytes()
    # One entry: Orientation (0x0112), a SHORT, 6: the top is on the right.
    entry = b"\x01\x12\x00\x03\x00\x00\x00\x01\x00\x06\x00\x00"
    tiff = b"MM\x00\x2a\x00\x00\x00\x08\x00\x01" + entry + bytes(4)
    exif = b"Exif\x00\x00" + tiff
    segment = b"\xff\xe1" + (len(exif) + 2).to_bytes(2, "big") + exif
    path.write_bytes(whole[:2] + segment + whole[2:])
    return path


def _colors(size: str, seconds: int, rate: str = "5") -> tuple[str, ...]:
    parts = [
        f"color=color={color}:size={size}:rate={rate}:duration={seconds}[{color}]"
        for color in ("red", "lime", "blue")
    ]
    graph = ";".join((*parts, "[red][lime][blue]concat=n=3"))
    return ("-f", "lavfi", "-i", graph)


def opened(data: bytes) -> VideoFrame:
    """The one picture in a JPEG."""
    with av.open(io.BytesIO(data), "r", format="jpeg_pipe") as container:
        (frame,) = container.decode(video=0)
    return frame


def middle(frame: VideoFrame) -> Rgb:
    """The colour in the middle of a picture."""
    image = frame.reformat(format="rgb24")
    plane = image.planes[0]
    at = plane.line_size * (image.height // 2) + 3 * (image.width // 2)
    red, green, blue = bytes(plane)[at : at + 3]
    return red, green, blue


def is_near(found: Rgb, wanted: Rgb) -> bool:
    return all(abs(one - other) <= 12 for one, other in zip(found, wanted, strict=True))


SCRIPT: Final = b"<script>alert(document.domain)</script>"
SVG: Final = (
    b'<svg xmlns="http://www.w3.org/2000/svg" width="64" height="64">'
    b'<image href="file:///etc/passwd" width="64" height="64"/></svg>'
)


def _cut(path: Path) -> bytes:
    return make(path.with_suffix(".png")).read_bytes()[:3_000]


def _said_to_be(width: int, height: int) -> Callable[[Path], bytes]:
    """A small PNG whose header says that it is larger."""

    def write(path: Path) -> bytes:
        whole = make(path.with_suffix(".png")).read_bytes()
        return whole[:16] + width.to_bytes(4, "big") + height.to_bytes(4, "big") + whole[24:]

    return write


def _small_by_its_header(path: Path) -> bytes:
    """A WebP of 8,000 by 5,000 that is said to be drawn on 64 by 64."""
    flat = ("-vf", "scale=8000:5000:flags=neighbor", "-quality", "1")
    drawn = make(path.with_suffix(".webp"), size="80x80", options=flat).read_bytes()[12:]
    canvas = b"VP8X" + (10).to_bytes(4, "little") + bytes(4) + (63).to_bytes(3, "little") * 2
    size = len(b"WEBP" + canvas + drawn).to_bytes(4, "little")
    return b"RIFF" + size + b"WEBP" + canvas + drawn


HOSTILE: Final[dict[str, tuple[Callable[[Path], bytes], str]]] = {
    "empty": (lambda _: b"\n", "no picture"),
    "svg": (lambda _: SVG, "no picture"),
    "html": (lambda _: b"<!doctype html>" + SCRIPT, "no picture"),
    "list of files": (lambda _: b"ffconcat version 1.0\nfile /etc/passwd\n", "no picture"),
    "playlist": (lambda _: b"#EXTM3U\n#EXTINF:1,\nfile:///etc/passwd\n", "no picture"),
    "video": (lambda path: samples.make(path.with_suffix(".mp4"), seconds=1).read_bytes(), "no p"),
    "jpeg by name": (lambda _: b"\xff\xd8\xff\xe0" + SCRIPT, "damaged"),
    "gif and script": (lambda _: b"GIF89a/*" + SCRIPT + b"*/=1;", "pixels"),
    "cut": (_cut, "damaged"),
    "no size": (lambda _: b"\x89PNG\r\n\x1a\n" + bytes(100), "damaged"),
    "too many pixels": (_said_to_be(16_000, 16_000), "16000 x 16000"),
    "too wide": (_said_to_be(30_000, 16), "30000 x 16"),
    "lies about its size": (_small_by_its_header, "damaged"),
}
"""What is no cover, and a part of the sentence that says why."""
