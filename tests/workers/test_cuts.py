"""Parts of videos joined into one file, frame by frame, with the real ffmpeg."""

from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import pytest

from domain.errors import TranscodeFailed
from domain.media import Source
from media.cuts import Cut
from media.passes import Encoder, Progress
from media.probe import probe
from tests.support.decoding import luma, sound
from tests.support.samples import FULL_HD, ffmpeg, ffmpeg_path, make, sample

NUMBER = "if(lt(X,32),20+mod(N,10)*20,20+floor(N/10)*10)"
NUMBERED = (
    *("-f", "lavfi", "-i"),
    # The left half tells the number of ones, the right half that of tens, each by its grey.
    f"nullsrc=size=64x64:rate=10,geq=cb=128:cr=128:lum='{NUMBER}'{{}}",
    # A tone that lasts from 8 s to 8.5 s.
    *("-f", "lavfi", "-i", "sine=sample_rate=48000,volume='between(t,8,8.5)':eval=frame"),
    *("-t", "20", "-pix_fmt", "yuv420p", "-c:v", "libx264", "-qp", "5", "-g", "30"),
    *("-fps_mode", "vfr", "-c:a", "aac"),
)


@pytest.fixture(scope="session")
def numbered(samples: Path) -> Path:
    """Two hundred frames, ten a second, each of which shows its number."""
    return _numbered(samples / "numbered.mp4")


@pytest.mark.parametrize(
    ("start_ms", "end_ms", "expected"),
    [
        (0, 1000, range(10)),
        (0, 100, range(1)),
        (2900, 3200, range(29, 32)),  # over a keyframe
        (9700, 12_300, range(97, 123)),
        (9749, 12_251, range(97, 123)),  # to the nearest frames
        (19_900, 20_000, range(199, 200)),
        (1000, 1001, range(10, 11)),  # never nothing
    ],
)
async def test_a_part_has_exactly_the_frames_from_its_start_to_its_end(
    numbered: Path, tmp_path: Path, start_ms: int, end_ms: int, expected: range
) -> None:
    file = await _cut(tmp_path, (numbered, start_ms, end_ms))

    assert _numbers(file) == list(expected)


@pytest.mark.parametrize("name", ["numbered.mkv", "numbered.ts", "numbered.flv"])
async def test_every_container_is_cut_at_the_same_frames(
    numbered: Path, tmp_path: Path, name: str
) -> None:
    path = ffmpeg("-i", str(numbered), "-c", "copy", to=tmp_path / name)
    source = replace(await probe(path), frame_rate=Fraction(10))

    cut = Cut(path, source, 15_500, 16_500)
    file = await _encoder().cut([cut], tmp_path / "cut.mp4", _ignore)

    assert _numbers(file) == list(range(155, 165))


async def test_parts_follow_each_other_without_a_frame_between(
    numbered: Path, tmp_path: Path
) -> None:
    parts = ((12_000, 12_500), (300, 600), (300, 400), (19_500, 20_000))

    file = await _cut(tmp_path, *((numbered, *one) for one in parts))

    assert _numbers(file) == [*range(120, 125), 3, 4, 5, 3, *range(195, 200)]
    assert _times(file) == [Fraction(i, 10) for i in range(14)]


async def test_a_picture_that_stays_is_there_from_the_start(samples: Path, tmp_path: Path) -> None:
    # Nothing moves from 2 s to 9 s, and nothing is written.
    path = _numbered(samples / "still.mkv", ",select='not(between(n,20,89))'")
    source = replace(await probe(path), frame_rate=Fraction(10))

    cut = Cut(path, source, 8700, 9200)
    file = await _encoder().cut([cut], tmp_path / "cut.mp4", _ignore)

    assert _numbers(file) == [19, 19, 19, 90, 91]


async def test_the_sound_stays_with_its_picture(numbered: Path, tmp_path: Path) -> None:
    file = await _cut(tmp_path, (numbered, 12_000, 13_000), (numbered, 7500, 9500))

    start, end = _tone(file)
    assert abs(start - 1.5) < 0.03
    assert abs(end - 2.0) < 0.03


