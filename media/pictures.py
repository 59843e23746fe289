"""What kind of picture a file is, and how large, by its own first bytes. Nothing is decoded.

A header can lie: ffmpeg, which is told what kind it is, measures again and refuses.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Final

from domain.covers import MAX_SIDE
from domain.errors import MediaRefused
from domain.media import Refusal
from media.commands import MAX_PIXELS

HEAD: Final = 64
"""Bytes in which all but JPEG say how large they are."""
MOST_SEGMENTS: Final = 1_000
"""Of a JPEG before its picture: each has up to 64 KiB of what a camera had to say."""
_MARKER: Final = 0xFF
_FRAMES: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
"""Markers of JPEG that are followed by the size of the picture."""
_BARE: Final = frozenset({0x01, *range(0xD0, 0xD9)})
"""Markers of JPEG that have no length behind them."""
_ANIMATED: Final = 0x02

Size = tuple[int, int]


@dataclass(frozen=True, slots=True)
class Picture:
    """A picture by its header; the size is pixels, as coded."""

    demuxer: str
    """Which of ffmpeg's reads it."""
    width: int
    height: int


def look(path: Path) -> Picture:
    """What the file says that it is. Raises `MediaRefused`."""
    with path.open("rb") as file:
        picture = _read(file)
    if picture is None:
        raise MediaRefused(
            Refusal.NOT_MEDIA, "The file is no picture of JPEG, PNG, WebP, GIF or BMP."
        )
    _check_size(picture.width, picture.height)
    return picture


def _check_size(width: int, height: int) -> None:
    if min(width, height) < 1:
        raise damaged("It does not say how large it is.")
    if max(width, height) > MAX_SIDE or width * height > MAX_PIXELS:
        raise MediaRefused(
            Refusal.TOO_MANY_PIXELS,
            f"The picture has {width} x {height} pixels; the limits are {MAX_SIDE} on a side and"
            f" {MAX_PIXELS} in all.",
        )


def damaged(why: str) -> MediaRefused:
    return MediaRefused(Refusal.DAMAGED, f"The picture is damaged, or a part is missing. {why}")


def _read(file: BinaryIO) -> Picture | None:
    head = file.read(HEAD).ljust(HEAD, b"\0")
    if head.startswith(b"\x89PNG\r\n\x1a\n"):
        return Picture("png_pipe", _big(head[16:20]), _big(head[20:24]))
    if head.startswith(b"\xff\xd8\xff"):
        return Picture("jpeg_pipe", *_jpeg(file))
    if head.startswith((b"GIF87a", b"GIF89a")):
        return Picture("gif", _little(head[6:8]), _little(head[8:10]))
    if head.startswith(b"RIFF") and head[8:12] == b"WEBP":
        return _webp(head[12:])
    if head.startswith(b"BM"):
        return _bmp(head)
    return None


def _big(some: bytes) -> int:
    return int.from_bytes(some, "big")


def _little(some: bytes) -> int:
    return int.from_bytes(some, "little")


def _jpeg(file: BinaryIO) -> Size:
    """The size that the first frame has, behind whatever comes before; (0, 0) without one."""
    file.seek(2)
    for _ in range(MOST_SEGMENTS):
        start = file.read(4)
        if len(start) < 4 or start[0] != _MARKER:  # noqa: PLR2004  (and a length)
            break
        if start[1] in _FRAMES:
            sizes = file.read(5)
            return _big(sizes[3:5]), _big(sizes[1:3])
        if start[1] in _BARE:
            file.seek(-2, 1)
        elif start[1] == _MARKER:  # there may be more than one in front of it
            file.seek(-3, 1)
        else:
            file.seek(max(0, _big(start[2:4]) - 2), 1)
    return 0, 0


def _webp(chunk: bytes) -> Picture | None:
    """By the file's first chunk; a canvas is as large as all that is drawn on it."""
    body = chunk[8:]
    match chunk[:4]:
        case b"VP8 ":
            return Picture("webp_pipe", _little(body[6:8]) & 0x3FFF, _little(body[8:10]) & 0x3FFF)
        case b"VP8L":
            bits = _little(body[1:5])
            return Picture("webp_pipe", (bits & 0x3FFF) + 1, (bits >> 14 & 0x3FFF) + 1)
        case b"VP8X":
            demuxer = "webp_anim" if body[0] & _ANIMATED else "webp_pipe"
            return Picture(demuxer, _little(body[4:7]) + 1, _little(body[7:10]) + 1)
        case _:
            return None


def _bmp(head: bytes) -> Picture:
    if _little(head[14:18]) == 12:  # noqa: PLR2004  (the header of the first version)
        return Picture("bmp_pipe", _little(head[18:20]), _little(head[20:22]))
    height = int.from_bytes(head[22:26], "little", signed=True)  # negative: from the top
    return Picture("bmp_pipe", _little(head[18:22]), abs(height))
