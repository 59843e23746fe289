"""Templates: what each is called, what it allows, and what it makes of a source."""

from dataclasses import replace
from fractions import Fraction

import pytest

from domain.templates import (
    BUILT_IN,
    DEFAULTS,
    FIRST_OWN,
    Encryption,
    Rendition,
    Skip,
    SkipReason,
    Sound,
    Template,
    choose,
    lowest_first,
    rendition,
)
from domain.videos import Resolution
from tests.support.samples import FULL_HD

OURS: dict[str, Template] = {one.name: one for one in BUILT_IN}
OWN = replace(OURS["720P"], number=FIRST_OWN)


def test_no_two_built_in_templates_share_a_number_an_id_a_name_or_files() -> None:
    for of in ("number", "id", "name", "track"):
        assert len({getattr(one, of) for one in BUILT_IN}) == len(BUILT_IN)
    assert max(one.number for one in BUILT_IN) < FIRST_OWN


@pytest.mark.parametrize(
    ("template", "track", "rate"),
    [
        (OURS["360P"], "360P", 800_000),
        (OURS["720P HEVC"], "720P-11", 1_960_000),
        (OURS["1080P AV1"], "1080P-15", 3_000_000),
        (OURS["2160P"], "2160P-8", 16_000_000),
        (OURS["Origin"], "Origin", None),
        (replace(OWN, video_bitrate=123_456), "720P-1001", 123_456),
    ],
)
def test_a_template_has_files_and_a_ceiling_of_its_own(
    template: Template, track: str, rate: int | None
) -> None:
    assert template.track == track
    if rate is not None:
        assert template.max_rate == rate


@pytest.mark.parametrize(
    ("template", "sound"),
    [
        (OURS["360P"], Sound("audio", 128_000, Encryption.NONE)),
        (OURS["1080P AV1"], Sound("audio", 128_000, Encryption.NONE)),
        (replace(OWN, audio_bitrate=128_000), Sound("audio", 128_000, Encryption.NONE)),
        (replace(OWN, audio_bitrate=64_000), Sound("audio-64000", 64_000, Encryption.NONE)),
        (OURS["720P, encrypted"], Sound("audio-aes", 128_000, Encryption.AES_128)),
        (
            replace(OWN, audio_bitrate=96_000, encryption=Encryption.AES_128),
            Sound("audio-aes-96000", 96_000, Encryption.AES_128),
        ),
        (OURS["Origin"], Sound("origin-audio", None, Encryption.NONE)),
        (
            replace(OURS["Origin"], number=FIRST_OWN, audio_bitrate=64_000),
            Sound("origin-audio", None, Encryption.NONE),
        ),
    ],
)
def test_templates_share_a_sound_that_is_the_same_for_both(
    template: Template, sound: Sound
) -> None:
    assert template.sound == sound


def test_a_rendition_is_of_the_source_s_shape_and_at_most_of_the_template_s_rate() -> None:
    tall = replace(FULL_HD, width=1080, height=1920, frame_rate=Fraction(50))
    slow = replace(OWN, max_frame_rate=30)

    assert rendition(tall, slow) == Rendition(slow, 720, 1280, Fraction(25))
    assert rendition(tall, OWN) == Rendition(OWN, 720, 1280, Fraction(50))


def test_what_a_source_does_not_reach_is_skipped_with_a_reason() -> None:
    small = replace(FULL_HD, width=1280, height=720, video_codec="hevc")

    chosen, skipped = choose(small, DEFAULTS)

    assert [one.name for one in chosen] == ["360P", "480P", "720P"]
    assert skipped == [
        Skip(OURS["1080P"], SkipReason.ABOVE_SOURCE),
        Skip(OURS["Origin"], SkipReason.NOT_COPYABLE),
    ]


def test_a_tiny_source_gets_the_lowest_rungs_all_the_same() -> None:
    chosen, _ = choose(replace(FULL_HD, width=64, height=48), BUILT_IN)

    assert [one.name for one in chosen] == ["360P", "Origin", "240P", "360P, encrypted"]


def test_the_order_is_by_the_picture_and_the_origin_comes_last() -> None:
    wanted = [OURS[name] for name in ("Origin", "1080P", "720P HEVC", "240P", "720P")]

    names = [one.name for one in lowest_first(wanted)]

    assert names == ["240P", "720P", "720P HEVC", "1080P", "Origin"]
    assert list(Resolution)[-1] is Resolution.ORIGIN
