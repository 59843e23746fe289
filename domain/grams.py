"""What a title is found by: its characters, and its pairs of neighbours.

An index of these finds any part of a title, in every language: one that is written without
spaces, too. Whoever searches for one character asks for that, whoever searches for more asks
for all of its pairs; what has them all and yet does not contain the text is left out later.
"""

import unicodedata
from collections.abc import Iterable
from itertools import pairwise
from typing import Final
from uuid import UUID

_PREFIX: Final = 6


def normal(text: str) -> str:
    """The text as it is compared: without regard to case, width, and how much space there is."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return " ".join(unicodedata.normalize("NFKC", folded).split())


def of(title: str, account_id: UUID) -> list[str]:
    """All grams by which the title can be found within its account."""
    text = normal(title)
    return _within(account_id, [*text, *_pairs(text)])


def wanted(search: str, account_id: UUID) -> list[str]:
    """The grams of every title that contains the text; none when nothing is searched for."""
    text = normal(search)
    return _within(account_id, _pairs(text) if len(text) > 1 else text)


def _pairs(text: str) -> list[str]:
    return [first + second for first, second in pairwise(text)]


def _within(account_id: UUID, grams: Iterable[str]) -> list[str]:
    """Each once, behind a part of the account's id: an index lists one account's by themselves.

    Few accounts share that part. Whose a row is, is asked anyway.
    """
    prefix = account_id.hex[:_PREFIX]
    return sorted({prefix + one for one in grams})
