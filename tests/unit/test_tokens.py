"""Signed links: only we can make them, for one purpose, until they expire."""

import base64
import string
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from uuid import UUID

import pytest

from domain.errors import LinkExpired, LinkInvalid
from domain.tokens import Grant, Signer

EXPIRES = datetime(2030, 1, 1, tzinfo=UTC)
BEFORE = EXPIRES - timedelta(seconds=1)
GRANT = Grant(UUID(int=7), EXPIRES, epoch=3)
SIGNER = Signer(b"secret", "upload")
TOKEN = SIGNER.sign(GRANT)
ALPHABET = {*string.ascii_letters, *string.digits, "-", "_"}


def test_a_token_is_read_as_it_was_signed() -> None:
    assert SIGNER.read(TOKEN, now=BEFORE) == GRANT


def test_a_token_fits_into_a_path() -> None:
    assert len(TOKEN) == 55
    assert set(TOKEN) <= ALPHABET


def test_a_token_ends_at_its_second() -> None:
    with pytest.raises(LinkExpired):
        SIGNER.read(TOKEN, now=EXPIRES)


def test_a_token_is_read_by_the_clock() -> None:
    now = datetime.now(UTC)
    late = SIGNER.sign(Grant(GRANT.subject, now - timedelta(seconds=2)))
    with pytest.raises(LinkExpired):
        SIGNER.read(late)
    early = SIGNER.sign(Grant(GRANT.subject, now + timedelta(hours=1)))
    assert SIGNER.read(early).subject == GRANT.subject


def test_no_character_of_a_token_can_be_altered() -> None:
    for place, character in enumerate(TOKEN):
        for other in "Aa0_":
            if other != character:
                altered = TOKEN[:place] + other + TOKEN[place + 1 :]
                with pytest.raises(LinkInvalid):
                    SIGNER.read(altered, now=BEFORE)


@pytest.mark.parametrize(
    "token",
    ["", "x", TOKEN[:-1], TOKEN + "A", TOKEN + "=", TOKEN + "==", f" {TOKEN}", "é", TOKEN * 2],
)
def test_what_we_did_not_make_is_refused(token: str) -> None:
    with pytest.raises(LinkInvalid):
        SIGNER.read(token, now=BEFORE)


def test_trailing_bits_make_no_second_token() -> None:
    """The last character of base64 may hold bits that decode to nothing."""
    raw = base64.urlsafe_b64decode(TOKEN + "=" * (-len(TOKEN) % 4))
    twins = [
        twin
        for character in ALPHABET
        if (twin := TOKEN[:-1] + character) != TOKEN
        and base64.urlsafe_b64decode(twin + "=" * (-len(twin) % 4)) == raw
    ]
    assert len(twins) == 3
    for twin in twins:
        with pytest.raises(LinkInvalid):
            SIGNER.read(twin, now=BEFORE)


def test_a_token_of_another_purpose_is_refused() -> None:
    with pytest.raises(LinkInvalid):
        Signer(b"secret", "playback").read(TOKEN, now=BEFORE)


def test_a_token_of_another_installation_is_refused() -> None:
    with pytest.raises(LinkInvalid):
        Signer(b"other", "upload").read(TOKEN, now=BEFORE)


WHOLE = Grant(
    UUID(int=7),
    EXPIRES,
    3,
    UUID(int=8),
    ip_address("203.0.113.7"),
    UUID(int=9),
    pictures=True,
    public=True,
    streams_only=True,
    viewer="Zoë 🎬",
)


@pytest.mark.parametrize(
    "grant",
    [
        WHOLE,
        Grant(UUID(int=7), EXPIRES, 3, None, ip_address("2001:db8::7")),
        Grant(UUID(int=7), EXPIRES, 3, UUID(int=8), ip_address("10.0.0.0")),
        Grant(UUID(int=7), EXPIRES, 3, once=UUID(int=9)),
        Grant(UUID(int=7), EXPIRES, 3, UUID(int=8), pictures=True),
        Grant(UUID(int=7), EXPIRES, 3, UUID(int=8), public=True),
        Grant(UUID(int=7), EXPIRES, 3, UUID(int=8), streams_only=True),
        Grant(UUID(int=7), EXPIRES, 3, viewer="🎬" * 64),
    ],
)
def test_a_restricted_token_is_read_as_it_was_signed(grant: Grant) -> None:
    token = SIGNER.sign(grant)
    assert SIGNER.read(token, now=BEFORE) == grant
    assert set(token) <= ALPHABET


def test_no_character_of_a_restricted_token_can_be_altered() -> None:
    token = SIGNER.sign(WHOLE)
    for place in range(len(token)):
        other = "A" if token[place] != "A" else "B"
        with pytest.raises(LinkInvalid):
            SIGNER.read(token[:place] + other + token[place + 1 :], now=BEFORE)


def test_tokens_of_earlier_releases_are_read() -> None:
    signer = Signer(b"secret", "playback")
    old = "cNvYgAEAAAAAAAAAAAAAAAAAAAAHAAAAAwAAAAAAAAAAAAAAAAAAAAgWh67PjqS9WKBkgo_LixSl"
    assert signer.read(old, now=BEFORE) == Grant(UUID(int=7), EXPIRES, 3, UUID(int=8))
