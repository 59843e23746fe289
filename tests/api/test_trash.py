"""Deleting videos and restoring them."""

import asyncio
import random
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text, update

from db import play_sets, tasks
from db.models import Event, PlaySet, Task, UploadSession, Video
from domain.errors import Cancelled
from domain.events import EventType
from domain.play_sets import PlaySetStatus
from domain.tasks import TaskKind, TaskStatus
from domain.templates import BUILT_IN
from domain.trash import NO_FILE
from domain.uploads import UploadStatus
from domain.videos import LIVE, Resolution, TranscodePass, VideoStatus
from resolvers.context import Services
from schema import ids
from tests.support import factories, trashing, uploading
from tests.support.api import Api, OperationFailed
from tests.support.statements import recorded
from tests.support.trashing import codes, delete, restore, statuses

VIDEO = "query ($id: ID!) { video(by: {id: $id}) { status deletedAt purgeAt } }"
LIST = """
query ($status: [VideoStatus!]) {
  videos(filter: {status: $status}) { totalCount nodes { id } }
}
"""
P360, P480 = Resolution.P360, Resolution.P480
GONE = {
    "CREATE_CLIP": """
    mutation ($id: ID!) {
      change: createClip(
        input: {videoId: $id, title: "x", segments: [{startMs: 0, endMs: 5000}]}
      ) { userErrors { code } }
    }
    """,
    "TRANSCODE": """
    mutation ($id: ID!, $template: ID!) {
      change: transcodeVideo(input: {id: $id, templateIds: [$template]}) { userErrors { code } }
    }
    """,
    "BAN": """
    mutation ($id: ID!) {
      change: setVideosBanned(input: {ids: [$id], banned: true}) { userErrors { code } }
    }
    """,
}
REFUSED = {
    "CREATE_CLIP": "CLIP_INIT_FAILED",
    "TRANSCODE": "INVALID_STATE",
    "BAN": "NO_ELIGIBLE_ITEM",
}


async def added(services: Services, owner: factories.Owner, *some: VideoStatus) -> list[str]:
    rows = [await factories.video(services.db, owner.account, status=one) for one in some]
    return [ids.encode("Video", row.id) for row in rows]


@pytest.fixture
async def video(services: Services, owner: factories.Owner) -> Video:
    return await factories.video(services.db, owner.account, status=VideoStatus.PUBLISHED)


@pytest.fixture
def id(video: Video) -> str:
    return ids.encode("Video", video.id)


async def row_of(services: Services, id: str) -> Video:
    async with services.db.read() as session:
        return await session.get_one(Video, ids.decode(id, "Video"))


async def rows(services: Services, kind: type[Any]) -> list[Any]:
    async with services.db.read() as session:
        return list(await session.scalars(select(kind)))


async def events(services: Services) -> list[EventType]:
    async with services.db.read() as session:
        return list(await session.scalars(select(Event.type).order_by(Event.id)))


async def jobs(services: Services) -> set[str]:
    """The tasks that jobs wait for."""
    query = text("select args ->> 'task_id' from procrastinate_jobs where status = 'todo'")
    async with services.db.read() as session:
        return set(await session.scalars(query))


async def set_columns(services: Services, id: str, **values: Any) -> None:
    async with services.db.write() as session:
        chosen = Video.id == ids.decode(id, "Video")
        await session.execute(update(Video).where(chosen).values(**values))


async def test_a_deleted_video_is_in_the_bin_for_30_days(
    api: Api, services: Services, id: str
) -> None:
    payload = await delete(api, id)
    (result,) = payload["results"]
    assert (payload["changedCount"], payload["userErrors"]) == (1, [])
    assert (result["changed"], result["error"]) == (True, None)
    shown = {name: result["video"][name] for name in ("status", "deletedAt", "purgeAt")}
    deleted_at, purge_at = (
        datetime.fromisoformat(shown[name]) for name in ("deletedAt", "purgeAt")
    )
    assert shown["status"] == "DELETED"
    assert purge_at - deleted_at == timedelta(days=30)
    assert await api.run(VIDEO, id=id) == {"video": shown}
    row = await row_of(services, id)
    assert (row.former_status, row.epoch) == (VideoStatus.PUBLISHED, 1)
    assert await events(services) == [EventType.VIDEO_DELETED]
    assert (await api.run("{ limits { trashDays } }"))["limits"] == {"trashDays": 30}


