"""Banning videos and unbanning them."""

import asyncio
from typing import Any

import pytest
from sqlalchemy import delete, select

from db.models import ApiKey, Event, Video
from domain.events import EventType
from domain.videos import VideoStatus
from resolvers.context import Services
from schema import ids
from tests.support import factories
from tests.support.api import Api, OperationFailed

BAN = """
mutation ($input: SetVideosBannedInput!) {
  setVideosBanned(input: $input) {
    changedCount
    results {
      videoId changed
      video { id status ban { bannedAt reason by } }
      error { code path ... on InvalidStateError { currentState allowedStates } }
    }
    userErrors { code path ... on LimitExceededError { limit actual } }
  }
}
"""
STATUS = "query ($id: ID!) { video(by: {id: $id}) { status ban { reason by } } }"


async def ban(api: Api, *chosen: str, **others: Any) -> dict[str, Any]:
    input = {"ids": chosen, "banned": True, **others}
    return (await api.run(BAN, input=input))["setVideosBanned"]


async def unban(api: Api, *chosen: str) -> dict[str, Any]:
    input = {"ids": chosen, "banned": False}
    return (await api.run(BAN, input=input))["setVideosBanned"]


@pytest.fixture
async def published(services: Services, owner: factories.Owner) -> str:
    return (await factories.added(services.db, owner.account, VideoStatus.PUBLISHED))[0]


async def events_of(services: Services, id: str) -> list[EventType]:
    async with services.db.read() as session:
        rows = await session.scalars(
            select(Event.type).where(Event.video_id == ids.find(id, "Video")).order_by(Event.id)
        )
        return list(rows)


async def epoch_of(services: Services, id: str) -> int:
    async with services.db.read() as session:
        return (await session.get_one(Video, ids.decode(id, "Video"))).epoch


async def test_a_ban_says_why_and_who_and_ends_all_links(
    api: Api, services: Services, published: str
) -> None:
    payload = await ban(api, published, reason=" It is not ours. ")
    (result,) = payload["results"]
    found = result["video"]["ban"]
    assert found.pop("bannedAt") is not None
    assert payload == {
        "changedCount": 1,
        "results": [
            {
                "videoId": published,
                "changed": True,
                "video": {
                    "id": published,
                    "status": "BANNED",
                    "ban": {"reason": "It is not ours.", "by": "test"},
                },
                "error": None,
            }
        ],
        "userErrors": [],
    }
    assert await epoch_of(services, published) == 1
    assert await events_of(services, published) == [EventType.VIDEO_BANNED]
    unbanned = await unban(api, published)
    assert unbanned["results"][0]["video"] == {"id": published, "status": "PUBLISHED", "ban": None}
    assert await events_of(services, published) == [
        EventType.VIDEO_BANNED,
        EventType.VIDEO_UNBANNED,
    ]


async def test_of_a_mixed_list_those_change_that_can(
    api: Api, stranger: Api, services: Services, owner: factories.Owner
) -> None:
    all_of_them = await factories.added(services.db, owner.account, *VideoStatus)
    by_status = dict(zip(VideoStatus, all_of_them, strict=True))
    payload = await ban(api, *all_of_them)
    changed = [one["videoId"] for one in payload["results"] if one["changed"]]
    assert changed == [by_status[VideoStatus.PUBLISHED]]
    assert payload["changedCount"] == 1
    assert [one["videoId"] for one in payload["results"]] == all_of_them
    refused = {one["videoId"]: one["error"] for one in payload["results"] if not one["changed"]}
    assert refused == {
        id: {
            "code": "NOT_PUBLISHED",
            "path": ["ids", str(position)],
            "currentState": status.name,
            "allowedStates": ["PUBLISHED"],
        }
        for position, (status, id) in enumerate(by_status.items())
        if status is not VideoStatus.PUBLISHED
    }
    banned = [by_status[VideoStatus.PUBLISHED], by_status[VideoStatus.BANNED]]
    theirs = await unban(stranger, *banned)
    assert [one["error"]["code"] for one in theirs["results"]] == ["NOT_FOUND", "NOT_FOUND"]
    assert [one["code"] for one in theirs["userErrors"]] == ["NO_ELIGIBLE_ITEM"]
    payload = await unban(api, *all_of_them)
    assert [one["videoId"] for one in payload["results"] if one["changed"]] == banned
    assert {one["error"]["code"] for one in payload["results"] if one["error"]} == {"NOT_BANNED"}


