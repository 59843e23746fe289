"""The worker: takes jobs off the queues and runs them, many kinds side by side."""

import asyncio
import logging
import random
from collections.abc import Sequence
from typing import cast
from uuid import UUID

import procrastinate
from procrastinate.worker import Worker

from db import queues
from jobs import (
    clips,
    export,
    fetch,
    intake,
    maintenance,
    presence,
    queue,
    runs,
    simulate,
    transcode,
)
from jobs.lanes import Lane
from jobs.maintenance import STALLED_AFTER_S
from jobs.metrics import counted, counting
from jobs.presence import Vitals
from jobs.queue import Queue
from jobs.runs import Backoff, Tools, Work

log = logging.getLogger(__name__)

_HEARTBEAT_S = 2
_RESTART_CAP_S = 30

tasks = procrastinate.Blueprint()


LANES = (
    Lane([queue.INTAKE], 2),
    Lane([queue.FIRST_PLAY], 1),
    Lane([queue.TRANSCODE], 1),
    Lane([queue.CLIP], 1),
    Lane([queue.FETCH], 2),
    Lane([queue.EXPORT], 1),
    Lane([queue.MAINTENANCE], 1),
    Lane([queue.RESCUE], 1),
)
"""A first play never waits for a ladder, and the rescue of jobs waits for nothing."""


def _tools(context: procrastinate.JobContext) -> Tools:
    return cast("Tools", context.additional_context["tools"])


async def _perform(context: procrastinate.JobContext, task_id: str, work: Work) -> None:
    """Run the work on the task, and count how it went."""
    await runs.perform(context, _tools(context), UUID(task_id), counting(work))


@tasks.task(name="verify", pass_context=True, retry=Backoff())
async def verify(context: procrastinate.JobContext, task_id: str) -> None:
    try:
        await _perform(context, task_id, intake.verify)
    finally:  # also when it was cancelled after the file had become an object
        await intake.clean(_tools(context), UUID(task_id))


@tasks.task(name="probe", pass_context=True, retry=Backoff())
async def examine(context: procrastinate.JobContext, task_id: str) -> None:
    await _perform(context, task_id, intake.examine)


@tasks.task(name="transcode", pass_context=True, retry=Backoff())
async def run_transcode(context: procrastinate.JobContext, task_id: str) -> None:
    await _perform(context, task_id, transcode.transcode)


@tasks.task(name="fetch", pass_context=True, retry=Backoff())
async def run_fetch(context: procrastinate.JobContext, task_id: str) -> None:
    try:
        await _perform(context, task_id, fetch.fetch)
    finally:  # also of what was cancelled meanwhile
        await fetch.clean(_tools(context), UUID(task_id))


@tasks.task(name="export", pass_context=True, retry=Backoff())
async def run_export(context: procrastinate.JobContext, task_id: str) -> None:
    await _perform(context, task_id, export.export)


@tasks.task(name="clip", pass_context=True, retry=Backoff())
async def run_clip(context: procrastinate.JobContext, task_id: str) -> None:
    await _perform(context, task_id, clips.cut)


@tasks.task(name="splice", pass_context=True, retry=Backoff())
async def run_splice(context: procrastinate.JobContext, task_id: str) -> None:
    await _perform(context, task_id, clips.cut)


@tasks.task(name="simulate", pass_context=True, retry=Backoff())
async def run_simulate(context: procrastinate.JobContext, task_id: str) -> None:
    await _perform(context, task_id, simulate.simulate)


@tasks.periodic(cron="* * * * * */5")  # the seconds come last
@tasks.task(name="rescue", queue=queue.RESCUE, queueing_lock="rescue", pass_context=True)
async def rescue(context: procrastinate.JobContext, timestamp: int) -> None:  # noqa: ARG001
    with counted("rescue"):
        await maintenance.rescue(_tools(context))


@tasks.periodic(cron="* * * * *")
@tasks.task(name="expire", queue=queue.MAINTENANCE, queueing_lock="expire", pass_context=True)
async def expire(context: procrastinate.JobContext, timestamp: int) -> None:  # noqa: ARG001
    with counted("expire"):
        await maintenance.expire_uploads(_tools(context))


@tasks.periodic(cron="* * * * *")
@tasks.task(name="collect", queue=queue.MAINTENANCE, queueing_lock="collect", pass_context=True)
async def collect(context: procrastinate.JobContext, timestamp: int) -> None:  # noqa: ARG001
    with counted("collect"):
        await maintenance.collect(_tools(context))


@tasks.periodic(cron="7 * * * *")
@tasks.task(
    name="expire_exports",
    queue=queue.MAINTENANCE,
    queueing_lock="expire_exports",
    pass_context=True,
)
async def expire_exports(context: procrastinate.JobContext, timestamp: int) -> None:  # noqa: ARG001
    with counted("expire_exports"):
        await export.expire(_tools(context))


@tasks.periodic(cron="*/10 * * * *")
@tasks.task(
    name="scrub", queue=queue.MAINTENANCE, queueing_lock="scrub", lock="scrub", pass_context=True
)
async def scrub(context: procrastinate.JobContext, timestamp: int) -> None:  # noqa: ARG001
    with counted("scrub"):
        await maintenance.scrub(_tools(context))


def prepare(target: Queue) -> None:
    """Teach the queue's app to run our jobs. Once per process."""
    target.app.add_tasks_from(tasks, namespace="")


async def work(
    tools: Tools, lanes: Sequence[Lane] = LANES, *, vitals: Vitals | None = None
) -> None:
    """Run jobs until cancelled; then stop ffmpeg, put its jobs back, and return.

    `vitals` is told how this goes.
    """
    vitals = vitals or Vitals(lanes)
    try:
        async with asyncio.TaskGroup() as group:
            group.create_task(presence.keep(tools, lanes, vitals))
            for lane in lanes:
                group.create_task(_keep_working(tools, lane, vitals))
    finally:
        await _hand_over(tools, lanes)


async def _hand_over(tools: Tools, lanes: Sequence[Lane]) -> None:
    """Have other workers take what was put back now, not when they look the next time."""
    try:
        async with tools.db.write() as session:
            await queues.call(session, [name for lane in lanes for name in lane.queues])
    except Exception as failure:  # noqa: BLE001  (they look every few seconds anyway)
        log.warning("other workers could not be told that this one ends: %s", failure)


async def work_until_empty(tools: Tools, lanes: Sequence[Lane] = LANES) -> None:
    """Run jobs, and those that they queue, until none is ready."""
    queues = [name for lane in lanes for name in lane.queues]
    await _run(tools, Lane(queues, concurrency=1), wait=False)


async def _keep_working(tools: Tools, lane: Lane, vitals: Vitals) -> None:
    """A worker gives up after a while without a database; try again, less and less often."""
    pause = 1.0
    while True:
        started = asyncio.get_running_loop().time()
        try:
            with vitals.running(lane):
                await _run(tools, lane, wait=True)
        except Exception:
            log.exception("the worker on %s stopped; it starts again", lane.name)
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
        name=lane.name,
        concurrency=lane.concurrency,
        wait=wait,
        delete_jobs="always",
        additional_context={"tools": tools},
        install_signal_handlers=False,
        shutdown_graceful_timeout=0.1,
        update_heartbeat_interval=_HEARTBEAT_S,
        stalled_worker_timeout=STALLED_AFTER_S,
    )
