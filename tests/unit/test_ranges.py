"""Which bytes a Range header asks for (RFC 9110, 14.2)."""

import pytest

from server.files import parse_range


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("bytes=0-0", range(1)),
        ("bytes=2-4", range(2, 5)),
        ("bytes=2-", range(2, 10)),
        ("bytes=2-99", range(2, 10)),
        ("bytes=-3", range(7, 10)),
        ("bytes=-99", range(10)),
        ("BYTES= 2-4", range(2, 5)),
        ("", None),
        ("bytes", None),
        ("bytes=-", None),
        ("bytes=4-2", None),
        ("bytes=2-4,6-7", None),
        ("bytes=a-b", None),
        ("bytes=+2-4", None),
        ("bytes=٢-٤", None),  # digits, but not of this protocol
        ("bytes=2-4x", None),
        ("seconds=2-4", None),
        (f"bytes={'9' * 5000}-", None),
    ],
)
def test_a_range_header_is_understood_or_ignored(value: str, expected: range | None) -> None:
    assert parse_range(value, 10) == expected


@pytest.mark.parametrize("value", ["bytes=10-", "bytes=10-12", "bytes=999999999999-", "bytes=-0"])
def test_a_range_without_a_byte_of_the_file_is_empty(value: str) -> None:
    assert parse_range(value, 10) == range(0)


@pytest.mark.parametrize("value", ["bytes=0-", "bytes=0-5", "bytes=-5"])
def test_an_empty_file_has_no_ranges(value: str) -> None:
    assert parse_range(value, 0) is None
