"""Background work that callers can watch."""

from enum import StrEnum


class TaskKind(StrEnum):
    VERIFY = "verify"
    """Check an uploaded file and make of it what it was sent for."""
    PROBE = "probe"
    """Look into a stored file that is to become a video."""
    TRANSCODE = "transcode"
    """One pass of ffmpeg over a video."""


class TaskStatus(StrEnum):
    QUEUED = "queued"
    RUNNING = "running"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"


UNFINISHED = (TaskStatus.QUEUED, TaskStatus.RUNNING)
MAX_ATTEMPTS = 3
"""Runs that may fail for a reason that could pass, before the task is FAILED."""
