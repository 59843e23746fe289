"""What to watch after a video: what speaks for another one, and how much."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from domain.errors import LimitExceeded

MAX_EXCLUDED: Final = 100
"""Videos that a caller may leave out."""
MAX_FOR_VIEWERS: Final = 50
MOST: Final = 50
"""How many are computed for a video."""
LATELY_DAYS: Final = 90
"""How long a play counts."""


class Reason(StrEnum):
    """Why a video is recommended."""

    CO_WATCHED = "co_watched"
    SAME_TAGS = "same_tags"
    SAME_CATEGORY = "same_category"
    SIMILAR_TITLE = "similar_title"
    NEW = "new"


WEIGHTS: Final = {
    Reason.CO_WATCHED: 0.40,
    Reason.SAME_TAGS: 0.20,
    Reason.SAME_CATEGORY: 0.15,
    Reason.SIMILAR_TITLE: 0.15,
    Reason.NEW: 0.10,
}
"""What each counts at most; together 1."""
NEAR_CATEGORY: Final = 0.4
"""What a parent, a child or a sister of the category counts, beside the same one."""
SIMILAR_FROM: Final = 0.25
"""From which part of their pairs of characters in common titles are called similar."""
DOUBT: Final = 1.0
"""Added to how many watch two videos: one who watched both says little yet."""
FRESH_DAYS: Final = 30
"""After so long being new counts half."""
LEAST: Final = 0.001
DIGITS: Final = 4


@dataclass(frozen=True, slots=True)
class Signals:
    """What speaks for a video after another one; each part is 0.0 to 1.0."""

    watched_both: int = 0
    viewers: tuple[int, int] = (0, 0)
    """Of each of the two."""
    tags: float = 0.0
    category: float = 0.0
    title: float = 0.0
    days: float = 0.0
    """How long before the account's newest video it was published."""
    is_new: bool = False
    """Whether it is one of the account's newest."""


def co_watched(both: int, viewers: tuple[int, int]) -> float:
    """How much two videos share their viewers.

    It is the cosine, so that what all watch is near to nothing in particular.
    """
    mine, theirs = viewers
    return both / ((mine * theirs) ** 0.5 + DOUBT)


def freshness(days: float) -> float:
    return 0.5 ** (days / FRESH_DAYS)


def score(signals: Signals) -> float:
    parts = {
        Reason.CO_WATCHED: co_watched(signals.watched_both, signals.viewers),
        Reason.SAME_TAGS: signals.tags,
        Reason.SAME_CATEGORY: signals.category,
        Reason.SIMILAR_TITLE: signals.title,
        Reason.NEW: freshness(signals.days),
    }
    return max(LEAST, round(sum(WEIGHTS[one] * part for one, part in parts.items()), DIGITS))


def reasons(signals: Signals) -> list[Reason]:
    """Those that can be told; a video without one is not recommended."""
    told = {
        Reason.CO_WATCHED: signals.watched_both > 0,
        Reason.SAME_TAGS: signals.tags > 0,
        Reason.SAME_CATEGORY: signals.category > 0,
        Reason.SIMILAR_TITLE: signals.title >= SIMILAR_FROM,
        Reason.NEW: signals.is_new,
    }
    return [one for one, is_told in told.items() if is_told]


def check_excluded(count: int) -> None:
    """Raises `LimitExceeded`."""
    if count > MAX_EXCLUDED:
        raise LimitExceeded(
            "The number of excluded videos", limit=MAX_EXCLUDED, actual=count, path=["exclude"]
        )
