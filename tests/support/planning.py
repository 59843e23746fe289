"""Videos whose play sets are planned, and runs that make them."""

from db import objects, play_sets, runs, tasks, videos
from db.models import Task, Video
from db.objects import NewObject
from domain.play_sets import PlaySetStatus
from domain.videos import Resolution, TranscodePass
from jobs import plans
from jobs.plans import NewVideo
from jobs.runs import Run, Tools
from tests.support import factories
from tests.support.factories import READY, SOURCE, Owner


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
