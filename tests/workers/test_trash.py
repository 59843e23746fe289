"""Deleting what is being worked on, and removing for good what was deleted."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, update

from db import accounts, objects, play_sets, runs, trash, videos
from db.models import (
    Account,
    Content,
    Event,
    FetchItem,
    Garbage,
    PlaySet,
    StoredObject,
    Task,
    UploadSession,
    Video,
)
from db.objects import NewObject
from domain.events import EventType
from domain.play_sets import FAILED_PLAY_SETS, PlaySetStatus
from domain.tasks import TaskStatus
from domain.templates import DEFAULTS
from domain.uploads import UploadStatus
from domain.videos import TranscodePass, VideoStatus
from jobs import fsck, maintenance, plans, queue, transcode, worker
from jobs import trash as bins
from jobs.lanes import Lane
from jobs.plans import NewVideo
from jobs.runs import Overtaken, Tools
from schema import ids
from server.settings import Settings
from storage.local import LocalStore
from tests.support import factories, fetching, planning, trashing
from tests.support.api import Api
from tests.support.factories import Owner
from tests.support.house import House, content_of
from tests.support.planning import claimed, task_of
from tests.support.site import Page, Site
from tests.support.waiting import until, until_blocked

DAY = timedelta(days=1)
SIZE = 1_000
"""Bytes of a factory's video."""


@pytest.fixture
async def own(
    tools: Tools, owner: Owner, settings: Settings, tmp_path: Path
) -> AsyncIterator[House]:
    """A house with a store of its own."""
    store = LocalStore(tmp_path / "store")
    yield House(replace(tools, store=store), owner, settings)
    await store.close()


async def faults(house: House) -> list[fsck.Finding]:
    """What does not fit once everything is removed that is due."""
    later = datetime.now(UTC) + 2 * DAY
    await maintenance.collect(house.tools, now=later)
    return [one async for one in fsck.check(house.tools, repair=False, read=False, now=later)]


async def stored(house: House) -> set[str]:
    return {one.key async for one in house.tools.store.list("")}


async def share(tools: Tools, owner: Owner, video: Video) -> Video:
    """A video of an account's own of the same bytes."""
    async with tools.db.write() as session:
        await accounts.lock(session, owner.account.id)
        content = await objects.lock(session, content_of(video))
        assert content is not None
        held = await objects.hold(session, content, NewObject(owner.account.id, None, "a/b"))
        new = NewVideo(account_id=owner.account.id, title="Again", file_size=content.size)
        twin = await plans.add_video(session, new)
        await plans.begin(session, tools.queue, twin, content, held)
        return await videos.fresh(session, twin)


async def delete(tools: Tools, *chosen: Video, days_ago: int = 0) -> list[Task]:
    """Put videos into the bin, some time ago."""
    (account_id,) = {video.account_id for video in chosen}
    async with tools.db.write() as session:
        found = await videos.lock_all(session, account_id, [video.id for video in chosen])
        ended = await bins.delete(session, list(found.values()))
    async with tools.db.write() as session:
        moment = datetime.now(UTC) - timedelta(days=days_ago)
        await session.execute(update(Video).where(Video.id.in_(found)).values(deleted_at=moment))
    return ended


async def used(tools: Tools, owner: Owner) -> int:
    async with tools.db.read() as session:
        return (await session.get_one(Account, owner.account.id)).storage_used


async def test_a_run_that_publishes_after_the_deletion_changes_nothing(
    tools: Tools, owner: Owner
) -> None:
    video = await planning.made(tools, owner)
    run = await claimed(tools, await task_of(tools, video, TranscodePass.FIRST_PLAY))
    assert await transcode._begin(run) is not None
    await delete(tools, video)
    for late in (transcode._started(run, "ffmpeg"), transcode._begin(run), run.report(0.5)):
        with pytest.raises(Overtaken):
            await late
    async with tools.db.write() as session:
        assert not await runs.succeed(session, run.task)
        row = await session.get_one(Video, video.id)
    assert (row.status, row.published_at) == (VideoStatus.DELETED, None)


@pytest.mark.parametrize("moment", ["transcoding", "transcoded", "ready"])
async def test_of_a_deletion_and_a_publishing_run_at_once_one_comes_first(
    own: House, owner: Owner, source: Path, moment: str
) -> None:
    """What is READY was published before; of what comes after the deletion, nothing is left."""
    order = list(PlaySetStatus)
    video = await own.add(source)
    working = asyncio.create_task(own.work())

    async def reached() -> bool:
        found = await own.rows(PlaySet)
        return any(order.index(one.status) >= order.index(PlaySetStatus(moment)) for one in found)

    await until(reached)
    await delete_now(own, video)
    await working
    row = await own.video()
    assert row.status is VideoStatus.DELETED
    assert {one.status for one in await own.rows(Task)} <= {
        TaskStatus.SUCCEEDED,
        TaskStatus.CANCELLED,
    }
    made = {one.status for one in await own.rows(PlaySet)}
    assert made <= {PlaySetStatus.READY, *FAILED_PLAY_SETS}
    is_published = PlaySetStatus.READY in made
    assert (row.former_status is VideoStatus.PUBLISHED) is is_published
    assert await faults(own) == []
    await purge_all(own.tools, owner)
    assert await faults(own) == []
    assert await stored(own) == set()