async def test_a_sound_that_ends_early_is_followed_by_silence(
    samples: Path, tmp_path: Path
) -> None:
    landscape = str(sample(samples, "landscape.mp4"))
    both = ("-map", "0:v", "-map", "1:a", "-c", "copy")
    path = ffmpeg("-i", landscape, "-t", "1", "-i", landscape, *both, to=tmp_path / "early.mp4")

    file = await _cut(tmp_path, (path, 0, 2000))

    assert _loudness(file, 0.5, 0.9) > 0.01
    assert _loudness(file, 1.2, 2.0) < 0.001
    assert len(_samples(file)) >= 2 * 48_000


async def test_unlike_videos_become_one(samples: Path, tmp_path: Path) -> None:
    parts = [sample(samples, name) for name in ("landscape.mp4", "rotated.mp4", "silent.mp4")]
    odd = sample(samples, "odd_size_24fps.mp4")
    fast = make(samples / "fast.mp4", size="320x180", rate="60", seconds=1)

    file = await _cut(tmp_path, *((path, 500, 1000) for path in (*parts, odd, fast)))

    made = await probe(file)
    assert (made.width, made.height, made.frame_rate) == (640, 360, Fraction(60))
    assert (made.rotation, made.sample_aspect, made.pixel_format) == (0, 1, "yuv420p")
    assert (made.video_codec, made.audio_codec) == ("h264", "aac")
    assert len(_times(file)) == 150
    assert made.duration_ms == 2500
    loud = [_loudness(file, at, at + 0.3) > 0.01 for at in (0.1, 0.6, 1.1, 1.6, 2.1)]
    assert loud == [True, True, False, True, True]
    assert _borders(file, frame=45) == [16, 16]  # upright beside a landscape: black at both sides
    assert min(_borders(file, frame=15)) > 16


async def test_a_rotated_video_first_makes_an_upright_one(samples: Path, tmp_path: Path) -> None:
    file = await _cut(tmp_path, (sample(samples, "rotated.mp4"), 0, 200))

    made = await probe(file)
    assert (made.width, made.height, made.rotation) == (360, 640, 0)


async def test_hdr_is_mapped_beside_what_is_not(samples: Path, tmp_path: Path) -> None:
    file = await _cut(
        tmp_path, *((sample(samples, name), 0, 200) for name in ("hdr.mp4", "landscape.mp4"))
    )

    made = await probe(file)
    assert (made.hdr, made.pixel_format) == (False, "yuv420p")
    assert len(_times(file)) == 12


async def test_silent_videos_make_a_silent_one(samples: Path, tmp_path: Path) -> None:
    file = await _cut(tmp_path, (sample(samples, "silent.mp4"), 1000, 2000))

    assert (await probe(file)).audio_codec is None
    assert len(_times(file)) == 30


async def test_a_file_can_be_played_before_all_of_it_is_there(
    numbered: Path, tmp_path: Path
) -> None:
    content = (await _cut(tmp_path, (numbered, 0, 1000))).read_bytes()

    assert content.index(b"moov") < content.index(b"mdat")


async def test_a_file_that_is_there_is_written_anew(numbered: Path, tmp_path: Path) -> None:
    await _cut(tmp_path, (numbered, 0, 1000))

    # ffmpeg would leave it as it is and report success.
    assert _numbers(await _cut(tmp_path, (numbered, 500, 700))) == [5, 6]


async def test_nothing_of_the_metadata_is_kept(samples: Path, tmp_path: Path) -> None:
    tags = ("-metadata", "location=+52.5200+013.4050/", "-metadata", "title=secret")
    path = ffmpeg(
        "-i", str(sample(samples, "landscape.mp4")), "-c", "copy", *tags, to=tmp_path / "tagged.mp4"
    )

    content = (await _cut(tmp_path, (path, 0, 500))).read_bytes()

    assert b"52.52" not in content
    assert b"secret" not in content


async def test_a_part_that_its_source_lacks_is_a_failure(samples: Path, tmp_path: Path) -> None:
    with pytest.raises(TranscodeFailed, match=r"Only 2\.\d of 5\.0 seconds") as failure:
        await _cut(tmp_path, (sample(samples, "mostly_missing.mp4"), 0, 5000))

    assert "partial file" in failure.value.log


