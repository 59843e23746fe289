"""Sample files, good and hostile, made with the real ffmpeg. Each is made once for a folder."""

import functools
import os
import subprocess
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Final

import imageio_ffmpeg  # pyright: ignore[reportMissingTypeStubs] - it has none

from domain.media import Source

SECONDS: Final = 5
"""How long a sample lasts if its recipe does not say otherwise."""

FULL_HD: Final = Source(
    container="mov,mp4,m4a,3gp,3g2,mj2",
    duration_ms=60_000,
    width=1920,
    height=1080,
    rotation=0,
    sample_aspect=Fraction(1),
    frame_rate=Fraction(30),
    video_codec="h264",
    pixel_format="yuv420p",
    audio_codec="aac",
    hdr=False,
)
"""A minute of 1080p30 with sound; tests of pure code `replace` what they are about."""

X264: Final = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p", "-g", "60")
AAC: Final = ("-c:a", "aac", "-b:a", "96k", "-ac", "2")


@functools.cache
def ffmpeg_path() -> str:
    return imageio_ffmpeg.get_ffmpeg_exe()


def make(
    path: Path,
    *,
    seconds: float = SECONDS,
    size: str = "640x360",
    rate: str = "30",
    audio: bool = True,
) -> Path:
    """Make an H.264 file with a moving picture, and a tone in stereo AAC. Returns `path`."""
    sound = (*_tone(seconds), *AAC) if audio else ()
    return ffmpeg(*_picture(seconds, size, rate), *sound, *X264, to=path)


def ffmpeg(*arguments: str, to: Path) -> Path:
    """Run ffmpeg and return the file, which is there only when it is whole."""
    unfinished = to.with_name(f"{os.getpid()}-{to.name}")
    command = [ffmpeg_path(), "-hide_banner", "-loglevel", "error", "-y", *arguments]
    subprocess.run([*command, str(unfinished)], check=True, stdin=subprocess.DEVNULL)
    return unfinished.replace(to)


def sample(folder: Path, name: str) -> Path:
    """Give the sample `name` of RECIPES, made in `folder` at the first call."""
    path = folder / name
    return path if path.exists() else RECIPES[name](path)


def _picture(seconds: float, size: str, rate: str) -> tuple[str, ...]:
    return ("-f", "lavfi", "-i", f"testsrc2=size={size}:rate={rate}:duration={seconds}")


def _tone(seconds: float) -> tuple[str, ...]:
    return ("-f", "lavfi", "-i", f"sine=frequency=440:sample_rate=48000:duration={seconds}")


def _text(content: str) -> Callable[[Path], Path]:
    def write(path: Path) -> Path:
        path.write_text(content)
        return path

    return write


def _odd_size_24fps(path: Path) -> Path:
    # Only 4:4:4 can have odd sizes, so the source is scaled to one.
    filters = "scale=855:481,setsar=1,format=yuv444p"
    encode = ("-vf", filters, "-c:v", "libx264", "-preset", "ultrafast")
    return ffmpeg(*_picture(3, "864x486", "24000/1001"), *_tone(3), *encode, *AAC, to=path)


def _rotated(path: Path) -> Path:
    upright = sample(path.parent, "landscape.mp4")
    # Counterclockwise, as ffmpeg counts.
    return ffmpeg("-display_rotation", "-90", "-i", str(upright), "-c", "copy", to=path)


def _anamorphic(path: Path) -> Path:
    return ffmpeg(*_picture(2, "720x576", "25"), "-vf", "setsar=64/45", *X264, to=path)


def _hdr(path: Path) -> Path:
    color = "setparams=color_primaries=bt2020:color_trc=smpte2084:colorspace=bt2020nc"
    encode = ("-c:v", "libx264", "-preset", "ultrafast", "-pix_fmt", "yuv420p10le")
    return ffmpeg(*_picture(2, "640x360", "30"), "-vf", color, *encode, to=path)


def _variable_frame_rate(path: Path) -> Path:
    # Every frame for a second, then every third one.
    drop = ("-vf", "select='lt(t,1)+not(mod(n,3))'", "-fps_mode", "vfr")
    return ffmpeg(*_picture(4, "640x360", "30"), *drop, *X264, to=path)


