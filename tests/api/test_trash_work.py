"""What ends when a video is deleted: work on it, uploads of it, and watching it."""

import asyncio

import pytest

from db.models import PlaySet, Task, UploadSession, Video
from domain.events import EventType
from domain.play_sets import PlaySetStatus
from domain.tasks import TaskStatus
from domain.trash import NO_FILE
from domain.uploads import UploadStatus
from domain.videos import Resolution, VideoStatus
from resolvers.context import Services
from schema import ids
from tests.support import factories, trashing, uploading
from tests.support.api import Api, OperationFailed
from tests.support.tables import due_tasks, events, rows
from tests.support.trashing import being_made, delete, restore, row_of, statuses

P360, P480 = Resolution.P360, Resolution.P480


async def test_what_is_being_made_of_it_is_cancelled(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    video, first, ladder = await being_made(services, owner)
    other = await factories.video(services.db, owner.account)
    kept = await factories.transcode_task(services.db, other, P360)
    async with services.db.write() as session:
        for task in (first, kept):
            row = await session.get_one(Task, task.id)
            await services.queue.defer(session, row)
    await delete(api, ids.encode("Video", video.id))
    now = {task.id: task for task in await rows(services.db, Task)}
    for task in (first, ladder):
        ended = now[task.id]
        assert (ended.status, ended.error_code) == (TaskStatus.CANCELLED, "CANCELLED")
        assert ended.error_message == "The video was deleted."
    assert now[kept.id].status is TaskStatus.QUEUED
    assert await due_tasks(services.db) == [str(kept.id)]
    made = {one.task_id: one.status for one in await rows(services.db, PlaySet)}
    assert made == {
        first.id: PlaySetStatus.TRANSCODE_FAILED,
        ladder.id: PlaySetStatus.TRANSCODE_FAILED,
        kept.id: PlaySetStatus.INITIAL,
    }
    assert await events(services.db) == [EventType.VIDEO_DELETED]


async def test_whoever_watches_what_ends_is_told(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    video, task, _ = await being_made(services, owner)
    watched = "subscription ($id: ID!) { task(id: $id) { status } }"
    messages = api.watch(watched, id=ids.encode("TranscodeTask", task.id))
    assert (await anext(messages))["task"] == {"status": "QUEUED"}
    await delete(api, ids.encode("Video", video.id))
    assert [one["task"]["status"] async for one in messages] == ["CANCELLED"]


async def test_whoever_watches_a_video_that_is_removed_is_told(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    """Also who still waits for a play set of it."""
    video = await factories.video(services.db, owner.account, status=VideoStatus.PUBLISHED)
    id = ids.encode("Video", video.id)
    await delete(api, id)
    await factories.transcode_task(services.db, video, P360)
    messages = api.watch("subscription ($id: ID!) { video(id: $id) { status } }", id=id)
    assert (await anext(messages))["video"] == {"status": "DELETED"}
    assert statuses(await trashing.purge(api, id)) == [None]
    with pytest.raises(OperationFailed) as failure:
        async with asyncio.timeout(10):
            await anext(messages)
    assert failure.value.codes == ["NOT_FOUND"]


async def test_an_upload_that_is_checked_for_it_is_given_up(api: Api, services: Services) -> None:
    data = b"x" * 70_000
    upload = await uploading.begin(api, data)
    await uploading.put(api, upload["id"], 1, data)
    await uploading.complete(api, upload["id"], uploading.sha256(data))
    (video,) = await rows(services.db, Video)
    id = ids.encode("Video", video.id)
    assert statuses(await delete(api, id)) == ["DELETED"]
    (session,) = await rows(services.db, UploadSession)
    assert (session.status, session.error_code) == (UploadStatus.FAILED, "CANCELLED")
    (task,) = await rows(services.db, Task)
    assert task.status is TaskStatus.CANCELLED
    assert await due_tasks(services.db) == []
    assert await events(services.db) == [EventType.UPLOAD_FAILED, EventType.VIDEO_DELETED]
    payload = await restore(api, id)
    (result,) = payload["results"]
    assert result["video"]["status"] == "UPLOAD_FAILED"
    assert result["video"]["statusReason"] == NO_FILE


@pytest.mark.parametrize("arrived", [0, 1])
async def test_an_upload_that_still_brings_it_is_given_up(
    api: Api, services: Services, arrived: int
) -> None:
    data = b"x" * 140_000
    upload = await uploading.begin(api, data, chunkSize=70_000)
    first, second = await uploading.urls(api, upload["id"], 1, 2)
    for url in [first][:arrived]:
        assert (await api.http.put(url, content=data[:70_000])).status_code == 200
    (video,) = await rows(services.db, Video)
    assert video.status is (VideoStatus.UPLOADING if arrived else VideoStatus.INITIAL)
    id = ids.encode("Video", video.id)
    assert statuses(await delete(api, id)) == ["DELETED"]
    (session,) = await rows(services.db, UploadSession)
    assert (session.status, session.error_code) == (UploadStatus.CANCELLED, None)
    assert (await api.http.put(second, content=data[70_000:])).status_code == 409
    completed = await uploading.complete(api, upload["id"], uploading.sha256(data))
    assert [one["code"] for one in completed["userErrors"]] == ["SESSION_CLOSED"]
    assert (await row_of(services, id)).status is VideoStatus.DELETED
    assert statuses(await restore(api, id)) == ["UPLOAD_FAILED"]
    assert await events(services.db) == [EventType.VIDEO_DELETED, EventType.VIDEO_RESTORED]