async def test_a_list_of_other_files_is_not_opened_even_without_a_probe(
    samples: Path, tmp_path: Path
) -> None:
    cut = Cut(sample(samples, "concat_named.mp4"), FULL_HD, 0, 1000)

    with pytest.raises(TranscodeFailed) as failure:
        await _encoder().cut([cut], tmp_path / "cut.mp4", _ignore)

    assert "Format not on whitelist" in failure.value.log


async def test_a_success_that_made_nothing_is_a_failure(tmp_path: Path) -> None:
    cut = Cut(tmp_path / "source", FULL_HD, 0, 1000)

    with pytest.raises(TranscodeFailed, match="What ffmpeg made cannot be used"):
        await Encoder("true").cut([cut], tmp_path / "cut.mp4", _ignore)


async def test_progress_ends_with_all_of_it(numbered: Path, tmp_path: Path) -> None:
    reports: list[Progress] = []
    cut = Cut(numbered, await probe(numbered), 0, 5000)

    await _encoder().cut([cut], tmp_path / "cut.mp4", reports.append)

    assert reports[-1].fraction > 0.9


@pytest.mark.parametrize(("duration_ms", "frames"), [(2000, 60), (1234, 37)])
async def test_a_test_source_lasts_as_long_as_it_shall(
    tmp_path: Path, duration_ms: int, frames: int
) -> None:
    file = await _encoder().test_source(duration_ms, tmp_path / "test.mp4", _ignore, pace=None)

    made = await probe(file)
    assert (made.width, made.height, made.frame_rate) == (1280, 720, Fraction(30))
    assert (made.video_codec, made.audio_codec) == ("h264", "aac")
    assert len(_times(file)) == frames
    assert made.duration_ms == duration_ms


async def test_no_two_frames_of_a_test_source_are_alike(tmp_path: Path) -> None:
    file = await _encoder().test_source(1000, tmp_path / "test.mp4", _ignore, pace=4)

    with av.open(file, "r") as opened:
        frames = {b"".join(luma(frame)) for frame in opened.decode(video=0)}
    assert len(frames) == 30


def _encoder() -> Encoder:
    return Encoder(ffmpeg_path(), threads=2)


def _ignore(_: Progress) -> None:
    """Nobody watches."""


async def _cut(folder: Path, *parts: tuple[Path, int, int]) -> Path:
    sources: dict[Path, Source] = {path: await probe(path) for path, *_ in parts}
    cuts = [Cut(path, sources[path], start_ms, end_ms) for path, start_ms, end_ms in parts]
    return await _encoder().cut(cuts, folder / "cut.mp4", _ignore)


def _numbered(path: Path, filters: str = "") -> Path:
    return ffmpeg(*(word.replace("{}", filters) for word in NUMBERED), to=path)


def _numbers(file: Path) -> list[int]:
    """The number that each frame shows."""
    return [
        round((picture[32][16] - 20) / 20) + 10 * round((picture[32][48] - 20) / 10)
        for picture in _greys(file)
    ]


def _greys(file: Path) -> list[list[bytes]]:
    """The brightness of each frame; by row, then by column."""
    with av.open(file, "r") as opened:
        return [luma(frame.reformat(format="yuv420p")) for frame in opened.decode(video=0)]


def _times(file: Path) -> list[Fraction]:
    with av.open(file, "r") as opened:
        return [
            frame.pts * frame.time_base
            for frame in opened.decode(video=0)
            if frame.pts is not None and frame.time_base is not None
        ]


def _samples(file: Path) -> Sequence[float]:
    with av.open(file, "r") as opened:
        return [one for frame in opened.decode(audio=0) for one in sound(frame)]


def _tone(file: Path) -> tuple[float, float]:
    """When the first and the last loud sample are heard, in seconds."""
    loud = [i for i, one in enumerate(_samples(file)) if abs(one) > 0.05]
    return loud[0] / 48_000, loud[-1] / 48_000


def _loudness(file: Path, start_s: float, end_s: float) -> float:
    return max(abs(one) for one in _samples(file)[int(start_s * 48_000) : int(end_s * 48_000)])


def _borders(file: Path, *, frame: int) -> list[int]:
    """How bright the left and the right edge of a frame are."""
    return [max(row[side] for row in _greys(file)[frame]) for side in (0, -1)]
