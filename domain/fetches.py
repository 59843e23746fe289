"""Rules of fetching files from URLs, row by row."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from domain.tasks import TaskStatus

AT_ONCE: Final = 3
"""Rows of one fetch that are downloaded side by side."""
TURN_S: Final = 300
TURN_ROWS: Final = 50
"""After so long, or so many rows, a run begins no more of them if others wait for their turn."""
MAX_RETRIES: Final = 5
"""How often a row is tried again after a failure that may pass."""
BROUGHT_ON: Final = 1 << 20
"""Safe bytes with which a try has brought its row on, so that earlier failures do not count."""
MAX_LIST_SIZE: Final = 4 << 20
"""Bytes of a list of URLs."""
EXPORT_DAYS: Final = 7
"""How long a file of rows can be downloaded."""
DEVICE_TYPE: Final = "FETCH"
"""What the upload sessions of fetches say that their client is."""
OPEN_ROWS: Final = (TaskStatus.QUEUED, TaskStatus.RUNNING)
LOST_ROWS: Final = (TaskStatus.FAILED, TaskStatus.CANCELLED)

_BACKOFF_S, _BACKOFF_CAP_S = 2, 300


@dataclass(frozen=True, slots=True)
class NewRow:
    """A file to fetch, and what is known of it beforehand."""

    url: str
    title: str | None = None
    source_id: str | None = None


@dataclass(frozen=True, slots=True)
class Counts:
    """How many rows of a fetch ended, and how."""

    success: int
    fail: int
    total: int

    @property
    def outcome(self) -> TaskStatus | None:
        """How the fetch ends; None as long as a row is open."""
        if self.success + self.fail < self.total:
            return None
        if self.success == self.total:
            return TaskStatus.SUCCEEDED
        return TaskStatus.PARTIAL if self.success else TaskStatus.FAILED


def retry_at(now: datetime, failures: int, retry_after_s: int | None) -> datetime:
    """When to try again after so many failures: as the other server wishes, and never sooner."""
    seconds = min(_BACKOFF_CAP_S, _BACKOFF_S * 2 ** (failures - 1))
    return now + timedelta(seconds=max(seconds, retry_after_s or 0))


def file_name_of(path: str, extension: str) -> str:
    """The name of a file that is made from another one, with an extension of its own."""
    stem = path.rpartition(".")[0] or path
    return f"{stem[: 255 - len(extension)]}{extension}"


def legacy_status(status: TaskStatus) -> str:
    """`Y` for a fetch that was started, `N` for one that is paused."""
    return "N" if status is TaskStatus.PAUSED else "Y"
