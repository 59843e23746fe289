"""How long transcoding is expected to take."""

from dataclasses import replace
from fractions import Fraction

import pytest

from domain import costs
from domain.estimates import estimate
from domain.templates import BUILT_IN
from domain.videos import Resolution
from tests.support.factories import SOURCE, template

LOW, HIGH = template(Resolution.P360), template(Resolution.P720)


@pytest.mark.parametrize(
    ("width", "height", "rate", "expected"),
    [
        (1920, 1080, Fraction(30), "1080p30"),
        (1080, 1920, Fraction(30000, 1001), "1080p30"),
        (1921, 1081, Fraction(31), "1440p60"),
        (426, 240, Fraction(24), "240p30"),
        (7680, 4320, Fraction(240), "morepmore"),
    ],
)
def test_sources_of_about_the_same_size_and_rate_are_of_a_class(
    width: int, height: int, rate: Fraction, expected: str
) -> None:
    assert (
        costs.source_class(replace(SOURCE, width=width, height=height, frame_rate=rate)) == expected
    )


def test_the_time_of_a_run_is_shared_by_the_work_of_its_templates() -> None:
    found = costs.learned(SOURCE, [LOW, HIGH], seconds=20)
    shares = [one.work for one in estimate(SOURCE, [LOW, HIGH])]
    assert found == {LOW.id: shares[0] * 20 / 4, HIGH.id: shares[1] * 20 / 4}
    assert sum(found.values()) == pytest.approx(20 / 4)


def test_what_was_learned_is_expected_again() -> None:
    known = costs.learned(SOURCE, [LOW, HIGH], seconds=20)
    assert costs.expected_s(SOURCE, [LOW, HIGH], known) == pytest.approx(20)
    longer = replace(SOURCE, duration_ms=40_000)
    assert costs.expected_s(longer, [LOW, HIGH], known) == pytest.approx(200)


def test_what_nobody_has_seen_is_reckoned() -> None:
    low, high = estimate(SOURCE, [LOW, HIGH])
    nothing = costs.expected_s(SOURCE, [LOW, HIGH], {})
    assert nothing == (low.cpu_s + high.cpu_s) / costs.ASSUMED_CORES
    half = costs.expected_s(SOURCE, [LOW, HIGH], {LOW.id: 2.0})
    assert half == 2.0 * 4 + high.cpu_s / costs.ASSUMED_CORES


def test_every_built_in_template_costs_something() -> None:
    large = replace(SOURCE, width=3840, height=2160)
    assert all(costs.expected_s(large, [one], {}) > 0 for one in BUILT_IN)
