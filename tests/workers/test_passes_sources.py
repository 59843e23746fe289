"""Passes over sources out of the ordinary, with the real ffmpeg."""

from itertools import pairwise
from pathlib import Path

from media.probe import probe
from tests.support import decoding, encoding
from tests.support.encoding import FIRST_PLAY, ORIGIN
from tests.support.samples import ffmpeg, make, sample


async def test_a_poster_is_not_larger_than_the_source(samples: Path, tmp_path: Path) -> None:
    output = await encoding.run(FIRST_PLAY, sample(samples, "landscape.mp4"), tmp_path)

    assert output.poster is not None
    assert decoding.image_size(output.poster) == (640, 360)


async def test_a_silent_source_has_pictures_only(samples: Path, tmp_path: Path) -> None:
    path = sample(samples, "silent.mp4")

    first_play = await encoding.run(FIRST_PLAY, path, tmp_path)
    origin = await encoding.run(ORIGIN, path, tmp_path)

    assert [track.name for track in first_play.tracks] == ["360P"]
    assert [track.name for track in origin.tracks] == ["Origin"]


async def test_a_video_of_a_moment_has_a_poster_and_one_tile(tmp_path: Path) -> None:
    path = make(tmp_path / "short.mp4", seconds=0.1, audio=False)

    output = await encoding.run(FIRST_PLAY, path, tmp_path)

    assert output.storyboard is not None
    assert decoding.image_size(output.storyboard.image) == (160, 90)
    assert [track.duration_ms for track in output.tracks] == [100]


async def test_hdr_becomes_a_picture_for_every_screen(samples: Path, tmp_path: Path) -> None:
    output = await encoding.run(FIRST_PLAY, sample(samples, "hdr.mp4"), tmp_path)

    shown = await probe(output.tracks[0].file)
    assert (shown.hdr, shown.pixel_format) == (False, "yuv420p")


async def test_a_variable_frame_rate_becomes_a_constant_one(samples: Path, tmp_path: Path) -> None:
    output = await encoding.run(FIRST_PLAY, sample(samples, "variable_frame_rate.mp4"), tmp_path)

    times = decoding.times(output.tracks[0].file)
    intervals = {round((later - earlier) * 24000) for earlier, later in pairwise(times)}
    assert intervals == {1001}


async def test_the_sound_of_a_transport_stream_can_be_copied(samples: Path, tmp_path: Path) -> None:
    output = await encoding.run(ORIGIN, sample(samples, "transport_stream.ts"), tmp_path)

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
        for track in (await encoding.run(kind, path, tmp_path)).tracks:
            content = track.file.read_bytes()
            assert b"52.52" not in content
            assert b"reboot" not in content


async def test_a_source_that_ends_a_little_early_gives_a_warning(
    samples: Path, tmp_path: Path
) -> None:
    output = await encoding.run(FIRST_PLAY, sample(samples, "mostly_whole.mp4"), tmp_path)

    made_s = output.tracks[0].duration_ms / 1000
    assert output.warning == (
        f"Only {made_s:.1f} of 5.0 seconds have a picture; the file may be cut or damaged."
    )
    assert 2.5 < made_s < 4
