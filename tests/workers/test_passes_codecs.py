"""Codecs, frame rates and sounds that one pass makes beside each other, with the real ffmpeg."""

from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import av
import pytest

from domain import passes
from domain.passes import Pass
from domain.templates import BUILT_IN, DEFAULTS, Encryption
from domain.videos import Resolution
from media import hls
from media.encryption import SegmentKey
from media.passes import Encoder, Output
from media.probe import probe
from tests.support import decoding, encoding
from tests.support.encoding import LADDER
from tests.support.samples import ffmpeg_path, make, sample


@pytest.fixture(scope="session")
async def mixed(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Output:
    """Nine seconds at 60 frames per second: three codecs, and half the frames, from one decode."""
    path = make(samples / "fast.mp4", seconds=9, size="320x180", rate="60")
    ours = {one.name: one for one in BUILT_IN}
    half = replace(ours["360P"], number=1001, max_frame_rate=30, audio_bitrate=64_000)
    others = [replace(ours[name], resolution=Resolution.P360) for name in ("720P HEVC", "720P AV1")]
    templates = [ours["360P"], half, *others]
    source = await probe(path)
    one = Pass(LADDER, templates, passes.sounds_of(source, templates), pictures=True)
    return await encoding.make(one, source, path, tmp_path_factory.mktemp("mixed"))


def test_every_template_has_its_codec_and_every_sound_its_bitrate(mixed: Output) -> None:
    assert {one.name: (one.codecs, one.frame_rate) for one in mixed.tracks} == {
        "360P": ("avc1.640015", 60),
        "360P-1001": ("avc1.64000d", 30),
        "360P-11": ("hvc1.1.6.L60.90", 60),
        "360P-14": ("av01.0.00M.08", 60),
        "audio": ("mp4a.40.2", None),
        "audio-64000": ("mp4a.40.2", None),
    }
    rates = {one.name: one.average_bandwidth for one in mixed.tracks}
    assert rates["audio-64000"] < 80_000 < rates["audio"]
    assert mixed.poster is not None
    assert mixed.storyboard is not None
    assert mixed.storyboard.columns == 9


@pytest.mark.parametrize("name", ["360P", "360P-1001", "360P-11", "360P-14"])
def test_whatever_the_codec_a_segment_is_of_four_seconds_and_stands_alone(
    mixed: Output, name: str
) -> None:
    (track,) = [one for one in mixed.tracks if one.name == name]
    playlist = hls.parse(track.playlist.read_text())
    content = track.file.read_bytes()
    header = content[: playlist.header_size]
    pieces = [content[one.offset : one.offset + one.size] for one in playlist.segments]

    assert [one.duration_us for one in playlist.segments] == [4_000_000, 4_000_000, 1_000_000]
    assert decoding.keyframes(track.file) == [0, 4, 8]
    rate = track.frame_rate or 0
    assert [decoding.frames(header + piece) for piece in pieces] == [4 * rate, 4 * rate, rate]


def test_every_picture_is_of_8_bits_and_shown_from_time_0(mixed: Output) -> None:
    for track in mixed.tracks[:4]:
        times = decoding.times(track.file)
        assert times[0] == 0
        intervals = {round(later - earlier, 4) for earlier, later in pairwise(times)}
        assert intervals == {round(1 / float(track.frame_rate or 1), 4)}
        with av.open(track.file, "r") as opened:
            assert opened.streams.video[0].codec_context.pix_fmt == "yuv420p"


async def test_a_copy_can_be_encrypted_too(samples: Path, tmp_path: Path) -> None:
    path = sample(samples, "landscape.mp4")
    source = await probe(path)
    copy = replace(DEFAULTS[-1], number=1001, encryption=Encryption.AES_128)
    (one,) = passes.plan(source, [copy], pictures=True)

    key = SegmentKey(bytes(16), "key")
    output = await Encoder(ffmpeg_path()).run(one, source, path, tmp_path, lambda _: None, key=key)

    assert [(one.name, one.encrypted) for one in output.tracks] == [
        ("Origin-1001", True),
        ("origin-audio-aes", True),
    ]
