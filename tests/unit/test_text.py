"""Text from callers: kept as it is, or refused with the reason."""

import pytest

from domain import text
from domain.errors import InvalidArgument, LimitExceeded


@pytest.mark.parametrize("value", ["a", "日本語", "x" * 255, "😀" * 255, "a\nb", "<b>", "\u202e"])
def test_a_title_is_kept_as_it_is(value: str) -> None:
    assert text.title(value) == value


def test_a_title_loses_the_space_around_it() -> None:
    assert text.title("  a  b \n") == "a  b"
    assert text.title(" " * 300 + "a") == "a"


@pytest.mark.parametrize("value", ["", " ", "\n\t", "\u3000"])
def test_an_empty_title_is_refused(value: str) -> None:
    with pytest.raises(InvalidArgument, match="The title is empty") as failure:
        text.title(value)
    assert failure.value.path == ("title",)


def test_a_title_that_is_too_long_is_refused() -> None:
    with pytest.raises(LimitExceeded) as failure:
        text.title("x" * 256)
    assert (failure.value.limit, failure.value.actual) == (255, 256)
    assert failure.value.path == ("title",)


def test_an_optional_text_may_be_missing() -> None:
    assert text.optional("description", None, 5) is None
    assert text.optional("description", "", 5) == ""
    assert text.optional("description", " abc ", 5) == " abc "


def test_an_optional_text_that_is_too_long_is_refused() -> None:
    with pytest.raises(LimitExceeded) as failure:
        text.optional("description", "123456", 5)
    assert failure.value.path == ("description",)


@pytest.mark.parametrize("value", ["a\0b", "a\ud800b"])
def test_what_no_database_can_hold_is_refused(value: str) -> None:
    with pytest.raises(InvalidArgument) as failure:
        text.title(value)
    assert failure.value.path == ("title",)
    with pytest.raises(InvalidArgument) as failure:
        text.optional("deviceType", value, 32)
    assert failure.value.path == ("deviceType",)


@pytest.mark.parametrize(
    ("value", "fits"),
    [
        ("", True),
        ("a\nb", True),
        ("😀", True),
        ("a\0b", False),
        ("\ud800", False),
        ("a\udfffb", False),
    ],
)
def test_what_a_row_can_hold(value: str, *, fits: bool) -> None:
    assert text.is_storable(value) is fits
