"""Deleting videos."""

from datetime import datetime, timedelta

import pytest

from db import tasks
from db.models import Video
from domain.errors import Cancelled
from domain.events import EventType
from domain.templates import BUILT_IN
from domain.videos import LIVE, VideoStatus
from resolvers.context import Services
from schema import ids
from tests.support import factories, trashing
from tests.support.api import Api, OperationFailed
from tests.support.tables import events
from tests.support.trashing import codes, delete, row_of, set_columns

VIDEO = "query ($id: ID!) { video(by: {id: $id}) { status deletedAt purgeAt } }"
LIST = """
query ($status: [VideoStatus!]) {
  videos(filter: {status: $status}) { totalCount nodes { id } }
}
"""
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


async def test_a_deleted_video_is_in_the_bin_for_30_days(
    api: Api, services: Services, published_id: str
) -> None:
    payload = await delete(api, published_id)
    (result,) = payload["results"]
    assert (payload["changedCount"], payload["userErrors"]) == (1, [])
    assert (result["changed"], result["error"]) == (True, None)
    shown = {name: result["video"][name] for name in ("status", "deletedAt", "purgeAt")}
    deleted_at, purge_at = (
        datetime.fromisoformat(shown[name]) for name in ("deletedAt", "purgeAt")
    )
    assert shown["status"] == "DELETED"
    assert purge_at - deleted_at == timedelta(days=30)
    assert await api.run(VIDEO, id=published_id) == {"video": shown}
    row = await row_of(services, published_id)
    assert (row.former_status, row.epoch) == (VideoStatus.PUBLISHED, 1)
    assert await events(services.db) == [EventType.VIDEO_DELETED]
    assert (await api.run("{ limits { trashDays } }"))["limits"] == {"trashDays": 30}


async def test_deleted_videos_leave_the_list_unless_they_are_asked_for(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    kept, gone = await factories.added(
        services.db, owner.account, VideoStatus.PUBLISHED, VideoStatus.PUBLISHED
    )
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
    api: Api, services: Services, published_id: str
) -> None:
    first = await delete(api, published_id)
    payload = await delete(api, published_id)
    (result,) = payload["results"]
    assert result["video"] == first["results"][0]["video"]
    assert result["error"] == {
        "code": "INVALID_STATE",
        "path": ["ids", "0"],
        "currentState": "DELETED",
        "allowedStates": [status.name for status in LIVE],
    }
    assert payload["userErrors"] == [{"code": "NO_ELIGIBLE_ITEM", "path": ["ids"]}]
    assert (await row_of(services, published_id)).epoch == 1
    assert await events(services.db) == [EventType.VIDEO_DELETED]


async def test_only_its_owner_deletes_restores_and_purges(
    api: Api, stranger: Api, anonymous: Api, services: Services, published_id: str
) -> None:
    unknown = ids.encode("Video", "00000000-0000-0000-0000-000000000000")
    for name in ("deleteVideos", "restoreVideos", "purgeVideos"):
        payload = await trashing.change(stranger, name, published_id, unknown)
        assert codes(payload) == ["NOT_FOUND", "NOT_FOUND"]
        assert [one["video"] for one in payload["results"]] == [None, None]
        with pytest.raises(OperationFailed) as failure:
            await trashing.change(anonymous, name, *[published_id] * 501)
        assert failure.value.codes == ["UNAUTHENTICATED"]
        many = await trashing.change(api, name, *[published_id] * 501)
        assert [error["code"] for error in many["userErrors"]] == ["TOO_MANY_IDS"]
    assert (await row_of(services, published_id)).status is VideoStatus.PUBLISHED


async def test_a_deleted_video_is_gone_for_everything_else(
    api: Api, services: Services, published: Video, published_id: str
) -> None:
    play_set = await factories.ready_play_set(services.db, published, playlist_key="videos/x")
    task = ids.encode("TranscodeTask", play_set.task_id)
    await delete(api, published_id)
    template = ids.encode("TranscodeTemplate", BUILT_IN[0].id)
    for name, document in GONE.items():
        variables = {"template": template} if "$template" in document else {}
        found = (await api.run(document, id=published_id, **variables))["change"]
        assert [error["code"] for error in found["userErrors"]] == [REFUSED[name]]
    document = """
    query ($id: ID!, $sha256: SHA256!) {
      transcodePlan(videoId: $id) { passes { pass } }
      video(by: {id: $id}) { playback { hlsUrl } }
      checkUpload(sha256: $sha256, fileSize: 1000) { video { id } }
    }
    """
    assert await api.run(document, id=published_id, sha256=published.source_sha256) == {
        "transcodePlan": None,
        "video": {"playback": None},
        "checkUpload": {"video": None},
    }
    await set_columns(services, published_id, status=VideoStatus.DELETED)
    async with services.db.write() as session:
        await tasks.cancel(session, [play_set.task_id], Cancelled("Enough."))
    retry = "mutation ($id: ID!) { retryTask(id: $id) { userErrors { code message } } }"
    (refused,) = (await api.run(retry, id=task))["retryTask"]["userErrors"]
    assert refused["code"] == "INVALID_STATE"
    assert "DELETED" in refused["message"]
