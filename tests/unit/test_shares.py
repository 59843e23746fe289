"""Whose tries are counted together, and how many there may be."""

from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest

from domain.shares import Wrong, caller_of, is_less_open
from domain.videos import ShareState

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def times(number: int) -> list[datetime]:
    """That many moments, the latest first, a second apart."""
    return [NOW - timedelta(seconds=at) for at in range(number)]


@pytest.mark.parametrize(
    ("mine", "all_", "left", "retry_in"),
    [
        (0, 0, 10, None),
        (3, 3, 7, None),
        (9, 50, 1, None),
        (10, 10, 0, 51),
        (0, 95, 5, None),
        (9, 99, 1, None),
        (0, 100, 0, -39),
        (10, 100, 0, 51),
        (11, 12, 0, 51),
    ],
)
def test_ten_wrong_ones_of_a_caller_or_a_hundred_of_all_are_enough(
    mine: int, all_: int, left: int, retry_in: int | None
) -> None:
    wrong = Wrong(times(mine), times(all_))
    expected = None if retry_in is None else NOW + timedelta(seconds=retry_in)
    assert (wrong.left, wrong.retry_at) == (left, expected)


@pytest.mark.parametrize(
    ("client", "caller"),
    [
        ("203.0.113.9", "address:203.0.113.9"),
        ("::ffff:203.0.113.9", "address:203.0.113.9"),
        ("2001:db8:1:2:3:4:5:6", "address:2001:db8:1:2::/64"),
        ("2001:DB8:1:2::ffff", "address:2001:db8:1:2::/64"),
        ("::1", "address:::/64"),
        ("fe80::1%eth0", "address:fe80::/64"),
        ("203.0.113.9%eth0", "address:203.0.113.9"),
        ("::ffff:203.0.113.9%1", "address:203.0.113.9"),
        (None, "address:unknown"),
        ("", "address:unknown"),
        ("a\0b", "address:unknown"),
        ("x" * 300, "address:unknown"),
    ],
)
def test_a_caller_without_a_key_is_an_address(client: str | None, caller: str) -> None:
    assert caller_of(None, client) == caller


def test_a_caller_with_a_key_is_its_account_wherever_it_is() -> None:
    one = caller_of(UUID(int=1), "203.0.113.9")
    assert one == caller_of(UUID(int=1), None) == f"account:{UUID(int=1)}"
    assert len(one) <= 64


def test_states_have_an_order() -> None:
    private, password, public = ShareState.PRIVATE, ShareState.PASSWORD, ShareState.PUBLIC
    less = [(private, password), (private, public), (password, public)]
    every = [(after, before) for after in ShareState for before in ShareState]
    assert [pair for pair in every if is_less_open(*pair)] == less
