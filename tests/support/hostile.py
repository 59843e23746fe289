"""Files that mean harm, or that a sender or a disk has spoiled. All made of a harmless one."""

import random
import struct
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

from tests.support.samples import AAC, X264, ffmpeg, make

FFCONCAT: Final = "ffconcat version 1.0\nfile '{}'\n"
M3U8: Final = "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{}\n#EXT-X-ENDLIST\n"
MPD: Final = (
    '<?xml version="1.0"?>\n<MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"'
    ' profiles="urn:mpeg:dash:profile:isoff-on-demand:2011"'
    ' mediaPresentationDuration="PT5S"><Period duration="PT5S">'
    '<AdaptationSet mimeType="video/mp4"><Representation id="1" bandwidth="9000">'
    "<BaseURL>{}</BaseURL></Representation></AdaptationSet></Period></MPD>\n"
)
LISTS: Final = {"concat.mp4": FFCONCAT, "list.m3u8": M3U8, "dash.mp4": MPD}
"""Files of text that name another one, with names under which ffmpeg would open that."""

MANY: Final = 100_000


def small(folder: Path, suffix: str = ".mp4") -> Path:
    """A second of 160x90 with sound, in the container of that suffix."""
    path = folder / f"small{suffix}"
    if path.exists():
        return path
    if suffix == ".mp4":
        return make(path, seconds=1, size="160x90")
    return ffmpeg("-i", str(small(folder)), "-c", "copy", to=path)


def index_first(folder: Path) -> Path:
    path = folder / "index_first.mp4"
    return ffmpeg("-i", str(small(folder)), "-c", "copy", "-movflags", "+faststart", to=path)


def interlaced(folder: Path) -> Path:
    weave = ("-vf", "tinterlace=interleave_top,fieldorder=tff", "-flags", "+ildct+ilme")
    picture = ("-f", "lavfi", "-i", "testsrc2=size=320x180:rate=50:duration=1")
    return ffmpeg(*picture, *weave, *X264, to=folder / "interlaced.mp4")


def deep_color(folder: Path) -> Path:
    """HDR in 10 bits, with a color for every pixel."""
    color = "setparams=color_primaries=bt2020:color_trc=arib-std-b67:colorspace=bt2020nc"
    picture = ("-f", "lavfi", "-i", "testsrc2=size=320x180:rate=30:duration=1")
    encode = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv444p10le")
    return ffmpeg(*picture, "-vf", color, *encode, to=folder / "deep_color.mp4")


def sized(folder: Path, *, size: str, rate: str = "25", frames: int = 5) -> Path:
    picture = ("-f", "lavfi", "-i", f"color=size={size}:rate={rate}")
    encode = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv444p")
    return ffmpeg(*picture, "-frames:v", str(frames), *encode, to=folder / f"{size}@{rate}.mp4")


def described(folder: Path, text: str) -> Path:
    """Say the text wherever a file can say something."""
    title = ("-metadata", f"title={text}", "-metadata", f"{text[:20]}={text}")
    streams = ("-metadata:s:v", f"handler_name={text}", "-metadata:s:a", f"title={text}")
    source = ("-i", str(small(folder)), "-c:v", "copy", *AAC)
    return ffmpeg(*source, *title, *streams, to=folder / "described.mkv")


def many_tags(folder: Path, *, count: int = MANY) -> Path:
    tags = (
        _element("67C8", _element("45A3", b"%06d" % i) + _element("4487", b"v"))
        for i in range(count)
    )
    target = _element("63C0", b"")
    body = _element("1254C367", _element("7373", target + b"".join(tags)))
    return _matroska(folder, folder / "many_tags.mkv", body)


def many_chapters(folder: Path, *, count: int = MANY) -> Path:
    chapters = (
        _element("B6", _element("73C4", struct.pack(">I", i + 1)) + _element("91", _time(i)))
        for i in range(count)
    )
    body = _element("1043A770", _element("45B9", b"".join(chapters)))
    return _matroska(folder, folder / "many_chapters.mkv", body)