def _truncated(path: Path) -> Path:
    whole = sample(path.parent, "landscape.mp4").read_bytes()
    path.write_bytes(whole[: len(whole) // 2])  # the index is at the end
    return path


def _cut_short(path: Path, *, keep: float) -> Path:
    """Write the start of a file whose index comes first and promises all of it."""
    whole = path.with_name(f"whole-{path.name}")
    source = sample(path.parent, "landscape.mp4")
    ffmpeg("-i", str(source), "-c", "copy", "-movflags", "+faststart", to=whole)
    path.write_bytes(whole.read_bytes()[: int(whole.stat().st_size * keep)])
    return path


def _huge_picture(path: Path) -> Path:
    size = ("-vf", "scale=16000:16000:flags=neighbor,format=gray")
    picture = ("-f", "lavfi", "-i", "color=color=gray:size=160x160:rate=1:duration=1")
    return ffmpeg(*picture, *size, "-c:v", "png", "-frames:v", "1", to=path)


def _no_duration(path: Path) -> Path:
    return ffmpeg("-i", str(sample(path.parent, "silent.mp4")), "-c", "copy", "-live", "1", to=path)


def _many_streams(path: Path) -> Path:
    source = sample(path.parent, "landscape.mp4")
    sounds = ("-map", "0:a") * 16
    return ffmpeg("-i", str(source), "-map", "0:v", *sounds, "-t", "1", "-c", "copy", to=path)


def _slow(path: Path, *, hours: int) -> Path:
    """Show one picture for so long."""
    rate = ("-c:v", "libx264", "-r", f"1/{hours * 1800}")
    picture = f"color=size=64x64:rate=1/{hours * 1800}:duration={hours * 3600}"
    return ffmpeg("-f", "lavfi", "-i", picture, *rate, to=path)


def _transport_stream(path: Path) -> Path:
    return ffmpeg("-i", str(sample(path.parent, "landscape.mp4")), "-c", "copy", to=path)


def _starts_between_keyframes(path: Path) -> Path:
    whole = sample(path.parent, "transport_stream.ts").read_bytes()
    packet = 188
    path.write_bytes(whole[len(whole) // packet // 5 * packet :])
    return path


def _no_picture_data(path: Path) -> Path:
    """Overwrite all that the header points to."""
    whole = sample(path.parent, "silent.mp4").read_bytes()
    start, end = whole.index(b"mdat") + 4, whole.rindex(b"moov") - 4
    path.write_bytes(whole[:start] + bytes(end - start) + whole[end:])
    return path


def _song_with_cover(path: Path) -> Path:
    cover = ("-i", str(sample(path.parent, "png_named.mp4")), "-c:v", "copy")
    return ffmpeg(*_tone(2), *cover, "-disposition:v", "attached_pic", *AAC, to=path)


def _png(path: Path) -> Path:
    return ffmpeg(
        *_picture(1, "64x64", "1"), "-frames:v", "1", "-c:v", "png", "-f", "image2", to=path
    )


RECIPES: Final[dict[str, Callable[[Path], Path]]] = {
    "landscape.mp4": make,
    "full_hd.mp4": functools.partial(make, size="1920x1080", seconds=2),
    "portrait.mp4": functools.partial(make, size="720x1280"),
    "silent.mp4": functools.partial(make, audio=False),
    "odd_size_24fps.mp4": _odd_size_24fps,
    "rotated.mp4": _rotated,
    "anamorphic.mp4": _anamorphic,
    "hdr.mp4": _hdr,
    "variable_frame_rate.mp4": _variable_frame_rate,
    "transport_stream.ts": _transport_stream,
    "starts_between_keyframes.ts": _starts_between_keyframes,
    "truncated.mp4": _truncated,
    "no_picture_data.mp4": _no_picture_data,
    "mostly_whole.mp4": functools.partial(_cut_short, keep=0.7),
    "mostly_missing.mp4": functools.partial(_cut_short, keep=0.3),
    "huge_picture.mov": _huge_picture,
    "no_duration.mkv": _no_duration,
    "many_streams.mp4": _many_streams,
    "too_long.mp4": functools.partial(_slow, hours=13),
    "absurd_frame_rate.mp4": functools.partial(make, seconds=0.1, rate="1000", audio=False),
    "sound_only.mp4": lambda path: ffmpeg(*_tone(2), *AAC, to=path),
    "song_with_cover.mp4": _song_with_cover,
    "png_named.mp4": _png,
    "text_named.mp4": _text("Not a video, whatever the name says.\n"),
    "playlist_named.mp4": _text(
        "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\nlandscape.mp4\n#EXT-X-ENDLIST\n"
    ),
    "concat_named.mp4": _text("ffconcat version 1.0\nfile landscape.mp4\n"),
    "empty.mp4": _text(""),
}