async def test_deleted_videos_leave_the_list_unless_they_are_asked_for(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    kept, gone = await added(services, owner, VideoStatus.PUBLISHED, VideoStatus.PUBLISHED)
    await delete(api, gone)

    async def listed(status: list[str] | None) -> list[str]:
        found = (await api.run(LIST, status=status))["videos"]
        assert found["totalCount"] == len(found["nodes"])
        return sorted(node["id"] for node in found["nodes"])

    for some in (None, [], ["PUBLISHED"], [status.name for status in LIVE]):
        assert await listed(some) == [kept]
    assert await listed(["DELETED"]) == [gone]
    assert await listed(["DELETED", "PUBLISHED"]) == sorted([kept, gone])
    everything = await api.run("{ videos { nodes { id } } }")
    assert everything == {"videos": {"nodes": [{"id": kept}]}}


async def test_what_is_in_the_bin_is_not_deleted_again(
    api: Api, services: Services, id: str
) -> None:
    first = await delete(api, id)
    payload = await delete(api, id)
    (result,) = payload["results"]
    assert result["video"] == first["results"][0]["video"]
    assert result["error"] == {
        "code": "INVALID_STATE",
        "path": ["ids", "0"],
        "currentState": "DELETED",
        "allowedStates": [status.name for status in LIVE],
    }
    assert payload["userErrors"] == [{"code": "NO_ELIGIBLE_ITEM", "path": ["ids"]}]
    assert (await row_of(services, id)).epoch == 1
    assert await events(services) == [EventType.VIDEO_DELETED]


async def test_only_its_owner_deletes_restores_and_purges(
    api: Api, stranger: Api, anonymous: Api, services: Services, id: str
) -> None:
    unknown = ids.encode("Video", "00000000-0000-0000-0000-000000000000")
    for name in ("deleteVideos", "restoreVideos", "purgeVideos"):
        payload = await trashing.change(stranger, name, id, unknown)
        assert codes(payload) == ["NOT_FOUND", "NOT_FOUND"]
        assert [one["video"] for one in payload["results"]] == [None, None]
        with pytest.raises(OperationFailed) as failure:
            await trashing.change(anonymous, name, *[id] * 501)
        assert failure.value.codes == ["UNAUTHENTICATED"]
        many = await trashing.change(api, name, *[id] * 501)
        assert [error["code"] for error in many["userErrors"]] == ["TOO_MANY_IDS"]
    assert (await row_of(services, id)).status is VideoStatus.PUBLISHED


async def test_what_is_being_made_of_it_is_cancelled(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    video = await factories.video(services.db, owner.account)
    other = await factories.video(services.db, owner.account)
    first = await factories.transcode_task(services.db, video, P360)
    ladder = await factories.transcode_task(services.db, video, P480, kind=TranscodePass.LADDER)
    kept = await factories.transcode_task(services.db, other, P360)
    async with services.db.write() as session:
        for task in (first, kept):
            row = await session.get_one(Task, task.id)
            await services.queue.defer(session, row)
    await delete(api, ids.encode("Video", video.id))
    now = {task.id: task for task in await rows(services, Task)}
    for task in (first, ladder):
        ended = now[task.id]
        assert (ended.status, ended.error_code) == (TaskStatus.CANCELLED, "CANCELLED")
        assert ended.error_message == "The video was deleted."
    assert now[kept.id].status is TaskStatus.QUEUED
    assert await jobs(services) == {str(kept.id)}
    made = {one.task_id: one.status for one in await rows(services, PlaySet)}
    assert made == {
        first.id: PlaySetStatus.TRANSCODE_FAILED,
        ladder.id: PlaySetStatus.TRANSCODE_FAILED,
        kept.id: PlaySetStatus.INITIAL,
    }
    assert await events(services) == [EventType.VIDEO_DELETED]


async def test_whoever_watches_what_ends_is_told(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    video = await factories.video(services.db, owner.account)
    task = await factories.transcode_task(services.db, video, P360)
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
    (video,) = await rows(services, Video)
    id = ids.encode("Video", video.id)
    assert statuses(await delete(api, id)) == ["DELETED"]
    (session,) = await rows(services, UploadSession)
    assert (session.status, session.error_code) == (UploadStatus.FAILED, "CANCELLED")
    (task,) = await rows(services, Task)
    assert task.status is TaskStatus.CANCELLED
    assert await jobs(services) == set()
    assert await events(services) == [EventType.UPLOAD_FAILED, EventType.VIDEO_DELETED]
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
    (video,) = await rows(services, Video)
    assert video.status is (VideoStatus.UPLOADING if arrived else VideoStatus.INITIAL)
    id = ids.encode("Video", video.id)
    assert statuses(await delete(api, id)) == ["DELETED"]
    (session,) = await rows(services, UploadSession)
    assert (session.status, session.error_code) == (UploadStatus.CANCELLED, None)
    assert (await api.http.put(second, content=data[70_000:])).status_code == 409
    completed = await uploading.complete(api, upload["id"], uploading.sha256(data))
    assert [one["code"] for one in completed["userErrors"]] == ["SESSION_CLOSED"]
    assert (await row_of(services, id)).status is VideoStatus.DELETED
    assert statuses(await restore(api, id)) == ["UPLOAD_FAILED"]
    assert await events(services) == [EventType.VIDEO_DELETED, EventType.VIDEO_RESTORED]


async def test_a_deleted_video_is_gone_for_everything_else(
    api: Api, services: Services, video: Video, id: str
) -> None:
    play_set = await factories.ready_play_set(services.db, video, playlist_key="videos/x")
    task = ids.encode("TranscodeTask", play_set.task_id)
    await delete(api, id)
    template = ids.encode("TranscodeTemplate", BUILT_IN[0].id)
    for name, document in GONE.items():
        variables = {"template": template} if "$template" in document else {}
        found = (await api.run(document, id=id, **variables))["change"]
        assert [error["code"] for error in found["userErrors"]] == [REFUSED[name]]
    document = """
    query ($id: ID!, $sha256: SHA256!) {
      transcodePlan(videoId: $id) { passes { pass } }
      video(by: {id: $id}) { playback { hlsUrl } }
      checkUpload(sha256: $sha256, fileSize: 1000) { video { id } }
    }
    """
    assert await api.run(document, id=id, sha256=video.source_sha256) == {
        "transcodePlan": None,
        "video": {"playback": None},
        "checkUpload": {"video": None},
    }
    await set_columns(services, id, status=VideoStatus.DELETED)
    async with services.db.write() as session:
        await tasks.cancel(session, [play_set.task_id], Cancelled("Enough."))
    retry = "mutation ($id: ID!) { retryTask(id: $id) { userErrors { code message } } }"
    (refused,) = (await api.run(retry, id=task))["retryTask"]["userErrors"]
    assert refused["code"] == "INVALID_STATE"
    assert "DELETED" in refused["message"]


@pytest.mark.parametrize("former", LIVE)
async def test_a_restored_video_is_what_it_was(
    api: Api, services: Services, owner: factories.Owner, former: VideoStatus
) -> None:
    (id,) = await added(services, owner, former)
    await set_columns(services, id, status_reason="As before.", updated_at=factories.EPOCH)
    await delete(api, id)
    payload = await restore(api, id)
    coming = former in {VideoStatus.INITIAL, VideoStatus.UPLOADING}
    assert payload["results"] == [
        {
            "videoId": id,
            "changed": True,
            "video": {
                "id": id,
                "status": "UPLOAD_FAILED" if coming else former.name,
                "statusReason": NO_FILE if coming else "As before.",
                "deletedAt": None,
                "purgeAt": None,
            },
            "error": None,
        }
    ]
    assert await events(services) == [EventType.VIDEO_DELETED, EventType.VIDEO_RESTORED]
    assert codes(await restore(api, id)) == ["INVALID_STATE"]
    assert (await row_of(services, id)).former_status is None


async def test_what_its_deletion_cancelled_begins_again(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    video = await factories.video(services.db, owner.account)
    first = await factories.transcode_task(services.db, video, P360)
    ladder = await factories.transcode_task(services.db, video, P480, kind=TranscodePass.LADDER)
    earlier = await factories.transcode_task(
        services.db, video, Resolution.P240, kind=TranscodePass.LADDER
    )
    async with services.db.write() as session:
        await tasks.cancel(session, [earlier.id], Cancelled("Enough."))
        await play_sets.fail(session, [earlier.id])
    id = ids.encode("Video", video.id)
    await delete(api, id)
    assert statuses(await restore(api, id)) == ["PROCESSING"]
    now = {task.id: task.status for task in await rows(services, Task)}
    assert now == {
        first.id: TaskStatus.QUEUED,
        ladder.id: TaskStatus.QUEUED,
        earlier.id: TaskStatus.CANCELLED,
    }
    assert await jobs(services) == {str(first.id)}  # the ladder follows it
    made = {one.task_id: one.status for one in await rows(services, PlaySet)}
    assert (made[first.id], made[ladder.id]) == (PlaySetStatus.INITIAL, PlaySetStatus.INITIAL)


async def test_the_probe_of_a_stored_file_begins_again(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    video = await factories.video(services.db, owner.account)
    task = await factories.probe_task(services.db, video)
    id = ids.encode("Video", video.id)
    await delete(api, id)
    assert statuses(await restore(api, id)) == ["PROCESSING"]
    assert await jobs(services) == {str(task.id)}


@pytest.mark.parametrize("kind", [TaskKind.CLIP, TaskKind.SPLICE, TaskKind.SIMULATE])
async def test_what_makes_its_file_begins_again(
    api: Api, services: Services, owner: factories.Owner, kind: TaskKind
) -> None:
    video = await factories.video(services.db, owner.account)
    task = await factories.probe_task(services.db, video, kind=kind)
    id = ids.encode("Video", video.id)
    await set_columns(services, id, content_id=None, source=None)
    await delete(api, id)
    assert statuses(await restore(api, id)) == ["PROCESSING"]
    assert await jobs(services) == {str(task.id)}
    assert (await row_of(services, id)).status_reason is None


async def test_of_videos_of_one_origin_only_one_comes_back(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    published = VideoStatus.PUBLISHED
    first, second, live, other = await added(services, owner, *[published] * 4)
    for id in (first, second):
        await set_columns(services, id, source_type="crm", source_id="7")
        await delete(api, id)
    payload = await restore(api, second, first, policy="ALL_OR_NOTHING")
    assert codes(payload) == [None, "DUPLICATE_CONTENT"]
    assert payload["userErrors"] == [{"code": "DUPLICATE_CONTENT", "path": ["ids", "1"]}]
    assert statuses(payload) == ["DELETED", "DELETED"]

    await set_columns(services, live, source_type="crm", source_id="7")
    await set_columns(services, other, source_type="crm", source_id="8")
    payload = await restore(api, second, first)
    assert codes(payload) == ["DUPLICATE_CONTENT", "DUPLICATE_CONTENT"]
    assert [one["error"]["existingVideo"]["id"] for one in payload["results"]] == [live, live]

    await delete(api, live, other)
    payload = await restore(api, second, first, other)
    assert codes(payload) == [None, "DUPLICATE_CONTENT", None]
    assert payload["results"][1]["error"]["existingVideo"] == {"id": second}


async def test_many_are_deleted_by_as_many_statements_as_one(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    many: list[str] = []
    for _ in range(12):
        video = await factories.video(services.db, owner.account)
        await factories.transcode_task(services.db, video, P360)
        many.append(ids.encode("Video", video.id))
    await delete(api, ids.encode("Video", "00000000-0000-0000-0000-000000000000"))
    with recorded(services) as one:
        await delete(api, many[0])
    with recorded(services) as others:
        payload = await delete(api, *many[1:])
    assert payload["changedCount"] == 11
    assert len(others) == len(one)


async def test_many_are_restored_by_as_many_statements_as_one(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    many: list[str] = []
    for _ in range(12):
        video = await factories.video(services.db, owner.account)
        await factories.transcode_task(services.db, video, P360)
        await factories.transcode_task(services.db, video, P480, kind=TranscodePass.LADDER)
        await factories.probe_task(services.db, video)
        many.append(ids.encode("Video", video.id))
    await delete(api, *many)
    with recorded(services) as one:
        await restore(api, many[0])
    with recorded(services) as others:
        payload = await restore(api, *many[1:])
    assert payload["changedCount"] == 11
    assert len(others) == len(one)
    waiting = await rows(services, Task)
    assert [one.status for one in waiting] == [TaskStatus.QUEUED] * 36
    queued = {str(one.id) for one in waiting if one.transcode_pass is not TranscodePass.LADDER}
    assert await jobs(services) == queued
    async with services.db.read() as session:
        found = await session.execute(
            text(
                "select task.id::text, job.args ->> 'task_id', task.queue = job.queue_name,"
                " task.priority = job.priority from task join procrastinate_jobs job"
                " on job.id = task.job_id"
            )
        )
        assert {tuple(row) for row in found} == {(id, id, True, True) for id in queued}


async def test_20_batches_of_the_same_videos_at_once_are_one_after_the_other(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    """In whatever order they name them, and whatever they do with them."""
    many: list[str] = []
    for _ in range(10):
        video = await factories.video(services.db, owner.account)
        await factories.transcode_task(services.db, video, P360)
        many.append(ids.encode("Video", video.id))
    names = ["deleteVideos", "restoreVideos"] * 10
    orders = [random.sample(many, len(many)) for _ in names]
    payloads = await asyncio.gather(
        *(trashing.change(api, name, *order) for name, order in zip(names, orders, strict=True))
    )
    changed = dict.fromkeys(names, 0)
    for name, payload in zip(names, payloads, strict=True):
        assert payload["changedCount"] in {0, 10}
        changed[name] += payload["changedCount"]
    rest = await delete(api, *many)
    assert changed["deleteVideos"] == changed["restoreVideos"] + 10 - rest["changedCount"]
    news = await events(services)
    assert news.count(EventType.VIDEO_RESTORED) == changed["restoreVideos"]
    assert news.count(EventType.VIDEO_DELETED) == changed["deleteVideos"] + rest["changedCount"]
    assert {one.status for one in await rows(services, Task)} == {TaskStatus.CANCELLED}
