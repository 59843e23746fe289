"""What is made of the same bytes is made once, whoever's video it is for."""

import pytest

from db import play_sets, runs
from domain.play_sets import PlaySetStatus
from domain.tasks import TaskStatus
from domain.videos import Resolution, TranscodePass, VideoStatus
from jobs import transcode
from jobs.runs import Tools, Waiting
from tests.support.factories import Owner
from tests.support.planning import claimed, made, publish, states, task_of

OTHER = TranscodePass.ORIGIN


async def test_a_task_waits_while_its_twin_is_at_it(
    tools: Tools, owner: Owner, other: Owner
) -> None:
    first = await made(tools, owner)
    second = await made(tools, other, like=first)
    at_it = await claimed(tools, await task_of(tools, first, OTHER))
    with pytest.raises(Waiting):
        await transcode.transcode(await claimed(tools, await task_of(tools, second, OTHER)))
    assert (await states(tools, second))[Resolution.ORIGIN] is PlaySetStatus.INITIAL
    await publish(tools, at_it)

    run = await claimed(tools, await task_of(tools, second, OTHER))
    await transcode.transcode(run)
    task = await task_of(tools, second, OTHER)
    assert (task.status, task.progress) == (TaskStatus.SUCCEEDED, 1)
    assert (await states(tools, second))[Resolution.ORIGIN] is PlaySetStatus.READY
    assert (await states(tools, second))[Resolution.P360] is PlaySetStatus.INITIAL


async def test_of_two_twins_only_the_later_one_waits(
    tools: Tools, owner: Owner, other: Owner
) -> None:
    first = await made(tools, owner)
    second = await made(tools, other, like=first)
    earlier = await claimed(tools, await task_of(tools, first, OTHER))
    later = await claimed(tools, await task_of(tools, second, OTHER))
    assert first.content_id is not None
    async with tools.db.read() as session:
        waits = [
            await runs.twin_runs(session, run.task, first.content_id) for run in (earlier, later)
        ]
    assert waits == [False, True]


async def test_a_video_of_known_bytes_is_published_with_what_there_is(
    tools: Tools, owner: Owner, other: Owner
) -> None:
    first = await made(tools, owner)
    await publish(tools, await claimed(tools, await task_of(tools, first, OTHER)))
    second = await made(tools, other, like=first)
    assert second.status is VideoStatus.PUBLISHED
    assert await states(tools, second) == {
        Resolution.P360: PlaySetStatus.INITIAL,
        Resolution.P480: PlaySetStatus.INITIAL,
        Resolution.P720: PlaySetStatus.INITIAL,
        Resolution.ORIGIN: PlaySetStatus.READY,
    }
    assert (await task_of(tools, second, OTHER)).status is TaskStatus.SUCCEEDED
    for kind in (TranscodePass.FIRST_PLAY, TranscodePass.LADDER):
        assert (await task_of(tools, second, kind)).status is TaskStatus.QUEUED


async def test_the_ladder_follows_a_first_play_that_was_shared(
    tools: Tools, owner: Owner, other: Owner
) -> None:
    first = await made(tools, owner)
    await publish(
        tools, await claimed(tools, await task_of(tools, first, TranscodePass.FIRST_PLAY))
    )
    second = await made(tools, other, like=first)
    assert (await task_of(tools, second, TranscodePass.FIRST_PLAY)).status is TaskStatus.SUCCEEDED
    assert (await task_of(tools, second, TranscodePass.LADDER)).job_id is not None
    assert (await task_of(tools, first, TranscodePass.LADDER)).job_id is None


async def test_a_play_set_that_failed_is_no_twin(tools: Tools, owner: Owner, other: Owner) -> None:
    first = await made(tools, owner)
    task = await task_of(tools, first, OTHER)
    async with tools.db.write() as session:
        await play_sets.fail(session, [task.id])
    second = await made(tools, other, like=first)
    assert (await states(tools, second))[Resolution.ORIGIN] is PlaySetStatus.INITIAL
