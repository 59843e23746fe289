"""ffmpeg's arguments for cuts."""

from dataclasses import replace
from fractions import Fraction

from media import cuts
from media.cuts import Cut
from tests.support.arguments import INPUT, OUTPUT, cut, values
from tests.support.samples import FULL_HD


def test_every_part_of_a_cut_is_sought_in_its_input_a_little_before_it() -> None:
    arguments = cut(FULL_HD, (10_034, 12_000), (7000, 8000))

    assert values(arguments, "-ss") == ["5.033333", "2.000000"]
    assert values(arguments, "-i") == ["file:/in/source"] * 2


def test_a_part_near_the_start_is_not_sought() -> None:
    assert "-ss" not in cut(FULL_HD, (4000, 5000))


def test_a_container_without_an_index_is_read_from_earlier_on() -> None:
    stream = replace(FULL_HD, container="mpegts")

    arguments = cut(stream, (5000, 6000), (30_000, 31_000))

    assert values(arguments, "-ss") == ["10.000000"]
    (graph,) = values(arguments, "-filter_complex")
    assert "[0:V:0]setpts=PTS-(599/120)/TB," in graph  # 5 s, less a quarter of a frame
    assert "[1:a:0]asetpts=PTS-(20/1)/TB," in graph


def test_unlike_parts_are_fitted_into_the_first() -> None:
    odd = replace(FULL_HD, width=1281, height=721, frame_rate=Fraction(25))
    tall = replace(FULL_HD, width=720, height=1280, audio_codec=None, frame_rate=Fraction(60))

    parts = [Cut(INPUT, odd, 0, 1000), Cut(INPUT, tall, 0, 500)]
    whole = cuts.canvas(parts)
    (graph,) = values(cuts.command(parts, OUTPUT), "-filter_complex")

    assert (whole.width, whole.height, whole.frame_rate, whole.sound) == (1280, 720, 60, True)
    assert [whole.frames(one) for one in parts] == [60, 30]
    assert cuts.duration_ms(parts) == 1500
    assert "scale=404:720:flags=bicubic,pad=1280:720:-1:-1" in graph
    assert "anullsrc=r=48000:cl=stereo,atrim=end_sample=24000[a1]" in graph
    assert graph.endswith("[v0][a0][v1][a1]concat=n=2:v=1:a=1[v][a]")


def test_parts_without_any_sound_make_a_silent_video() -> None:
    arguments = cut(replace(FULL_HD, audio_codec=None), (0, 1000), (2000, 3000))

    assert values(arguments, "-map") == ["[v]"]
    (graph,) = values(arguments, "-filter_complex")
    assert graph.endswith("[v0][v1]concat=n=2:v=1:a=0[v]")