def many_keys(folder: Path, *, count: int = MANY) -> Path:
    handler = _box(b"hdlr", bytes(8) + b"mdta" + bytes(13))
    names = b"".join(_box(b"mdta", b"%06d" % i) for i in range(count))
    keys = _box(b"keys", struct.pack(">II", 0, count) + names)
    value = _box(b"data", struct.pack(">II", 1, 0) + b"v")
    items = b"".join(_box(struct.pack(">I", i + 1), value) for i in range(count))
    meta = _box(b"meta", handler + keys + _box(b"ilst", items))
    return _with_movie(folder, folder / "many_keys.mp4", lambda movie: movie + meta)


def many_tracks(folder: Path, *, count: int) -> Path:
    def repeat(movie: bytes) -> bytes:
        start = movie.index(b"trak") - 4
        end = start + _size(movie, start)
        return movie[:start] + movie[start:end] * count + movie[end:]

    return _with_movie(folder, folder / f"{count}_tracks.mp4", repeat)


def without_matrix(folder: Path) -> Path:
    """How to turn the picture is all zeros: by no angle that there is."""
    unity = struct.pack(">9I", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)

    def blank(movie: bytes) -> bytes:
        at = movie.index(unity, movie.index(b"tkhd"))
        return movie[:at] + bytes(len(unity)) + movie[at + len(unity) :]

    return _with_movie(folder, folder / "without_matrix.mp4", blank)


def lasting(folder: Path, seconds: float) -> Path:
    """Say so in the header. Also what no clock shows: NaN, infinity, a negative time."""
    whole = small(folder, ".mkv").read_bytes()
    at = whole.index(bytes.fromhex("448988")) + 3
    path = folder / f"lasting_{seconds}.mkv"
    path.write_bytes(whole[:at] + struct.pack(">d", seconds * 1000) + whole[at + 8 :])
    return path


def cut(path: Path, parts: int) -> Iterator[Path]:
    """The file up to each of so many places, evenly spread; each of the files in its turn."""
    whole = path.read_bytes()
    for part in range(1, parts):
        shorter = path.with_name(f"cut{path.suffix}")
        shorter.write_bytes(whole[: len(whole) * part // parts])
        yield shorter


def flipped(path: Path, *, files: int, seed: int) -> Iterator[Path]:
    """So many times the file with one to twelve bits changed, the first ones near its ends."""
    whole = path.read_bytes()
    for number in range(files):
        chance = random.Random(seed * 1_000_003 + number)  # noqa: S311 - the same ones each time
        spoiled = bytearray(whole)
        for _ in range(chance.randint(1, 12)):
            spoiled[_place(chance, len(whole))] ^= 1 << chance.randrange(8)
        other = path.with_name(f"flipped{path.suffix}")
        other.write_bytes(spoiled)
        yield other


def _place(chance: random.Random, size: int) -> int:
    """Headers are small, and lie at either end; half of the changes should meet them."""
    edge = min(size, 1500)
    return chance.choice(
        (chance.randrange(size), chance.randrange(edge), size - 1 - chance.randrange(edge))
    )


def _box(kind: bytes, body: bytes) -> bytes:
    return struct.pack(">I", 8 + len(body)) + kind + body


def _size(content: bytes, at: int) -> int:
    return struct.unpack_from(">I", content, at)[0]


def _with_movie(folder: Path, path: Path, change: Callable[[bytes], bytes]) -> Path:
    """Write the file with another `moov`, which is the last of its boxes."""
    whole = small(folder).read_bytes()
    at = whole.rindex(b"moov") - 4
    path.write_bytes(whole[:at] + _box(b"moov", change(whole[at + 8 : at + _size(whole, at)])))
    return path


def _element(id: str, body: bytes) -> bytes:
    return bytes.fromhex(id) + (len(body) | 1 << 56).to_bytes(8, "big") + body


def _time(chapter: int) -> bytes:
    return struct.pack(">Q", chapter * 1_000_000)


def _matroska(folder: Path, path: Path, body: bytes) -> Path:
    """Write the file with one more element, the first in its segment."""
    whole = small(folder, ".mkv").read_bytes()
    at = whole.index(bytes.fromhex("18538067"))
    path.write_bytes(whole[:at] + _element("18538067", body + whole[at + 12 :]))
    return path
