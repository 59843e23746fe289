"""What is said of a viewing of a video."""

from dataclasses import dataclass
from typing import Final, Self

from domain import text
from domain.errors import InvalidArgument, LimitExceeded
from domain.playback import MAX_VIEWER_ID

MAX_SESSION_ID: Final = 64
"""Characters."""
MAX_WATCHED_MS: Final = 24 * 3_600_000


@dataclass(frozen=True, slots=True)
class Report:
    """How far a viewing has got. Of several, the greatest values count, in whatever order."""

    session: str
    watched_ms: int
    progress: float
    viewer: str | None = None

    @classmethod
    def of(
        cls, session_id: str, watched_ms: int, *, progress: float, viewer_id: str | None = None
    ) -> Self:
        """Raises `InvalidArgument` or `LimitExceeded`."""
        session = text.required("sessionId", session_id, MAX_SESSION_ID)
        if watched_ms < 0:
            raise InvalidArgument(
                f"watchedMs is {watched_ms}; it must not be negative.", path=["watchedMs"]
            )
        if watched_ms > MAX_WATCHED_MS:
            raise LimitExceeded(
                "watchedMs", limit=MAX_WATCHED_MS, actual=watched_ms, path=["watchedMs"]
            )
        if not 0 <= progress <= 1:
            raise InvalidArgument(f"progress is {progress}; it is 0.0 to 1.0.", path=["progress"])
        viewer = None
        if viewer_id is not None:
            viewer = text.required("viewerId", viewer_id, MAX_VIEWER_ID)
        return cls(session, watched_ms, progress, viewer)