async def purge_all(tools: Tools, owner: Owner, *, killed: bool = False) -> None:
    async with tools.db.write() as session:
        await accounts.lock(session, owner.account.id)
        mine = await session.scalars(select(Video.id).where(Video.account_id == owner.account.id))
        found = await trash.lock_with_clips(session, owner.account.id, mine.all())
        await bins.purge(session, list(found.values()))
        if killed:
            raise asyncio.CancelledError


async def test_a_restored_video_is_made_to_its_end(own: House, source: Path) -> None:
    video = await own.add(source)
    await delete_now(own, video)
    await own.work()
    assert set((await own.statuses()).values()) == {PlaySetStatus.TRANSCODE_FAILED}
    async with own.tools.db.write() as session:
        found = await videos.lock_all(session, video.account_id, [video.id])
        await bins.restore(session, own.tools.queue, list(found.values()))
    await own.work()
    assert (await own.video()).status is VideoStatus.PUBLISHED
    assert set((await own.statuses()).values()) == {PlaySetStatus.READY}
    assert await faults(own) == []


async def delete_now(house: House, video: Video) -> None:
    async with house.tools.db.write() as session:
        found = await videos.lock_all(session, video.account_id, [video.id])
        ended = await bins.delete(session, list(found.values()))
    await queue.stop_all(house.tools.db, ended)


async def test_what_was_deleted_30_days_ago_is_removed_with_its_files(
    own: House, owner: Owner, source: Path
) -> None:
    video = await own.add(source)
    await own.work()
    size = await used(own.tools, owner)
    assert size == source.stat().st_size
    await delete(own.tools, video, days_ago=29)
    assert await maintenance.empty_trash(own.tools) == 0
    assert await used(own.tools, owner) == size
    assert await maintenance.empty_trash(own.tools, now=datetime.now(UTC) + 2 * DAY) == 1
    assert await used(own.tools, owner) == 0
    for kind in (Video, PlaySet, Task, StoredObject, Content):
        assert await own.rows(kind) == []
    assert await faults(own) == []
    assert await stored(own) == set()


async def test_files_that_another_account_has_stay(own: House, owner: Owner, source: Path) -> None:
    video = await own.add(source)
    await own.work()
    everything = await stored(own)
    other = await factories.owner(own.tools.db)
    twin = await share(own.tools, other, video)
    await delete(own.tools, video, days_ago=31)
    assert await maintenance.empty_trash(own.tools) == 1
    assert (await used(own.tools, owner), await used(own.tools, other)) == (0, twin.file_size)
    assert await faults(own) == []
    assert await stored(own) == everything
    made = [one for one in await own.rows(PlaySet) if one.status is PlaySetStatus.READY]
    assert {one.video_id for one in made} == {twin.id}
    await delete(own.tools, twin, days_ago=31)
    assert await maintenance.empty_trash(own.tools) == 1
    assert await faults(own) == []
    assert await stored(own) == set()


async def test_what_only_the_removed_video_had_of_shared_bytes_goes(
    own: House, owner: Owner, source: Path
) -> None:
    """Its second form of a rung, here, that the other video never got."""
    video = await own.add(source)
    await own.work()
    twin = await share(own.tools, owner, video)
    before = await stored(own)
    async with own.tools.db.write() as session:
        row = await videos.lock(session, video.id)
        assert row is not None
        await plans.transcode(session, own.tools.queue, row, [], again=[DEFAULTS[0]])
    await own.work()
    added = await stored(own) - before
    assert added
    await delete(own.tools, video, days_ago=31)
    assert await maintenance.empty_trash(own.tools) == 1
    assert await faults(own) == []
    assert await stored(own) == before
    assert (await own.video()).id == twin.id
    assert await used(own.tools, owner) == twin.file_size


async def test_pictures_go_whose_run_made_what_another_video_plays(
    own: House, source: Path
) -> None:
    video = await own.add(source)
    await own.work()
    before = await stored(own)
    twin = await share(own.tools, await factories.owner(own.tools.db), video)
    async with own.tools.db.write() as session:
        await videos.set_pictures(session, twin.id, poster_key=None, storyboard_key=None)
    await delete(own.tools, video, days_ago=31)
    assert await maintenance.empty_trash(own.tools) == 1
    assert await faults(own) == []
    gone = {key.rpartition("/")[2] for key in before - await stored(own)}
    assert gone == {"poster.jpg", "storyboard.vtt", "storyboard.jpg"}


