"""What each pass makes, with the real ffmpeg."""

import io
import time
from dataclasses import dataclass, replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import pytest

from domain import passes
from domain.errors import TranscodeFailed
from domain.media import Source
from domain.passes import Pass
from domain.templates import BUILT_IN, DEFAULTS, Encryption, choose
from domain.videos import Resolution, TranscodePass
from media import hls
from media import passes as passes_of
from media.encryption import SegmentKey
from media.passes import Encoder, Output, Storyboard, Track
from media.probe import probe
from tests.support.samples import FULL_HD, ffmpeg, ffmpeg_path, make, sample

FIRST_PLAY, LADDER, ORIGIN = TranscodePass.FIRST_PLAY, TranscodePass.LADDER, TranscodePass.ORIGIN


@dataclass(frozen=True)
class Made:
    """All passes of one source."""

    source: Source
    first_play: Output
    ladder: Output
    origin: Output

    @property
    def pictures(self) -> dict[str, Track]:
        """The encoded ones, lowest first."""
        tracks = (*self.first_play.tracks, *self.ladder.tracks)
        return {track.name: track for track in tracks if track.width}


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.getbasetemp() / "samples"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
async def portrait(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Five seconds of 720x1280: three rungs, and two segments of each."""
    path = sample(samples, "portrait.mp4")
    folder = tmp_path_factory.mktemp("portrait")
    return Made(
        source=await probe(path),
        first_play=await _run(FIRST_PLAY, path, folder),
        ladder=await _run(LADDER, path, folder),
        origin=await _run(ORIGIN, path, folder),
    )


@pytest.mark.parametrize(
    ("name", "sizes"),
    [
        ("landscape.mp4", {"360P": (640, 360)}),
        ("odd_size_24fps.mp4", {"360P": (640, 360), "480P": (854, 480)}),
        ("rotated.mp4", {"360P": (360, 640)}),
        ("anamorphic.mp4", {"360P": (640, 360), "480P": (854, 480)}),
        (
            "full_hd.mp4",
            {"360P": (640, 360), "480P": (854, 480), "720P": (1280, 720), "1080P": (1920, 1080)},
        ),
    ],
)
async def test_every_rung_has_its_size(
    samples: Path, tmp_path: Path, name: str, sizes: dict[str, tuple[int, int]]
) -> None:
    path = sample(samples, name)

    tracks = [*(await _run(FIRST_PLAY, path, tmp_path)).tracks]
    if len(sizes) > 1:
        tracks += (await _run(LADDER, path, tmp_path)).tracks

    assert {one.name: (one.width, one.height) for one in tracks if one.width} == sizes


def test_the_tracks_of_a_portrait_are_described_exactly(portrait: Made) -> None:
    described = {
        name: (one.width, one.height, one.frame_rate, one.duration_ms, one.codecs, one.channels)
        for name, one in portrait.pictures.items()
    }

    rate = Fraction(30)
    assert described == {
        "360P": (360, 640, rate, 5000, "avc1.64001e", None),
        "480P": (480, 854, rate, 5000, "avc1.64001f", None),
        "720P": (720, 1280, rate, 5000, "avc1.64001f", None),
    }


def test_the_sound_is_encoded_once(portrait: Made) -> None:
    sounds = [one for one in (*portrait.first_play.tracks, *portrait.ladder.tracks) if one.channels]

    assert [(one.name, one.codecs, one.channels, one.width, one.frame_rate) for one in sounds] == [
        ("audio", "mp4a.40.2", 2, None, None)
    ]


def test_an_origin_is_the_source_in_two_tracks(portrait: Made) -> None:
    picture, sound = portrait.origin.tracks

    assert (picture.name, picture.width, picture.height) == ("Origin", 720, 1280)
    assert (picture.frame_rate, picture.duration_ms) == (Fraction(30), 5000)
    assert (sound.name, sound.channels) == ("origin-audio", 2)
    assert portrait.origin.poster is None
    assert portrait.origin.storyboard is None


def test_keyframes_lie_at_the_same_times_in_every_rung(portrait: Made) -> None:
    first, *others = (_keyframes(track.file) for track in portrait.pictures.values())

    assert len(first) == 2
    assert round(first[1] - first[0], 6) == 4
    assert others == [first, first]


def test_a_playlist_fills_its_file(portrait: Made) -> None:
    for track in (*portrait.first_play.tracks, *portrait.ladder.tracks, *portrait.origin.tracks):
        playlist = hls.parse(track.playlist.read_text())
        assert playlist.uri == track.file.name
        assert playlist.size == track.size == track.file.stat().st_size
        assert track.playlist.read_text() == hls.render(playlist)


def test_a_bandwidth_is_measured_and_below_the_ceiling(portrait: Made) -> None:
    ceilings = {"360P": 800_000, "480P": 1_400_000, "720P": 2_800_000}
    # The decoder's buffer, of two seconds, comes on top of the rate.
    allowed = {name: ceiling * (4 + 2) / 4 for name, ceiling in ceilings.items()}

    for name, track in portrait.pictures.items():
        assert 0 < track.average_bandwidth <= track.bandwidth <= allowed[name]


def test_every_segment_can_be_decoded_on_its_own(portrait: Made) -> None:
    for track in portrait.pictures.values():
        content = track.file.read_bytes()
        playlist = hls.parse(track.playlist.read_text())
        header = content[: playlist.header_size]
        pieces = [content[one.offset : one.offset + one.size] for one in playlist.segments]
        assert [_frames(header + piece) for piece in pieces] == [120, 30]


async def test_a_track_plays_as_a_plain_file(portrait: Made) -> None:
    for track in portrait.pictures.values():
        source = await probe(track.file)
        assert (source.width, source.height) == (track.width, track.height)
        assert (source.video_codec, source.pixel_format) == ("h264", "yuv420p")
        assert (source.rotation, source.sample_aspect) == (0, 1)
        assert source.frame_rate == track.frame_rate


def test_a_poster_and_a_storyboard_have_their_sizes(portrait: Made) -> None:
    poster, storyboard = portrait.first_play.poster, portrait.first_play.storyboard

    assert poster is not None
    assert storyboard is not None
    assert _image_size(poster) == (720, 1280)
    assert storyboard == Storyboard(
        image=poster.with_name("storyboard.jpg"),
        columns=5,
        rows=1,
        tile_width=160,
        tile_height=90,
        step_ms=1000,
    )
    assert _image_size(storyboard.image) == (800, 90)


async def test_a_poster_is_not_larger_than_the_source(samples: Path, tmp_path: Path) -> None:
    output = await _run(FIRST_PLAY, sample(samples, "landscape.mp4"), tmp_path)

    assert output.poster is not None
    assert _image_size(output.poster) == (640, 360)


async def test_a_silent_source_has_pictures_only(samples: Path, tmp_path: Path) -> None:
    path = sample(samples, "silent.mp4")

    first_play = await _run(FIRST_PLAY, path, tmp_path)
    origin = await _run(ORIGIN, path, tmp_path)

    assert [track.name for track in first_play.tracks] == ["360P"]
    assert [track.name for track in origin.tracks] == ["Origin"]


async def test_a_video_of_a_moment_has_a_poster_and_one_tile(tmp_path: Path) -> None:
    path = make(tmp_path / "short.mp4", seconds=0.1, audio=False)

    output = await _run(FIRST_PLAY, path, tmp_path)

    assert output.storyboard is not None
    assert _image_size(output.storyboard.image) == (160, 90)
    assert [track.duration_ms for track in output.tracks] == [100]


async def test_hdr_becomes_a_picture_for_every_screen(samples: Path, tmp_path: Path) -> None:
    output = await _run(FIRST_PLAY, sample(samples, "hdr.mp4"), tmp_path)

    shown = await probe(output.tracks[0].file)
    assert (shown.hdr, shown.pixel_format) == (False, "yuv420p")


async def test_a_variable_frame_rate_becomes_a_constant_one(samples: Path, tmp_path: Path) -> None:
    output = await _run(FIRST_PLAY, sample(samples, "variable_frame_rate.mp4"), tmp_path)

    times = _times(output.tracks[0].file)
    intervals = {round((later - earlier) * 24000) for earlier, later in pairwise(times)}
    assert intervals == {1001}


async def test_the_sound_of_a_transport_stream_can_be_copied(samples: Path, tmp_path: Path) -> None:
    output = await _run(ORIGIN, sample(samples, "transport_stream.ts"), tmp_path)

    assert [(track.name, track.codecs) for track in output.tracks] == [
        ("Origin", "avc1.42c01e"),
        ("origin-audio", "mp4a.40.2"),
    ]


async def test_nothing_of_the_metadata_is_kept(samples: Path, tmp_path: Path) -> None:
    tags = ("-metadata", "location=+52.5200+013.4050/", "-metadata", "title=$(reboot) %d")
    path = tmp_path / "tagged.mp4"
    landscape = sample(samples, "landscape.mp4")
    ffmpeg("-i", str(landscape), "-c", "copy", *tags, to=path)

    for kind in (FIRST_PLAY, ORIGIN):
        for track in (await _run(kind, path, tmp_path)).tracks:
            content = track.file.read_bytes()
            assert b"52.52" not in content
            assert b"reboot" not in content


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
    return await _make(one, source, path, tmp_path_factory.mktemp("mixed"))


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
    assert _keyframes(track.file) == [0, 4, 8]
    rate = track.frame_rate or 0
    assert [_frames(header + piece) for piece in pieces] == [4 * rate, 4 * rate, rate]


def test_every_picture_is_of_8_bits_and_shown_from_time_0(mixed: Output) -> None:
    for track in mixed.tracks[:4]:
        times = _times(track.file)
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


async def test_a_pace_holds_ffmpeg_back(samples: Path, tmp_path: Path) -> None:
    path = make(samples / "two_seconds.mp4", seconds=2)
    source = await probe(path)
    (one,) = passes.plan(source, [DEFAULTS[-1]], pictures=False)

    started = time.monotonic()
    await Encoder(ffmpeg_path()).run(one, source, path, tmp_path, lambda _: None, pace=2)

    # Of the two seconds of video, ffmpeg reads the first half at once.
    assert 0.7 < time.monotonic() - started < 10


def test_a_large_picture_may_use_more_memory_and_a_slow_codec_more_time() -> None:
    ours = {one.name: one for one in BUILT_IN}
    large = replace(FULL_HD, width=3840, height=2160)
    small, hevc = Pass(LADDER, [ours["360P"]]), Pass(LADDER, [ours["2160P HEVC"]])

    usual, slow = (passes_of._pass_limits(one, large, 1, pace=None) for one in (small, hevc))

    assert slow.memory == (4 << 30) + 450 * 3840 * 2160
    assert usual.cpu_s == 60 + 40 * 60
    assert slow.cpu_s == 5077  # ten times 34 s for a thousand million pixels
    paced = passes_of._pass_limits(small, large, 1, pace=0.01)
    assert paced.wall_s == 60 + 2 * 60 / 0.01


async def test_a_source_that_ends_a_little_early_gives_a_warning(
    samples: Path, tmp_path: Path
) -> None:
    output = await _run(FIRST_PLAY, sample(samples, "mostly_whole.mp4"), tmp_path)

    made_s = output.tracks[0].duration_ms / 1000
    assert output.warning == (
        f"Only {made_s:.1f} of 5.0 seconds have a picture; the file may be cut or damaged."
    )
    assert 2.5 < made_s < 4


async def test_a_whole_source_gives_no_warning(portrait: Made) -> None:
    assert [portrait.first_play.warning, portrait.ladder.warning, portrait.origin.warning] == [
        None,
        None,
        None,
    ]


@pytest.mark.parametrize("kind", [FIRST_PLAY, ORIGIN])
async def test_a_source_that_ends_before_its_half_fails(
    samples: Path, tmp_path: Path, kind: TranscodePass
) -> None:
    with pytest.raises(TranscodeFailed, match=r"Only 1\.\d of 5\.0 seconds") as failure:
        await _run(kind, sample(samples, "mostly_missing.mp4"), tmp_path)

    assert "partial file" in failure.value.log


async def test_a_failing_ffmpeg_gives_its_log(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("Not a video.\n")

    with pytest.raises(TranscodeFailed, match="ffmpeg ended with exit code") as failure:
        await _encode(FIRST_PLAY, FULL_HD, tmp_path / "text", tmp_path)

    assert "Invalid data found when processing input" in failure.value.log


async def test_a_list_of_other_files_is_not_opened_even_without_a_probe(
    samples: Path, tmp_path: Path
) -> None:
    sample(samples, "landscape.mp4")

    with pytest.raises(TranscodeFailed) as failure:
        await _encode(FIRST_PLAY, FULL_HD, sample(samples, "concat_named.mp4"), tmp_path)

    assert "Format not on whitelist" in failure.value.log


async def test_a_success_that_made_nothing_is_a_failure(tmp_path: Path) -> None:
    (tmp_path / "source").touch()

    with pytest.raises(TranscodeFailed) as failure:
        await _encode(ORIGIN, FULL_HD, tmp_path / "source", tmp_path, ffmpeg="true")

    assert str(failure.value) == "What ffmpeg made cannot be used. There is no Origin.m3u8."


async def test_a_file_of_another_size_than_its_playlist_says_is_a_failure(
    samples: Path, tmp_path: Path
) -> None:
    wrapper = tmp_path / "ffmpeg"
    wrapper.write_text(f'#!/bin/sh\n{ffmpeg_path()} "$@" && echo more >> {tmp_path}/360P.mp4\n')
    wrapper.chmod(0o755)
    path = sample(samples, "silent.mp4")

    with pytest.raises(TranscodeFailed) as failure:
        await _encode(FIRST_PLAY, await probe(path), path, tmp_path, ffmpeg=str(wrapper))

    assert str(failure.value) == (
        "What ffmpeg made cannot be used. 360P.mp4 is not of the size that its playlist says."
    )


async def _run(kind: TranscodePass, input: Path, output: Path) -> Output:
    return await _encode(kind, await probe(input), input, output)


async def _encode(
    kind: TranscodePass, source: Source, input: Path, output: Path, *, ffmpeg: str | None = None
) -> Output:
    chosen, _ = choose(source, DEFAULTS)
    (one,) = [each for each in passes.plan(source, chosen, pictures=True) if each.kind is kind]
    return await _make(one, source, input, output, ffmpeg=ffmpeg)


async def _make(
    one: Pass, source: Source, input: Path, output: Path, *, ffmpeg: str | None = None
) -> Output:
    encoder = Encoder(ffmpeg or ffmpeg_path(), threads=2)
    return await encoder.run(one, source, input, output, lambda _: None)


def _times(file: Path) -> list[float]:
    """When each picture is shown, in seconds."""
    with av.open(file, "r") as opened:
        return [frame.time for frame in opened.decode(video=0)]


def _keyframes(file: Path) -> list[float]:
    with av.open(file, "r") as opened:
        return [
            float(packet.pts * packet.time_base)
            for packet in opened.demux(video=0)
            if packet.is_keyframe and packet.pts is not None
        ]


def _frames(content: bytes) -> int:
    with av.open(io.BytesIO(content), "r") as opened:
        return sum(1 for _ in opened.decode(video=0))


def _image_size(file: Path) -> tuple[int, int]:
    with av.open(file, "r") as opened:
        frame = next(opened.decode(video=0))
        return frame.width, frame.height
