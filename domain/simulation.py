"""Videos that are only played at: how fast they get on, and where they fail."""

from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any, Final, Self

MIN_DURATION_MS: Final = 1_000
MAX_DURATION_MS: Final = 600_000
MIN_PACE: Final = 0.1
MAX_PACE: Final = 100.0


class Stage(StrEnum):
    """Where a simulated video may fail."""

    UPLOAD = "upload"
    """Its file is refused."""
    FIRST_PLAY = "first_play"
    """Nothing of it can be played."""
    LADDER = "ladder"
    """Only its lowest rung can be."""


@dataclass(frozen=True, slots=True)
class Simulation:
    duration_ms: int
    pace: float
    """Seconds of video that each step makes in a second."""
    fail_at: Stage | None = None

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    @classmethod
    def from_json(cls, value: dict[str, Any]) -> Self:
        stage = value["fail_at"]
        return cls(value["duration_ms"], value["pace"], None if stage is None else Stage(stage))
