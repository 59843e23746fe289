"""What Prometheus is told: this process's counters, and the queues as the database has them."""

import asyncio
import logging
import time
from typing import Final

from prometheus_client import REGISTRY, Counter, Gauge, Histogram, generate_latest
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from db import queues
from db.session import Database
from jobs.queue import QUEUES

log = logging.getLogger(__name__)

DEPTH = Gauge("reelgraph_queued_jobs", "Jobs that wait and could run now.", ["queue"])
OLDEST = Gauge(
    "reelgraph_oldest_queued_job_seconds", "How long the oldest of them has waited.", ["queue"]
)
DATABASE = Gauge("reelgraph_database_up", "Whether the database answered for this scrape.")
REQUESTS = Counter("reelgraph_requests", "Answers over HTTP.", ["route", "status"])
REQUEST_SECONDS = Histogram(
    "reelgraph_request_seconds",
    "How long until an answer over HTTP began.",
    ["route"],
    buckets=(0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 60),
)
LAG = Histogram(
    "reelgraph_event_loop_lag_seconds",
    "How much later than due a timer of this process went off.",
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
)

_ROUTES: Final = {"graphql", "uploads", "tus", "v", "health"}
_LOOK_EVERY_S: Final = 0.5
_ANSWER_WITHIN_S: Final = 3


async def exposition(db: Database) -> bytes:
    """All there is in Prometheus' text format. The queues are left out in an outage."""
    try:
        async with asyncio.timeout(_ANSWER_WITHIN_S), db.read() as session:
            depths = await queues.depths(session)
    except Exception as failure:  # noqa: BLE001  (the rest matters more than ever)
        reason, _, _ = str(failure).partition("\n")
        log.warning("the queues could not be counted: %s", reason)
        DATABASE.set(0)
        DEPTH.clear()
        OLDEST.clear()
    else:
        DATABASE.set(1)
        for name in QUEUES:
            depth = depths.get(name)
            DEPTH.labels(name).set(depth.jobs if depth else 0)
            OLDEST.labels(name).set(depth.oldest_s if depth else 0)
    return generate_latest(REGISTRY)


async def watch_loop() -> None:
    """Measure how late this process is, until cancelled."""
    while True:
        due = time.monotonic() + _LOOK_EVERY_S
        await asyncio.sleep(_LOOK_EVERY_S)
        LAG.observe(max(0.0, time.monotonic() - due))


class CountedRequests:
    """An application whose answers over HTTP are counted."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = time.monotonic()
        route = _route(scope["path"])

        async def counting(message: Message) -> None:
            if message["type"] == "http.response.start":
                REQUESTS.labels(route, str(message["status"])).inc()
                REQUEST_SECONDS.labels(route).observe(time.monotonic() - started)
            await send(message)

        await self._app(scope, receive, counting)


def _route(path: str) -> str:
    """The first part of a path, if it is one of ours: what clients send must not be kept."""
    first = path[1:].partition("/")[0]
    return first if first in _ROUTES else "other"
