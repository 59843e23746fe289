"""Downloading the rows of a fetch, a few side by side.

A run ends when nothing is left to download, or its turn is over; the task goes on until the last
file was checked, and `jobs.fetches.settle` ends it. While rows are left, the task is QUEUED behind
the others, with a job for the moment when the first row is due.
"""

import asyncio
import time
from collections.abc import Set as AbstractSet
from typing import Final
from uuid import UUID

from db import fetch_endings, fetches
from db.models import FetchItem
from db.session import WriteSession
from domain.fetches import AT_ONCE, TURN_ROWS, TURN_S
from domain.tasks import TaskStatus
from jobs import fetch_items, uploads
from jobs.fetch_items import Received
from jobs.runs import Overtaken, Run, Tools

_REPORT_EVERY_S: Final = 0.5


async def fetch(run: Run) -> None:
    """Download what is due of this task's rows, and see to it that the others follow."""
    received: Received = {}
    reporting = asyncio.create_task(_report(run, received))
    try:
        await _download_all(run, received, reporting)
    finally:
        try:
            await _stop({reporting})
        finally:
            await asyncio.shield(_rest(run))
    await _follow(run)


async def clean(tools: Tools, task_id: UUID) -> None:
    """Remove what closed uploads of this task no longer need. Safe to repeat."""
    async with tools.db.read() as session:
        left = await fetch_endings.to_clear(session, task_id)
    for id in left:
        await uploads.clear(tools.db, tools.store, id)


async def _download_all(run: Run, received: Received, reporting: asyncio.Task[None]) -> None:
    """Rows that become due meanwhile have their turn, too. Any failure stops all.

    A row that has begun is brought to its end: not every server can go on in the middle.
    """
    await _rest(run)
    busy: set[asyncio.Task[None]] = set()
    ends_at, left = time.monotonic() + TURN_S, TURN_ROWS
    try:
        while True:
            if time.monotonic() >= ends_at:
                left = 0
            for item in await _take(run, min(left, AT_ONCE - len(busy))):
                left -= 1
                received[item.id] = 0
                busy.add(asyncio.create_task(fetch_items.fetch(run, item, received)))
            if not busy:
                return
            pause = await _pause(run) if left and len(busy) < AT_ONCE else None
            done, _ = await asyncio.wait(
                {*busy, reporting}, timeout=pause, return_when=asyncio.FIRST_COMPLETED
            )
            for one in done:
                one.result()
            busy -= done
    finally:
        await _stop(busy)


async def _stop(busy: AbstractSet[asyncio.Task[None]]) -> None:
    """What has come is kept; how each of them ends no longer matters.

    Who is stopped meanwhile, as a paused run is in two ways at once, waits for them all the same.
    """
    stopped: asyncio.CancelledError | None = None
    for one in busy:
        one.cancel()
    while left := {one for one in busy if not one.done()}:
        try:
            await asyncio.wait(left)
        except asyncio.CancelledError as again:
            stopped = again
    for one in busy:
        _ = one.cancelled() or one.exception()  # else it is logged that nobody asked
    if stopped:
        raise stopped


async def _take(run: Run, limit: int) -> list[FetchItem]:
    if not limit:
        return []
    async with run.tools.db.write() as session:
        if await _held(session, run) is None:
            return []
        await fetch_items.check_running(session, run)
        return await fetches.take(session, run.task.id, limit)


async def _held(session: WriteSession, run: Run) -> TaskStatus | None:
    """Lock the task: RUNNING, PAUSED, or None when it has ended with its last row.

    Raises `Overtaken`.
    """
    status = await fetches.hold(session, run.task)
    if status is None and not await fetches.has_ended(session, run.task):
        raise Overtaken
    return status


async def _pause(run: Run) -> float | None:
    """Seconds until another row may begin."""
    async with run.tools.db.read() as session:
        return await fetches.seconds_to_next(session, run.task.id)


async def _rest(run: Run) -> None:
    """No row is being downloaded, unless another run has begun."""
    async with run.tools.db.write() as session:
        if await fetches.hold(session, run.task) is not None:
            await fetches.rest(session, run.task.id)


async def _follow(run: Run) -> None:
    """Queue the next run, if rows wait for one and the task is not over."""
    async with run.tools.db.write() as session:
        if await _held(session, run) is not TaskStatus.RUNNING:
            return
        seconds = await fetches.seconds_to_next(session, run.task.id)
        if seconds is not None:
            run.task.queued_at = None  # it has had its turn: its place is behind the others
            await run.tools.queue.defer(session, run.task, after_s=seconds)
            await fetches.wait(session, run.task)


async def _report(run: Run, received: Received) -> None:
    """Tell how far it is. Raises `Overtaken`."""
    told: Received = {}
    while True:
        news = {id: size for id, size in received.items() if told.get(id) != size}
        async with run.tools.db.write() as session:
            if goes_on := await _held(session, run) is not None:
                await fetches.heard(session, news)
            progress = await fetches.progress(session, run.task.id)
        told |= news
        if goes_on:
            await run.report(progress)
        await asyncio.sleep(_REPORT_EVERY_S)