async def test_all_or_nothing_bans_nothing_when_one_cannot_be_banned(
    api: Api, services: Services, owner: factories.Owner, published: str
) -> None:
    (coming,) = await factories.added(services.db, owner.account, VideoStatus.PROCESSING)
    payload = await ban(api, published, coming, policy="ALL_OR_NOTHING")
    assert payload["changedCount"] == 0
    assert payload["userErrors"] == [{"code": "NOT_PUBLISHED", "path": ["ids", "1"]}]
    assert await api.run(STATUS, id=published) == {"video": {"status": "PUBLISHED", "ban": None}}
    assert await events_of(services, published) == []


async def test_banning_what_is_banned_changes_neither_the_reason_nor_the_links(
    api: Api, services: Services, published: str
) -> None:
    await ban(api, published, reason="First.")
    payload = await ban(api, published, reason="Second.")
    assert [one["code"] for one in payload["userErrors"]] == ["NO_ELIGIBLE_ITEM"]
    assert payload["results"][0]["video"]["ban"]["reason"] == "First."
    assert await epoch_of(services, published) == 1


async def test_501_ids_and_long_reasons_are_refused(api: Api, published: str) -> None:
    payload = await ban(api, *[published] * 501)
    assert payload == {
        "changedCount": 0,
        "results": [],
        "userErrors": [{"code": "TOO_MANY_IDS", "path": ["ids"], "limit": 500, "actual": 501}],
    }
    payload = await ban(api, published, reason="x" * 501)
    assert payload["userErrors"] == [
        {"code": "LIMIT_EXCEEDED", "path": ["reason"], "limit": 500, "actual": 501}
    ]
    assert (await api.run(STATUS, id=published))["video"]["status"] == "PUBLISHED"
    assert (await ban(api, published, reason="x" * 500))["changedCount"] == 1


async def test_who_banned_it_is_null_once_the_key_is_gone(
    api: Api, services: Services, published: str
) -> None:
    await ban(api, published, reason=" ")
    async with services.db.write() as session:
        await session.execute(delete(ApiKey).where(ApiKey.name == "test"))
    found = await api.run(STATUS, id=published)  # its key is remembered for a few seconds
    assert found == {"video": {"status": "BANNED", "ban": {"reason": None, "by": None}}}


async def test_a_banned_video_has_no_links(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    video = await factories.video(services.db, owner.account, status=VideoStatus.PUBLISHED)
    await factories.ready_play_set(services.db, video, playlist_key=f"videos/{video.content_id}/x")
    id = ids.encode("Video", video.id)
    links = "query ($id: ID!) { video(by: {id: $id}) { playback { hlsUrl } } }"
    before = (await api.run(links, id=id))["video"]["playback"]["hlsUrl"]
    await ban(api, id)
    assert await api.run(links, id=id) == {"video": {"playback": None}}
    assert (await api.http.get(before)).status_code == 403
    await unban(api, id)
    assert (await api.http.get(before)).status_code == 403
    after = (await api.run(links, id=id))["video"]["playback"]["hlsUrl"]
    assert (await api.http.get(after)).status_code == 200


async def test_of_a_ban_and_a_deletion_at_once_both_or_the_deletion_wins(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    for _ in range(10):
        (id,) = await factories.added(services.db, owner.account, VideoStatus.PUBLISHED)
        remove = "mutation ($ids: [ID!]!) { deleteVideos(ids: $ids) { changedCount } }"
        told, removed = await asyncio.gather(ban(api, id), api.run(remove, ids=[id]))
        assert removed == {"deleteVideos": {"changedCount": 1}}
        was_banned = told["changedCount"] == 1
        async with services.db.read() as session:
            row = await session.get_one(Video, ids.decode(id, "Video"))
        former = VideoStatus.BANNED if was_banned else VideoStatus.PUBLISHED
        assert (row.status, row.former_status) == (VideoStatus.DELETED, former)
        expected = [EventType.VIDEO_BANNED] if was_banned else []
        assert await events_of(services, id) == [*expected, EventType.VIDEO_DELETED]


async def test_nobody_without_a_key_bans_anything(anonymous: Api, published: str) -> None:
    with pytest.raises(OperationFailed) as failure:
        await ban(anonymous, *[published] * 501, reason="x" * 501)
    assert failure.value.codes == ["UNAUTHENTICATED"]