async def test_what_its_owner_keeps_stays(tools: Tools, owner: Owner) -> None:
    video = await factories.video(tools.db, owner.account)
    async with tools.db.write() as session:
        content = await objects.lock(session, content_of(video))
        assert content is not None
        await objects.hold(session, content, NewObject(owner.account.id, None, "a/b"), kept=True)
    await delete(tools, video, days_ago=31)
    assert await maintenance.empty_trash(tools) == 1
    async with tools.db.read() as session:
        (kept,) = await session.scalars(select(StoredObject))
    assert (kept.storage_id, await used(tools, owner)) == (video.storage_id, SIZE)


async def test_a_purge_that_is_killed_leaves_nothing_half_done(
    own: House, owner: Owner, source: Path
) -> None:
    video = await own.add(source)
    await own.work()
    before = await stored(own)
    await delete(own.tools, video, days_ago=31)
    with pytest.raises(asyncio.CancelledError):
        await purge_all(own.tools, owner, killed=True)
    assert await faults(own) == []
    assert await stored(own) == before
    assert await used(own.tools, owner) == source.stat().st_size
    assert await maintenance.empty_trash(own.tools) == 1
    assert await faults(own) == []
    assert await stored(own) == set()


async def test_the_bin_is_emptied_by_its_owner_too(tools: Tools, api: Api, owner: Owner) -> None:
    first, second = [await factories.video(tools.db, owner.account) for _ in range(2)]
    clip = await factories.video(tools.db, owner.account)
    async with tools.db.write() as session:
        await session.execute(
            update(Video).where(Video.id == clip.id).values(clipped_from_id=first.id)
        )
    sent = [ids.encode("Video", video.id) for video in (first, second)]
    await trashing.delete(api, sent[0])
    payload = await trashing.purge(api, *sent)
    assert trashing.statuses(payload) == [None, "PROCESSING"]
    assert trashing.codes(payload) == [None, "INVALID_STATE"]
    assert [one["changed"] for one in payload["results"]] == [True, False]
    assert await used(tools, owner) == 2 * SIZE
    async with tools.db.read() as session:
        assert (await session.get_one(Video, clip.id)).clipped_from_id is None
    assert trashing.codes(await trashing.restore(api, sent[0])) == ["NOT_FOUND"]


async def test_a_purge_waits_for_whoever_shares_the_files(tools: Tools, owner: Owner) -> None:
    video = await factories.video(tools.db, owner.account)
    key = f"videos/{video.content_id}/a/1/x.m3u8"
    twin = await share(tools, await factories.owner(tools.db), video)
    made = await factories.ready_play_set(tools.db, video, playlist_key=key)
    await delete(tools, video, days_ago=31)
    async with tools.db.write() as session:
        found = await play_sets.twins(session, content_of(video), [made.template_id])
        coming = (await play_sets.of_videos(session, [twin.id]))[twin.id]
        (mine,) = [one for one in coming if one.template_id == made.template_id]
        purging = asyncio.create_task(maintenance.empty_trash(tools))
        await until_blocked(tools.db)
        assert await play_sets.share(session, mine, found[made.template_id])
    assert await purging == 1
    async with tools.db.read() as session:
        garbage = list(await session.scalars(select(Garbage.key)))
        kept = await session.get_one(PlaySet, mine.id)
    assert (kept.playlist_key, garbage) == (key, [])


async def test_a_row_of_a_fetch_ends_with_its_video(tools: Tools, api: Api, site: Site) -> None:
    urls = [site.add(f"/{name}.mp4", Page(name.encode() * 100)) for name in ("a", "b")]
    fetch = await fetching.begin(api, *urls)
    await worker.work_until_empty(tools, [Lane([queue.FETCH], 1)])
    first, second = await fetching.rows(api, fetch)
    assert (first["status"], first["video"]["status"]) == ("RUNNING", "PROCESSING")
    await trashing.delete(api, first["video"]["id"])
    first, second = await fetching.rows(api, fetch)
    assert (first["status"], first["error"]["code"]) == ("CANCELLED", "CANCELLED")
    assert second["status"] == "RUNNING"
    assert (await fetching.state(api, fetch))["failCount"] == 1
    await trashing.delete(api, second["video"]["id"])
    state = await fetching.state(api, fetch)
    assert (state["status"], state["failCount"]) == ("FAILED", 2)
    async with tools.db.read() as session:
        closed = {one.status for one in await session.scalars(select(UploadSession))}
        assert closed == {UploadStatus.FAILED}
        news = [one.type for one in await session.scalars(select(Event))]
        assert news.count(EventType.VIDEO_DELETED) == 2
        ended = {one.status for one in await session.scalars(select(FetchItem))}
        assert ended == {TaskStatus.CANCELLED}
