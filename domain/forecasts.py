"""What waits for whom, and how long that takes. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

LONGEST_S: Final = 1e8
"""No estimate is longer than three years, whatever numbers it is made of."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a task that is not over stands in its queue. Times are seconds of one worker's work."""

    runs: bool
    position: int | None
    """Jobs that wait in front of it; None when it runs, or has no job yet."""
    ahead: int
    """Jobs that run or wait in front of it."""
    ahead_s: float
    """What is left to do of those."""
    own_s: float | None
    """What is left to do of its own work; None when nobody can tell."""
    slots: int
    """Jobs of its queue that living workers can run at once."""
    follows: UUID | None = None
    """The task that must be done before it."""


@dataclass(frozen=True, slots=True)
class Forecast:
    """What is to be expected of a task. Both None when it is over, or PAUSED."""

    position: int | None = None
    """Jobs of its queue that go before it; None unless it waits for a worker."""
    ready_at: datetime | None = None
    """When it will probably be done; None when nobody can tell, or nobody works."""


def seconds_left(id: UUID, places: Mapping[UUID, Place]) -> float | None:
    """How long until a task is done; None when nobody can tell.

    It waits until all that is ahead of it, shared by the slots, is done; not at all while a
    slot is free. What it follows is among the places.
    """
    place = places[id]
    if place.own_s is None or place.slots == 0:
        return None
    if place.runs:
        return place.own_s
    wait_s = place.ahead_s / place.slots if place.ahead >= place.slots else 0.0
    if place.follows is not None:
        first_s = seconds_left(place.follows, places)
        if first_s is None:
            return None
        wait_s = max(wait_s, first_s)
    return min(wait_s + place.own_s, LONGEST_S)
