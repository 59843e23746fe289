"""The worker: takes jobs off the queues and runs them, many kinds side by side."""

import asyncio
import logging
import random
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, cast
from uuid import UUID

import procrastinate
from procrastinate.worker import Worker

from db import queues
from domain.tasks import TaskKind
from jobs import (
    clips,
    covers,
    export,
    fetch,
    intake,
    maintenance,
    presence,
    queue,
    recommendations,
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

LANES = (
    Lane([queue.INTAKE], 2),
    Lane([queue.FIRST_PLAY], 1),
    Lane([queue.TRANSCODE], 1),
    Lane([queue.CLIP], 1),
    Lane([queue.FETCH], 2),
    Lane([queue.EXPORT], 1),
    Lane([queue.COVER], 1),
    Lane([queue.RECOMMEND], 1),
    Lane([queue.MAINTENANCE], 1),
    Lane([queue.RESCUE], 1),
)
"""A first play never waits for a ladder, and the rescue of jobs waits for nothing."""


def _tools(context: procrastinate.JobContext) -> Tools:
    return cast("Tools", context.additional_context["tools"])


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker does for a kind of task, and what it sees to afterwards, however that ended."""

    work: Work
    clean: Callable[[Tools, UUID], Awaitable[None]] | None = None


JOBS: Final[Mapping[TaskKind, Job]] = {
    TaskKind.VERIFY: Job(intake.verify, intake.clean),
    TaskKind.PROBE: Job(intake.examine),
    TaskKind.TRANSCODE: Job(transcode.transcode),
    TaskKind.CLIP: Job(clips.cut),
    TaskKind.SPLICE: Job(clips.cut),
    TaskKind.FETCH: Job(fetch.fetch, fetch.clean),
    TaskKind.EXPORT: Job(export.export),
    TaskKind.SIMULATE: Job(simulate.simulate),
    TaskKind.COVER: Job(covers.make),
}


@dataclass(frozen=True, slots=True)
class Duty:
    """What one worker for all does from time to time."""

    name: str
    cron: str
    work: Callable[[Tools], Awaitable[object]]
    queue: str = queue.MAINTENANCE
    lock: str | None = None
    """Of duties that must not run twice at a time, also not after a worker's death."""


DUTIES: Final = (
    Duty("rescue", "* * * * * */5", maintenance.rescue, queue.RESCUE),  # the seconds come last
    Duty("expire", "* * * * *", maintenance.expire_uploads),
    Duty("collect", "* * * * *", maintenance.collect),
    Duty("forget_wrong_passwords", "* * * * *", maintenance.forget_wrong_passwords),
    Duty("empty_trash", "37 * * * *", maintenance.empty_trash, lock="empty_trash"),
    Duty("expire_exports", "7 * * * *", export.expire),
    Duty("recommend", "*/10 * * * *", recommendations.recommend, queue.RECOMMEND, "recommend"),
    Duty("scrub", "*/10 * * * *", maintenance.scrub, lock="scrub"),
)


def prepare(target: Queue) -> None:
    """Teach the queue's app to run our jobs and duties. Once for each queue."""
    for kind, job in JOBS.items():
        _add_job(target.app, kind, job)
    for duty in DUTIES:
        _add_duty(target.app, duty)


def _add_job(app: procrastinate.App, kind: TaskKind, job: Job) -> None:
    async def run(context: procrastinate.JobContext, task_id: str) -> None:
        tools, id = _tools(context), UUID(task_id)
        try:
            await runs.perform(context, tools, id, counting(job.work))
        finally:
            if job.clean is not None:
                await job.clean(tools, id)

    app.task(name=kind.value, pass_context=True, retry=Backoff())(run)


def _add_duty(app: procrastinate.App, duty: Duty) -> None:
    async def run(context: procrastinate.JobContext, timestamp: int) -> None:  # noqa: ARG001
        with counted(duty.name):
            await duty.work(_tools(context))

    added = app.task(
        name=duty.name,
        queue=duty.queue,
        queueing_lock=duty.name,
        lock=duty.lock,
        pass_context=True,
    )(run)
    app.periodic(cron=duty.cron)(added)


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
