"""Which rungs a source gets, and their sizes and rates."""

from dataclasses import replace
from fractions import Fraction

import pytest

from domain import ladder
from domain.videos import Resolution
from tests.support.samples import FULL_HD

P360, P480, P720, P1080 = Resolution.P360, Resolution.P480, Resolution.P720, Resolution.P1080

FILM = Fraction(24000, 1001)
NTSC = Fraction(30000, 1001)


@pytest.mark.parametrize(
    ("width", "height", "highest"),
    [
        (3840, 2160, Resolution.P2160),
        (3840, 2117, Resolution.P1440),
        (2560, 1440, Resolution.P1440),
        (1920, 1080, P1080),
        (1920, 1072, P1080),
        (1920, 1058, P720),
        (1280, 720, P720),
        (720, 1280, P720),
        (855, 481, P480),
        (640, 360, P360),
        (160, 120, P360),
    ],
)
def test_a_source_reaches_the_rungs_up_to_its_short_side(
    width: int, height: int, highest: Resolution
) -> None:
    source = replace(FULL_HD, width=width, height=height)

    reached = [rung for rung in ladder.SHORT_SIDES if ladder.reaches(source, rung)]

    assert reached == list(ladder.SHORT_SIDES)[: list(ladder.SHORT_SIDES).index(highest) + 1]


def test_the_short_side_is_that_of_the_picture_as_shown() -> None:
    squeezed = replace(FULL_HD, width=720, height=1080, sample_aspect=Fraction(1, 2))

    assert ladder.display_size(squeezed) == (360, 1080)
    assert not ladder.reaches(squeezed, P480)


@pytest.mark.parametrize(
    ("rotation", "expected"),
    [(0, (1920, 1080)), (90, (1080, 1920)), (180, (1920, 1080)), (270, (1080, 1920))],
)
def test_a_quarter_turn_swaps_the_sides(rotation: int, expected: tuple[int, int]) -> None:
    assert ladder.display_size(replace(FULL_HD, rotation=rotation)) == expected


def test_the_sample_aspect_belongs_to_the_width_as_coded() -> None:
    television = replace(FULL_HD, width=720, height=576, sample_aspect=Fraction(64, 45))

    assert ladder.display_size(television) == (1024, 576)
    assert ladder.display_size(replace(television, rotation=90)) == (576, 1024)
    assert ladder.target_size(television, P360) == (640, 360)


@pytest.mark.parametrize(
    ("width", "height", "sizes"),
    [
        (1920, 1080, [(640, 360), (854, 480), (1280, 720), (1920, 1080)]),
        (1080, 1920, [(360, 640), (480, 854), (720, 1280), (1080, 1920)]),
        (1920, 800, [(864, 360), (1152, 480), (1728, 720)]),
        (855, 481, [(640, 360), (854, 480)]),
        (853, 479, [(642, 360), (852, 478)]),
    ],
)
def test_a_rung_is_even_and_keeps_the_shape(
    width: int, height: int, sizes: list[tuple[int, int]]
) -> None:
    source = replace(FULL_HD, width=width, height=height)

    reached = [rung for rung in (P360, P480, P720, P1080) if ladder.reaches(source, rung)]
    assert [ladder.target_size(source, rung) for rung in reached] == sizes


def test_a_small_source_is_not_enlarged() -> None:
    assert ladder.target_size(replace(FULL_HD, width=321, height=241), P360) == (320, 240)
    assert ladder.target_size(replace(FULL_HD, width=2000, height=1), P360) == (2000, 2)


def test_origin_has_the_size_of_the_source() -> None:
    odd = replace(FULL_HD, width=855, height=481)

    assert ladder.target_size(odd, Resolution.ORIGIN) == (855, 481)


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        (FILM, FILM),
        (Fraction(2997, 100), NTSC),
        (Fraction(2398, 100), FILM),
        (Fraction(299, 10), NTSC),
        (Fraction(30), Fraction(30)),
        (Fraction(15), Fraction(15)),
        (Fraction(3756, 119), Fraction(3756, 119)),
        (Fraction(60), Fraction(60)),
        (Fraction(100), Fraction(50)),
        (Fraction(120000, 1001), Fraction(60000, 1001)),
        (Fraction(240), Fraction(60)),
        (Fraction(1, 10), Fraction(1, 10)),
    ],
)
def test_the_frame_rate_is_at_most_60_and_standard_if_one_is_near(
    rate: Fraction, expected: Fraction
) -> None:
    assert ladder.frame_rate(replace(FULL_HD, frame_rate=rate)) == expected


@pytest.mark.parametrize(
    ("rate", "most", "expected"),
    [
        (Fraction(60), 60, Fraction(60)),
        (Fraction(60), 30, Fraction(30)),
        (Fraction(60000, 1001), 30, NTSC),
        (Fraction(50), 30, Fraction(25)),
        (Fraction(240), 24, Fraction(20)),
        (FILM, 12, FILM / 2),
        (Fraction(25), 24, Fraction(24)),
        (NTSC, 24, Fraction(24)),
        (Fraction(15), 30, Fraction(15)),
    ],
)
def test_a_lower_ceiling_leaves_frames_out_evenly_unless_too_many(
    rate: Fraction, most: int, expected: Fraction
) -> None:
    assert ladder.frame_rate(replace(FULL_HD, frame_rate=rate), most=most) == expected


@pytest.mark.parametrize(
    ("width", "height", "expected"),
    [
        (1920, 1080, (1280, 720)),
        (640, 360, (1280, 720)),
        (720, 1280, (404, 720)),
        (1000, 100, (1280, 128)),
        (1999, 1, (1280, 2)),
    ],
)
def test_a_picture_in_a_box_touches_it(width: int, height: int, expected: tuple[int, int]) -> None:
    assert ladder.fit_into(replace(FULL_HD, width=width, height=height), 1280, 720) == expected


@pytest.mark.parametrize(
    ("rate", "expected"),
    [
        (Fraction(30), 120),
        (NTSC, 120),
        (FILM, 96),
        (Fraction(25, 2), 50),
        (Fraction(60), 240),
        (Fraction(1, 10), 1),
    ],
)
def test_a_group_of_pictures_lasts_four_seconds_or_a_little_more(
    rate: Fraction, expected: int
) -> None:
    assert ladder.gop(rate) == expected


def test_h264_with_aac_or_without_sound_can_be_copied() -> None:
    assert ladder.origin_possible(FULL_HD)
    assert ladder.origin_possible(replace(FULL_HD, audio_codec=None))


@pytest.mark.parametrize(
    "source",
    [
        replace(FULL_HD, video_codec="hevc"),
        replace(FULL_HD, pixel_format="yuv420p10le"),
        replace(FULL_HD, audio_codec="opus"),
        replace(FULL_HD, rotation=180),
        replace(FULL_HD, sample_aspect=Fraction(64, 45)),
        replace(FULL_HD, keyframe_first=False),
    ],
)
def test_what_some_player_would_show_wrongly_is_not_copied(source: ladder.Source) -> None:
    assert not ladder.origin_possible(source)
