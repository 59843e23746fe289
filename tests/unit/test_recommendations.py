"""What speaks for a video, and how much."""

import pytest

from domain.errors import LimitExceeded
from domain.recommendations import (
    LEAST,
    WEIGHTS,
    Reason,
    Signals,
    check_excluded,
    co_watched,
    freshness,
    reasons,
    score,
)


def test_everything_together_is_one() -> None:
    assert sum(WEIGHTS.values()) == pytest.approx(1.0)
    assert set(WEIGHTS) == set(Reason)


def test_what_everybody_watches_is_near_to_nothing_in_particular() -> None:
    in_particular = co_watched(8, (10, 10))
    popular = co_watched(9, (10, 1_000))
    assert (round(in_particular, 3), round(popular, 3)) == (0.727, 0.089)


def test_one_viewer_says_less_than_many() -> None:
    assert (co_watched(1, (1, 1)), co_watched(99, (99, 99))) == (0.5, 0.99)


def test_new_wears_off_by_halves() -> None:
    assert [freshness(days) for days in (0, 30, 60)] == [1.0, 0.5, 0.25]


@pytest.mark.parametrize(
    ("signals", "expected", "told"),
    [
        (Signals(days=3_000), LEAST, []),
        (Signals(tags=0.5), 0.2, [Reason.SAME_TAGS]),
        (Signals(title=0.2, category=0.4), 0.19, [Reason.SAME_CATEGORY]),
        (Signals(title=0.25, days=30, is_new=True), 0.0875, [Reason.SIMILAR_TITLE, Reason.NEW]),
        (
            Signals(3, (4, 4), tags=1, category=1, title=1, is_new=True),
            0.84,
            [*Reason],
        ),
    ],
)
def test_a_score_is_the_sum_of_what_speaks_for_it(
    signals: Signals, expected: float, told: list[Reason]
) -> None:
    assert (score(signals), reasons(signals)) == (expected, told)


def test_at_most_a_hundred_are_left_out() -> None:
    check_excluded(100)
    with pytest.raises(LimitExceeded) as refused:
        check_excluded(101)
    assert (refused.value.limit, refused.value.actual) == (100, 101)
