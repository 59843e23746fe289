"""What this process counts of its work, for Prometheus. Reading it is the server's business."""

import asyncio
import time
from collections.abc import Generator
from contextlib import contextmanager
from typing import Final

from prometheus_client import Counter, Gauge, Histogram, disable_created_metrics

from domain.errors import DomainError
from jobs.runs import Overtaken, Run, Waiting, Work

disable_created_metrics()

JOBS = Counter("reelgraph_jobs", "Runs of jobs that ended, and how.", ["kind", "outcome"])
JOB_SECONDS = Histogram(
    "reelgraph_job_seconds",
    "How long runs of jobs took.",
    ["kind"],
    buckets=(0.1, 0.5, 1, 5, 10, 30, 60, 300, 900, 1800, 3600, 7200, 14400),
)
RUNNING = Gauge("reelgraph_running_jobs", "Jobs that run at this moment.", ["kind"])
SPEED = Histogram(
    "reelgraph_transcode_speed_ratio",
    "Seconds of video that ffmpeg handled in a second, for passes that went well.",
    ["transcode_pass"],
    buckets=(0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32, 64, 128),
)
TAKEOVERS = Counter(
    "reelgraph_takeovers", "Jobs of dead workers that this one queued again.", ["kind"]
)
ROTTEN = Counter("reelgraph_rotten_contents", "Stored contents that were found damaged.")

_OUTCOMES: Final[dict[type[BaseException], str]] = {
    Overtaken: "overtaken",
    Waiting: "waiting",
    asyncio.CancelledError: "stopped",
    DomainError: "failed",
    Exception: "crashed",
}
"""By the first class that fits what a run raised."""


@contextmanager
def counted(kind: str) -> Generator[None]:
    """Count the block as a run of a job; what it raises is its outcome."""
    started = time.monotonic()
    outcome = "succeeded"
    with RUNNING.labels(kind).track_inprogress():
        try:
            yield
        except BaseException as raised:
            outcome = _outcome(raised)
            raise
        finally:
            JOBS.labels(kind, outcome).inc()
            JOB_SECONDS.labels(kind).observe(time.monotonic() - started)


def counting(work: Work) -> Work:
    """The same work, counted by the kind of its task."""

    async def run(run: Run) -> None:
        with counted(run.task.kind.value):
            await work(run)

    return run


@contextmanager
def encoding(transcode_pass: str, duration_ms: int) -> Generator[None]:
    """Note how fast the block went through so much of video."""
    started = time.monotonic()
    yield
    elapsed = max(time.monotonic() - started, 0.001)
    SPEED.labels(transcode_pass).observe(duration_ms / 1000 / elapsed)


def _outcome(raised: BaseException) -> str:
    found = (name for kind, name in _OUTCOMES.items() if isinstance(raised, kind))
    return next(found, "crashed")
