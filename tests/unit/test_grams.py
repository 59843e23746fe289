"""What titles are found by, and what is the same to someone who searches."""

from itertools import product
from uuid import UUID

import pytest

from domain import grams

ACCOUNT = UUID("0a1b2c3d-4e5f-4000-8000-000000000000")
OTHER = UUID("ffffffff-4e5f-4000-8000-000000000000")


def within(*texts: str) -> list[str]:
    return sorted("0a1b2c" + one for one in texts)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Deep SEA", "deep sea"),
        ("STRASSE", "strasse"),
        ("straße", "strasse"),
        ("ΣΊΣΥΦΟΣ", "σίσυφοσ"),
        ("Ｆｕｌｌ　Ｗｉｄｔｈ１２", "full width12"),  # noqa: RUF001
        ("ｶﾞ", "ガ"),
        ("e\u0301", "é"),
        ("É", "é"),
        ("ﬁlm", "film"),
        ("  a \t\n b\u3000\u00a0c ", "a b c"),
        ("深海的秘密", "深海的秘密"),
        ("🚲 👩\u200d👧", "🚲 👩\u200d👧"),
        ("50%_\\", "50%_\\"),
        ("", ""),
        (" \t ", ""),
    ],
)
def test_texts_are_compared_without_case_width_and_much_space(text: str, expected: str) -> None:
    assert grams.normal(text) == expected
    assert grams.normal(expected) == expected


def test_letters_with_accents_are_letters_of_their_own() -> None:
    assert grams.normal("café") != grams.normal("cafe")


def test_a_title_is_found_by_its_characters_and_pairs_of_them() -> None:
    assert grams.of("Aba", ACCOUNT) == within("a", "b", "ab", "ba")
    assert grams.of("深海 🚲", ACCOUNT) == within(*"深海 🚲", "深海", "海 ", " 🚲")
    assert grams.of("", ACCOUNT) == []


def test_one_character_is_searched_for_by_itself_and_more_by_their_pairs() -> None:
    assert grams.wanted("A", ACCOUNT) == within("a")
    assert grams.wanted("深", ACCOUNT) == within("深")
    assert grams.wanted("ABAB", ACCOUNT) == within("ab", "ba")
    assert grams.wanted("深海的", ACCOUNT) == within("深海", "海的")
    assert grams.wanted("  ", ACCOUNT) == []


def test_accounts_share_no_grams() -> None:
    assert not set(grams.of("abc", ACCOUNT)) & set(grams.of("abc", OTHER))


def test_whatever_a_title_contains_has_no_gram_that_the_title_has_not() -> None:
    titles = ["aab", "Aﬁ x", "深海  的", "ßẞ", "👩\u200d👧é"]
    for title, start, end in product(titles, range(4), range(1, 9)):
        part = grams.normal(title)[start:end]
        assert set(grams.wanted(part, ACCOUNT)) <= set(grams.of(title, ACCOUNT))


def test_a_very_long_title_has_no_more_grams_than_characters_twice() -> None:
    longest = "\ufdfa" * 255  # each is eighteen characters in full
    assert len(grams.normal(longest)) > 4_000
    assert len(grams.of(longest, ACCOUNT)) < 40
