"""Background work that callers can watch."""

from enum import StrEnum
from typing import Final


class TaskKind(StrEnum):
    VERIFY = "verify"
    """Check an uploaded file and make of it what it was sent for."""
    PROBE = "probe"
    """Look into a stored file that is to become a video."""
    TRANSCODE = "transcode"
    """One pass of ffmpeg over a video."""
    CLIP = "clip"
    """Cut pieces out of a video, and make a new one of them."""
    SPLICE = "splice"
    """Join videos, and make a new one of them."""
    FETCH = "fetch"
    """Fetch files from URLs, and make a video of each."""
    EXPORT = "export"
    """Write rows into a file to be downloaded."""
    SIMULATE = "simulate"
    """Make a test picture to be treated as an upload."""
    COVER = "cover"
    """Make the cover that a video's owner chose."""


class TaskStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    PAUSED = "paused"
    """Its owner stopped it for the time being."""
    SUCCEEDED = "succeeded"
    PARTIAL = "partial"
    """Over, with some of its rows failed."""
    FAILED = "failed"
    CANCELLED = "cancelled"


READY_TO_RUN = (TaskStatus.QUEUED, TaskStatus.RUNNING)
UNFINISHED = (*READY_TO_RUN, TaskStatus.PAUSED)
RETRYABLE: Final = (TaskStatus.FAILED, TaskStatus.CANCELLED, TaskStatus.PARTIAL)
"""Over without all that was wanted."""
PAUSABLE: Final = (TaskKind.FETCH,)
"""What goes on where it was stopped; everything else would begin again."""
MAX_ATTEMPTS = 3
"""Runs that may fail for a reason that could pass, before the task is FAILED."""
MAX_TAKEOVERS = 5
"""Failures with which a task is FAILED when its worker dies, too."""
