"""The worker: takes jobs off the queues and runs them, many kinds side by side."""

import asyncio
import logging
import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import cast
from uuid import UUID

import procrastinate
from procrastinate.worker import Worker

from jobs import export, fetch, intake, maintenance, queue, runs, transcode
from jobs.maintenance import STALLED_AFTER_S
from jobs.queue import Queue
from jobs.runs import Backoff, Tools

log = logging.getLogger(__name__)

_HEARTBEAT_S = 2
_RESTART_CAP_S = 30

tasks = procrastinate.Blueprint()


@dataclass(frozen=True, slots=True)
class Lane:
    """A group of queues, and how many of their jobs run at once in this process."""

    queues: Sequence[str]
    concurrency: int


LANES = (
    Lane([queue.INTAKE], 2),
    Lane([queue.FIRST_PLAY], 1),
    Lane([queue.TRANSCODE], 1),
    Lane([queue.FETCH], 2),
    Lane([queue.EXPORT], 1),
    Lane([queue.MAINTENANCE], 1),
    Lane([queue.RESCUE], 1),
)
"""A first play never waits for a ladder, and the rescue of jobs waits for nothing."""


def _tools(context: procrastinate.JobContext) -> Tools:
    return cast("Tools", context.additional_context["tools"])


@tasks.task(name="verify", pass_context=True, retry=Backoff())
async def verify(context: procrastinate.JobContext, task_id: str) -> None:
    tools, id = _tools(context), UUID(task_id)
    try:
        await runs.perform(context, tools, id, intake.verify)
    finally:  # also when it was cancelled after the file had become an object
        await intake.clean(tools, id)


@tasks.task(name="probe", pass_context=True, retry=Backoff())
async def examine(context: procrastinate.JobContext, task_id: str) -> None:
    await runs.perform(context, _tools(context), UUID(task_id), intake.examine)


@tasks.task(name="transcode", pass_context=True, retry=Backoff())
async def run_transcode(context: procrastinate.JobContext, task_id: str) -> None:
    await runs.perform(context, _tools(context), UUID(task_id), transcode.transcode)


@tasks.task(name="fetch", pass_context=True, retry=Backoff())
async def run_fetch(context: procrastinate.JobContext, task_id: str) -> None:
    tools, id = _tools(context), UUID(task_id)
    try:
        await runs.perform(context, tools, id, fetch.fetch)
    finally:  # also of what was cancelled meanwhile
        await fetch.clean(tools, id)


@tasks.task(name="export", pass_context=True, retry=Backoff())
async def run_export(context: procrastinate.JobContext, task_id: str) -> None:
    await runs.perform(context, _tools(context), UUID(task_id), export.export)


@tasks.periodic(cron="* * * * * */5")  # the seconds come last
@tasks.task(name="rescue", queue=queue.RESCUE, queueing_lock="rescue", pass_context=True)
async def rescue(context: procrastinate.JobContext, timestamp: int) -> None:  # noqa: ARG001
    await maintenance.rescue(_tools(context))


@tasks.periodic(cron="* * * * *")
@tasks.task(name="expire", queue=queue.MAINTENANCE, queueing_lock="expire", pass_context=True)
async def expire(context: procrastinate.JobContext, timestamp: int) -> None:  # noqa: ARG001
    await maintenance.expire_uploads(_tools(context))


@tasks.periodic(cron="* * * * *")
@tasks.task(name="collect", queue=queue.MAINTENANCE, queueing_lock="collect", pass_context=True)
async def collect(context: procrastinate.JobContext, timestamp: int) -> None:  # noqa: ARG001
    await maintenance.collect(_tools(context))


@tasks.periodic(cron="7 * * * *")
@tasks.task(
    name="expire_exports",
    queue=queue.MAINTENANCE,
    queueing_lock="expire_exports",
    pass_context=True,
)
async def expire_exports(context: procrastinate.JobContext, timestamp: int) -> None:  # noqa: ARG001
    await export.expire(_tools(context))


@tasks.periodic(cron="*/10 * * * *")
@tasks.task(
    name="scrub", queue=queue.MAINTENANCE, queueing_lock="scrub", lock="scrub", pass_context=True
)
async def scrub(context: procrastinate.JobContext, timestamp: int) -> None:  # noqa: ARG001
    await maintenance.scrub(_tools(context))


def prepare(target: Queue) -> None:
    """Teach the queue's app to run our jobs. Once per process."""
    target.app.add_tasks_from(tasks, namespace="")


async def work(tools: Tools, lanes: Sequence[Lane] = LANES) -> None:
    """Run jobs until cancelled; then stop ffmpeg, put its jobs back, and return."""
    async with asyncio.TaskGroup() as group:
        for lane in lanes:
            group.create_task(_keep_working(tools, lane))


async def work_until_empty(tools: Tools, lanes: Sequence[Lane] = LANES) -> None:
    """Run jobs, and those that they queue, until none is ready."""
    queues = [name for lane in lanes for name in lane.queues]
    await _run(tools, Lane(queues, concurrency=1), wait=False)


async def _keep_working(tools: Tools, lane: Lane) -> None:
    """A worker gives up after a while without a database; try again, less and less often."""
    pause = 1.0
    while True:
        started = asyncio.get_running_loop().time()
        try:
            await _run(tools, lane, wait=True)
        except Exception:
            log.exception("the worker on %s stopped; it starts again", ", ".join(lane.queues))
        if asyncio.get_running_loop().time() - started > _RESTART_CAP_S:
            pause = 1.0
        await asyncio.sleep(pause * random.uniform(0.8, 1.2))  # noqa: S311  (spreads load)
        pause = min(pause * 2, _RESTART_CAP_S)


async def _run(tools: Tools, lane: Lane, *, wait: bool) -> None:
    """Run the lane until cancelled, or until it is empty.

    A cancellation stops the worker by its own means. Passed on, it can be lost: Python 3.11's
    `wait_for`, which the connections below use, forgets one that comes as it succeeds.
    """
    worker = _worker(tools, lane, wait=wait)
    running = asyncio.create_task(worker.run())
    try:
        await asyncio.shield(running)
    finally:
        worker.stop()
        await running


def _worker(tools: Tools, lane: Lane, *, wait: bool) -> Worker:
    return Worker(
        tools.queue.app,
        queues=list(lane.queues),
        name="+".join(lane.queues),
        concurrency=lane.concurrency,
        wait=wait,
        delete_jobs="always",
        additional_context={"tools": tools},
        install_signal_handlers=False,
        shutdown_graceful_timeout=0.1,
        update_heartbeat_interval=_HEARTBEAT_S,
        stalled_worker_timeout=STALLED_AFTER_S,
    )
