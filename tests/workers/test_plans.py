"""What is made of the same bytes is made once, whoever's video it is for."""

import pytest

from db import objects, play_sets, runs, tasks, videos
from db.models import Task, Video
from db.objects import NewObject
from domain.play_sets import PlaySetStatus
from domain.tasks import TaskStatus
from domain.videos import Resolution, TranscodePass, VideoStatus
from jobs import plans, transcode
from jobs.plans import NewVideo
from jobs.runs import Run, Tools, Waiting
from tests.support import factories
from tests.support.factories import READY, SOURCE, Owner

OTHER = TranscodePass.ORIGIN


@pytest.fixture
async def other(tools: Tools) -> Owner:
    return await factories.owner(tools.db)


async def made(tools: Tools, owner: Owner, *, like: Video | None = None) -> Video:
    """A planned video of some bytes, or of those of another video."""
    if like is None:
        first = await factories.video(tools.db, owner.account)
        async with tools.db.write() as session:
            video = await videos.lock(session, first.id)
            assert video is not None
            await plans.make(session, tools.queue, video, SOURCE)
            return await videos.fresh(session, video)
    async with tools.db.write() as session:
        content = await objects.sound(session, sha256=str(like.source_sha256), size=like.file_size)
        assert content is not None
        stored = await objects.hold(session, content, NewObject(owner.account.id, None, "a/b"))
        new = NewVideo(account_id=owner.account.id, title="Again", file_size=like.file_size)
        video = await plans.add_video(session, new)
        await plans.begin(session, tools.queue, video, content, stored)
        return await videos.fresh(session, video)


async def task_of(tools: Tools, video: Video, kind: TranscodePass) -> Task:
    async with tools.db.read() as session:
        (task,) = [
            one
            for one in (await tasks.of_video(session, [video.id]))[video.id]
            if one.transcode_pass is kind
        ]
    return task


async def claimed(tools: Tools, task: Task) -> Run:
    async with tools.db.write() as session:
        row = await runs.claim(session, task.id, worker="test")
    assert row is not None
    return Run(tools, row)


async def publish(tools: Tools, run: Run) -> None:
    """End the run with play sets that are READY, as ffmpeg would have made them."""
    async with tools.db.write() as session:
        assert await runs.succeed(session, run.task)
        for one in (await play_sets.of_tasks(session, [run.task.id]))[run.task.id]:
            values = {**READY, "playlist_key": f"videos/{one.resolution}.m3u8"}
            await play_sets.finish(session, one.id, values)


async def states(tools: Tools, video: Video) -> dict[Resolution, PlaySetStatus]:
    async with tools.db.read() as session:
        rows = (await play_sets.of_videos(session, [video.id]))[video.id]
    return {row.resolution: row.status for row in rows}


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
