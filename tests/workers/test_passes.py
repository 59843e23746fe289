"""What each pass makes, with the real ffmpeg."""

from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import pytest

from domain.media import Source
from media import hls
from media.passes import Output, Storyboard, Track
from media.probe import probe
from tests.support import decoding, encoding
from tests.support.encoding import FIRST_PLAY, LADDER, ORIGIN
from tests.support.samples import sample


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
async def portrait(samples: Path, tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Five seconds of 720x1280: three rungs, and two segments of each."""
    path = sample(samples, "portrait.mp4")
    folder = tmp_path_factory.mktemp("portrait")
    return Made(
        source=await probe(path),
        first_play=await encoding.run(FIRST_PLAY, path, folder),
        ladder=await encoding.run(LADDER, path, folder),
        origin=await encoding.run(ORIGIN, path, folder),
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

    tracks = [*(await encoding.run(FIRST_PLAY, path, tmp_path)).tracks]
    if len(sizes) > 1:
        tracks += (await encoding.run(LADDER, path, tmp_path)).tracks

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
    first, *others = (decoding.keyframes(track.file) for track in portrait.pictures.values())

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
        assert [decoding.frames(header + piece) for piece in pieces] == [120, 30]


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
    assert decoding.image_size(poster) == (720, 1280)
    assert storyboard == Storyboard(
        image=poster.with_name("storyboard.jpg"),
        columns=5,
        rows=1,
        tile_width=160,
        tile_height=90,
        step_ms=1000,
    )
    assert decoding.image_size(storyboard.image) == (800, 90)


async def test_a_whole_source_gives_no_warning(portrait: Made) -> None:
    assert [portrait.first_play.warning, portrait.ladder.warning, portrait.origin.warning] == [
        None,
        None,
        None,
    ]
