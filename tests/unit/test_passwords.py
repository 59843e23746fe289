"""Passwords of shared videos: which there may be, and their stored forms."""

import time
from uuid import UUID

import pytest

from domain import passwords
from domain.error_codes import ErrorCode
from domain.passwords import Memory, PasswordTooLong, Seal

VIDEO = UUID(int=7)
SEAL = Seal(bytes(32))


@pytest.mark.parametrize(
    "password",
    ["", " ", "x" * 16, "\0", "密码" * 8, "😀" * 16, "e\u0301" * 16, "\u0958" * 16, "\n"],
)
def test_a_password_has_up_to_16_characters_of_any_kind(password: str) -> None:
    stored = passwords.digest(passwords.checked(password))
    assert passwords.matches(password, stored)
    assert not passwords.matches(password + "x", stored)


@pytest.mark.parametrize(
    ("password", "actual"),
    [("x" * 17, 17), ("😀" * 17, 17), ("e\u0301" * 17, 17), ("x" * 257, 257)],
)
def test_a_longer_one_is_refused(password: str, actual: int) -> None:
    with pytest.raises(PasswordTooLong) as failure:
        passwords.checked(password)
    assert (failure.value.limit, failure.value.actual) == (16, actual)
    assert (failure.value.code, failure.value.path) == (
        ErrorCode.PASSWORD_TOO_LONG,
        ("password",),
    )
    assert password not in str(failure.value)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("caf\u00e9", "cafe\u0301", True),
        ("\u0958", "\u0915\u093c", True),
        ("\ufb01", "fi", False),  # only looks alike: NFC leaves it
        ("Secret", "secret", False),
        ("secret", "secret ", False),
        ("", "\0", False),
        ("a", "a\0", False),
        ("1", "\u0661", False),
    ],
)
def test_passwords_are_the_same_text_however_it_was_typed(
    one: str,
    other: str,
    same: bool,  # noqa: FBT001
) -> None:
    assert passwords.matches(other, passwords.digest(passwords.checked(one))) is same
    assert passwords.matches(one, passwords.digest(passwords.checked(other))) is same


def test_equal_passwords_are_stored_differently_and_say_how() -> None:
    one, other = passwords.digest("secret"), passwords.digest("secret")
    assert one != other
    assert one.startswith("scrypt$16384$8$1$")
    assert "secret" not in one


def test_a_password_of_other_costs_is_still_known() -> None:
    stored = "scrypt$1024$8$16$TmFDbA==$dZCw2bhGmSUP6qWFm3pU9tYGLE3yd4/XU/7DonLsT8A="
    assert passwords.matches("password", stored)
    assert not passwords.matches("Password", stored)


def test_what_is_far_too_long_is_not_even_normalised() -> None:
    """Sorting so many marks would take hours."""
    started = time.monotonic()
    assert not passwords.matches("a" + "\u0301\u0323" * 500_000, passwords.digest(""))
    with pytest.raises(PasswordTooLong):
        passwords.checked("a" + "\u0301\u0323" * 500_000)
    assert time.monotonic() - started < 5


def test_right_passwords_of_late_are_recalled() -> None:
    memory = Memory()
    memory.keep("caf\u00e9", "stored")
    assert memory.recalls("cafe\u0301", "stored")
    for password, stored in (("cafe", "stored"), ("caf\u00e9", "other"), ("", "stored caf\u00e9")):
        assert not memory.recalls(password, stored)
    for number in range(998):
        memory.keep(str(number), "stored")
    assert memory.recalls("caf\u00e9", "stored")  # and is the latest again
    for number in range(2):
        memory.keep(str(number), "other")
    assert memory.recalls("caf\u00e9", "stored")
    assert not memory.recalls("0", "stored")


@pytest.mark.parametrize("password", ["", "secret", "密码😀"])
def test_what_was_sealed_can_be_read_again(password: str) -> None:
    sealed = SEAL.close(password, VIDEO)
    assert SEAL.open(sealed, VIDEO) == password
    assert sealed != SEAL.close(password, VIDEO)
    assert not password or password.encode() not in sealed


def test_a_seal_is_of_one_key_and_one_video() -> None:
    sealed = SEAL.close("secret", VIDEO)
    assert SEAL.open(sealed, UUID(int=8)) is None
    assert Seal(b"x" * 32).open(sealed, VIDEO) is None
    for place in range(len(sealed)):
        altered = bytearray(sealed)
        altered[place] ^= 1
        assert SEAL.open(bytes(altered), VIDEO) is None
