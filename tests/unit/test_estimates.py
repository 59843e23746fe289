"""What play sets are expected to cost, before they are made."""

from dataclasses import replace
from fractions import Fraction

import pytest

from domain import estimates
from domain.estimates import estimate
from domain.templates import BUILT_IN, Template, rendition
from tests.support.samples import FULL_HD

OURS: dict[str, Template] = {one.name: one for one in BUILT_IN}
SILENT = replace(FULL_HD, audio_codec=None)


@pytest.mark.parametrize(
    ("name", "rate"),
    [
        ("1080P", 4_200_000),
        ("720P", 2_195_348),
        ("360P", 724_195),
        ("1080P HEVC", 2_940_000),
        ("1080P AV1", 2_520_000),
        ("1080P, high quality", 5_000_000),  # the ceiling
    ],
)
def test_a_picture_has_a_common_rate_or_its_ceiling(name: str, rate: int) -> None:
    assert estimates.picture_rate(rendition(FULL_HD, OURS[name])) == rate


def test_the_bytes_are_of_the_picture_and_of_its_part_of_the_sound() -> None:
    one, other, encrypted = estimate(
        FULL_HD, [OURS["1080P"], OURS["720P"], OURS["360P, encrypted"]]
    )

    sound = 128_000 * 60 // 8
    assert one.bytes == 4_200_000 * 60 // 8 + sound // 2
    assert other.bytes == 2_195_348 * 60 // 8 + sound // 2
    assert encrypted.bytes == 724_195 * 60_000 // 8000 + sound


def test_a_silent_source_has_no_bytes_of_sound() -> None:
    (one,) = estimate(SILENT, [OURS["1080P"]])

    assert one.bytes == 31_500_000


def test_a_copy_has_the_bytes_of_its_source() -> None:
    (known,) = estimate(FULL_HD, [OURS["Origin"]], file_size=70_000_000)
    (guessed,) = estimate(SILENT, [OURS["Origin"]])

    assert known.bytes == 70_000_000
    assert guessed.bytes == round(2.5 * 4_200_000) * 60 // 8


def test_the_time_is_of_the_encoder_and_its_part_of_the_decoding() -> None:
    pixels = 1920 * 1080 * 30 * 60 / 1e9
    (alone,) = estimate(FULL_HD, [OURS["1080P"]])
    shared, hevc = estimate(FULL_HD, [OURS["1080P"], OURS["1080P HEVC"]])

    assert alone.cpu_s == pytest.approx(pixels * (12 + 4))
    assert shared.cpu_s == pytest.approx(pixels * (12 + 2))
    assert hevc.cpu_s == pytest.approx(pixels * (30 + 2))


def test_work_is_shared_by_the_time_and_makes_one() -> None:
    parts = estimate(FULL_HD, [OURS[name] for name in ("360P", "720P", "1080P AV1", "Origin")])

    assert sum(one.work for one in parts) == pytest.approx(1)
    assert [round(one.work, 2) for one in parts] == [0.07, 0.18, 0.74, 0.0]
    assert estimate(FULL_HD, []) == []


def test_half_the_frames_take_half_the_time_and_more_than_half_the_bytes() -> None:
    fast = replace(SILENT, frame_rate=Fraction(60))
    half = replace(OURS["720P"], number=1001, max_frame_rate=30)
    whole, thinned = estimate(fast, [OURS["720P"], half])

    decoding = 4 * 1920 * 1080 * 60 * 60 / 1e9 / 2
    assert thinned.cpu_s - decoding == pytest.approx((whole.cpu_s - decoding) / 2)
    assert whole.bytes == 2_800_000 * 60 // 8  # its ceiling
    assert thinned.bytes == 2_195_348 * 60_000 // 8000
