"""Passes of one content that come in each other's way: nothing is lost, and nothing said twice."""

from pathlib import Path

from sqlalchemy import select

from db import objects, play_sets, tasks, videos
from db.models import AudioTrack, Event, Garbage, Task, Video
from db.objects import NewObject
from domain.errors import Cancelled
from domain.events import EventType
from domain.play_sets import PlaySetStatus
from domain.tasks import TaskStatus
from domain.templates import BUILT_IN, DEFAULTS, Template
from domain.videos import Resolution, TranscodePass
from jobs import outcomes, plans, publishing, transcode
from jobs.plans import NewVideo
from jobs.runs import Run, Tools
from media.passes import Output
from storage import keys
from tests.support import planning
from tests.support.factories import Owner
from tests.support.house import House, content_of
from tests.support.planning import claimed, publish, states, task_of
from tests.workers import test_redo as redoing

P360, P480, _, _, ORIGIN = DEFAULTS
P240 = BUILT_IN[5]
READY = PlaySetStatus.READY


async def cancel(tools: Tools, task: Task) -> None:
    failure = Cancelled("Enough.")
    async with tools.db.write() as session:
        await outcomes.lock_video(session, task)
        for one in await tasks.cancel(session, [task.id], failure):
            await outcomes.failed(session, one, failure)


async def more(tools: Tools, video: Video, *wanted: Template) -> list[Task]:
    """The tasks that make these templates besides."""
    async with tools.db.write() as session:
        row = await videos.lock(session, video.id)
        assert row is not None
        made = await plans.transcode(session, tools.queue, row, wanted)
        found = await tasks.by_ids(session, [one.task_id for one in made])
    return list(found.values())


async def test_what_is_asked_for_besides_ends_without_the_others(
    tools: Tools, owner: Owner
) -> None:
    video = await planning.made(tools, owner)
    (extra,) = await more(tools, video, P240)
    assert (extra.transcode_pass, extra.job_id is None) == (TranscodePass.LADDER, False)
    await cancel(tools, extra)
    ladder = await task_of_first(tools, video)
    assert (ladder.status, ladder.job_id) == (TaskStatus.QUEUED, None)
    assert (await states(tools, video))[Resolution.P480] is PlaySetStatus.INITIAL


async def task_of_first(tools: Tools, video: Video) -> Task:
    """The ladder that waits for the first play."""
    async with tools.db.read() as session:
        siblings = (await tasks.of_video(session, [video.id]))[video.id]
    return next(one for one in siblings if one.transcode_pass is TranscodePass.LADDER)


async def test_a_twin_takes_over_at_any_state_and_is_announced_once(
    tools: Tools, owner: Owner, other: Owner
) -> None:
    first = await planning.made(tools, owner)
    second = await planning.made(tools, other, like=first)
    dead = await claimed(tools, await task_of(tools, second, TranscodePass.ORIGIN))
    await transcode._begin(dead)
    await transcode._change(dead, PlaySetStatus.TRANSCODED)  # and is not heard of any more
    await publish(tools, await claimed(tools, await task_of(tools, first, TranscodePass.ORIGIN)))
    again = await claimed(tools, dead.task)
    assert await transcode._begin(again) is None
    assert (await states(tools, second))[Resolution.ORIGIN] is READY
    async with tools.db.read() as session:
        found = (await play_sets.of_videos(session, [second.id]))[second.id]
    (shared,) = [one.id for one in found if one.resolution is Resolution.ORIGIN]
    assert await ready_events(tools, second) == [shared]


async def ready_events(tools: Tools, video: Video) -> list[object]:
    async with tools.db.read() as session:
        rows = await session.scalars(select(Event).where(Event.video_id == video.id))
        return [one.play_set_id for one in rows if one.type is EventType.PLAY_SET_READY]


async def test_pictures_come_from_whichever_twin_has_some(
    tools: Tools, owner: Owner, other: Owner
) -> None:
    first = await planning.made(tools, owner)
    await publish(
        tools, await claimed(tools, await task_of(tools, first, TranscodePass.FIRST_PLAY))
    )
    async with tools.db.write() as session:
        await videos.set_pictures(session, first.id, poster_key="p", storyboard_key="s")
        content = await objects.sound(
            session, sha256=str(first.source_sha256), size=first.file_size
        )
        assert content is not None
        stored = await objects.hold(session, content, NewObject(other.account.id, None, "a/b"))
        new = NewVideo(account_id=other.account.id, title="Plain", skip_auto_transcode=True)
        plain = await plans.add_video(session, new)
        await plans.begin(session, tools.queue, plain, content, stored)
    await more(tools, plain, ORIGIN)
    await publish(tools, await claimed(tools, await task_of(tools, plain, TranscodePass.ORIGIN)))
    third = await planning.made(tools, other, like=first)
    async with tools.db.read() as session:
        found = await videos.by_id(session, third.id)
    assert found is not None
    assert (found.poster_key, found.storyboard_key) == ("p", "s")


async def test_sound_stays_as_long_as_anything_is_being_made(house: House, source: Path) -> None:
    await redoing.made(house, source)
    await redoing.ask(house, P240)
    late = await begun(house, redo=False)
    subject = await transcode._begin(late)
    assert subject is not None
    with house.tools.workspace.folder() as folder:
        output = await transcode._encode(late, subject, folder)
        await redo_of_all_that_is_heard(house)  # while this one encoded
        assert "audio" in {one.name for one in await house.rows(AudioTrack)}
        await published(house, late, subject, output)
    (made,) = await redoing.of(house, P240, READY)
    tracks = {one.id: one for one in await house.rows(AudioTrack)}
    assert made.audio_track_id is not None
    sound = tracks[made.audio_track_id].playlist_key
    assert house.files(sound.rpartition("/")[0]) >= {"audio.m3u8", "audio.mp4"}


async def begun(house: House, *, redo: bool) -> Run:
    """A run of the one task that is queued."""
    (task,) = [
        one
        for one in await house.rows(Task)
        if one.status is TaskStatus.QUEUED and one.redo is redo
    ]
    return await claimed(house.tools, task)


async def redo_of_all_that_is_heard(house: House) -> None:
    await redoing.ask(house, P360, P480, redo=True)
    await transcode.transcode(await begun(house, redo=True))


async def published(house: House, run: Run, subject: publishing.Subject, output: Output) -> None:
    prefix = subject.prefix(run)
    await transcode._change(run, PlaySetStatus.TRANSCODED)
    await transcode._change(run, PlaySetStatus.UPLOADING, removed=prefix)
    stored = await publishing.store(run, output, prefix, subject.source.duration_ms)
    async with house.tools.db.write() as session:
        await publishing.publish(session, run, subject, output, stored)


async def test_files_of_a_run_that_never_ended_are_garbage(house: House, source: Path) -> None:
    await redoing.made(house, source)
    await redoing.ask(house, P480, redo=True)
    dead = await begun(house, redo=True)
    await transcode._begin(dead)
    video = await house.video()
    prefix = keys.attempt(content_of(video), dead.task.id, dead.task.attempt)
    await transcode._change(dead, PlaySetStatus.TRANSCODED)
    await transcode._change(dead, PlaySetStatus.UPLOADING, removed=prefix)
    await cancel(house.tools, dead.task)
    assert [one.key for one in await house.rows(Garbage)] == [prefix]


async def test_what_is_published_is_no_garbage(house: House, source: Path) -> None:
    await redoing.made(house, source)
    assert await house.rows(Garbage) == []
