"""Videos that are only played at: how fast they get on, and where they fail."""

import math
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final, Self

from domain.errors import InvalidArgument, LimitExceeded

MIN_DURATION_MS: Final = 1_000
MAX_DURATION_MS: Final = 600_000
MIN_PACE: Final = 0.1
MAX_PACE: Final = 100.0
MAX_STEP_S: Final = 600
"""How long a step may be held back: while it is, other videos wait for its place."""


class Stage(StrEnum):
    """Where a simulated video may fail."""

    UPLOAD = "upload"
    """Its file is refused."""
    FIRST_PLAY = "first_play"
    """Nothing of it can be played."""
    LADDER = "ladder"
    """Only its lowest rung can be, and Origin."""


@dataclass(frozen=True, slots=True)
class Simulation:
    duration_ms: int
    pace: float
    """Seconds of video that each step makes in a second."""
    fail_at: Stage | None = None

    @classmethod
    def wanted(cls, duration_ms: int, pace: float, fail_at: Stage | None) -> Self:
        """What a caller asks for. Raises `InvalidArgument` or `LimitExceeded`."""
        if not MIN_DURATION_MS <= duration_ms <= MAX_DURATION_MS:
            raise InvalidArgument(
                f"The duration is {duration_ms} ms; it must be"
                f" {MIN_DURATION_MS} to {MAX_DURATION_MS}.",
                path=["simulate", "durationMs"],
            )
        if not MIN_PACE <= pace <= MAX_PACE:  # which is not true of NaN
            raise InvalidArgument(
                f"The speed is {pace:g}; it must be {MIN_PACE:g} to {MAX_PACE:g}.",
                path=["simulate", "speed"],
            )
        if duration_ms > MAX_STEP_S * 1000 * pace:
            raise LimitExceeded(
                "The number of seconds that each step would take",
                limit=MAX_STEP_S,
                actual=math.ceil(duration_ms / 1000 / pace),
                path=["simulate", "speed"],
            )
        return cls(duration_ms, pace, fail_at)

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        stage = value["fail_at"]
        return cls(value["duration_ms"], value["pace"], None if stage is None else Stage(stage))


def pace_of(value: dict[str, Any] | None) -> float | None:
    """How fast the source of a video is read; None unless it is simulated."""
    return None if value is None else Simulation.from_json(value).pace
