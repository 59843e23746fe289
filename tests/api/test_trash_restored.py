"""Restoring videos that were deleted."""

import pytest

from db import play_sets, tasks
from db.models import PlaySet, Task
from domain.errors import Cancelled
from domain.events import EventType
from domain.play_sets import PlaySetStatus
from domain.tasks import TaskKind, TaskStatus
from domain.trash import NO_FILE
from domain.videos import LIVE, Resolution, TranscodePass, VideoStatus
from resolvers.context import Services
from schema import ids
from tests.support import factories
from tests.support.api import Api
from tests.support.tables import due_tasks, events, rows
from tests.support.trashing import being_made, codes, delete, restore, row_of, set_columns, statuses


@pytest.mark.parametrize("former", LIVE)
async def test_a_restored_video_is_what_it_was(
    api: Api, services: Services, owner: factories.Owner, former: VideoStatus
) -> None:
    (id,) = await factories.added(services.db, owner.account, former)
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
    assert await events(services.db) == [EventType.VIDEO_DELETED, EventType.VIDEO_RESTORED]
    assert codes(await restore(api, id)) == ["INVALID_STATE"]
    assert (await row_of(services, id)).former_status is None


async def test_what_its_deletion_cancelled_begins_again(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    video, first, ladder = await being_made(services, owner)
    earlier = await factories.transcode_task(
        services.db, video, Resolution.P240, kind=TranscodePass.LADDER
    )
    async with services.db.write() as session:
        await tasks.cancel(session, [earlier.id], Cancelled("Enough."))
        await play_sets.fail(session, [earlier.id])
    id = ids.encode("Video", video.id)
    await delete(api, id)
    assert statuses(await restore(api, id)) == ["PROCESSING"]
    now = {task.id: task.status for task in await rows(services.db, Task)}
    assert now == {
        first.id: TaskStatus.QUEUED,
        ladder.id: TaskStatus.QUEUED,
        earlier.id: TaskStatus.CANCELLED,
    }
    assert await due_tasks(services.db) == [str(first.id)]  # the ladder follows it
    made = {one.task_id: one.status for one in await rows(services.db, PlaySet)}
    assert (made[first.id], made[ladder.id]) == (PlaySetStatus.INITIAL, PlaySetStatus.INITIAL)


async def test_the_probe_of_a_stored_file_begins_again(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    video = await factories.video(services.db, owner.account)
    task = await factories.probe_task(services.db, video)
    id = ids.encode("Video", video.id)
    await delete(api, id)
    assert statuses(await restore(api, id)) == ["PROCESSING"]
    assert await due_tasks(services.db) == [str(task.id)]


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
    assert await due_tasks(services.db) == [str(task.id)]
    assert (await row_of(services, id)).status_reason is None


async def test_of_videos_of_one_origin_only_one_comes_back(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    published = VideoStatus.PUBLISHED
    first, second, live, other = await factories.added(services.db, owner.account, *[published] * 4)
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
