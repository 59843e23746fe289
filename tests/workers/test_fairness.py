"""Accounts with much waiting let the first tasks of others go before."""

from db import tasks
from db.models import Task
from domain.videos import Resolution, TranscodePass
from jobs.queue import MOST_WAITING
from jobs.runs import Tools
from tests.support import factories
from tests.support.factories import Owner


async def queued(tools: Tools, owner: Owner, *, number: int = 1) -> list[int]:
    """Queue so many ladders of an account; their priorities."""
    found: list[int] = []
    for _ in range(number):
        video = await factories.video(tools.db, owner.account)
        task = await factories.transcode_task(
            tools.db, video, Resolution.P480, kind=TranscodePass.LADDER
        )
        async with tools.db.write() as session:
            await tools.queue.defer(session, task)
        found.append((await row(tools, task)).priority)
    return found


async def row(tools: Tools, task: Task) -> Task:
    async with tools.db.read() as session:
        return (await tasks.by_ids(session, [task.id]))[task.id]


async def test_accounts_take_turns(tools: Tools, owner: Owner, other: Owner) -> None:
    assert await queued(tools, owner, number=3) == [0, -1, -2]
    assert await queued(tools, other, number=2) == [0, -1]


async def test_copies_go_before_any_encoding(tools: Tools, owner: Owner) -> None:
    await queued(tools, owner, number=3)
    video = await factories.video(tools.db, owner.account)
    kind = TranscodePass.ORIGIN
    task = await factories.transcode_task(tools.db, video, Resolution.ORIGIN, kind=kind)
    async with tools.db.write() as session:
        await tools.queue.defer(session, task)
    assert (await row(tools, task)).priority > 0
    assert MOST_WAITING < 1_000


async def test_what_is_queued_again_keeps_its_place(tools: Tools, owner: Owner) -> None:
    video = await factories.video(tools.db, owner.account)
    kind = TranscodePass.LADDER
    task = await factories.transcode_task(tools.db, video, Resolution.P480, kind=kind)
    async with tools.db.write() as session:
        await tools.queue.defer(session, task)
    await queued(tools, owner, number=2)
    async with tools.db.write() as session:
        await tools.queue.defer(session, await row(tools, task))
    assert (await row(tools, task)).priority == 0
