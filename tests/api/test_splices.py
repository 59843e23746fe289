"""Which videos may be joined, and what is there at once."""

from typing import Any

import pytest
from sqlalchemy import select

from db import videos
from db.models import Task, Video
from domain.media import LONGEST_MS
from resolvers.context import Services
from schema import ids
from tests.api.test_clips import lasting
from tests.support import factories
from tests.support.api import Api, OperationFailed
from tests.support.templating import category

CREATE = """
mutation ($input: CreateSpliceInput!) {
  createSplice(input: $input) {
    task { __typename status segments { startMs endMs video { id } } video { id } }
    video { id status title sourceKind clippedFrom { id } }
    userErrors { code path ... on LimitExceededError { limit actual } ... on NotFoundError { ids } }
  }
}
"""


async def create(api: Api, *videos: str, title: str = "A splice", **others: Any) -> dict[str, Any]:
    input = {"videoIds": list(videos), "title": title, **others}
    return (await api.run(CREATE, input=input))["createSplice"]


async def refusal(api: Api, services: Services, *videos: str) -> dict[str, Any]:
    payload = await create(api, *videos)
    assert (payload["task"], payload["video"]) == (None, None)
    async with services.db.read() as session:
        assert (await session.scalars(select(Task))).all() == []
    (error,) = payload["userErrors"]
    return error


async def test_the_task_and_the_video_are_there_at_once(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    long, short = await lasting(services, owner, 60_000), await lasting(services, owner, 100)
    payload = await create(api, short, long, short)
    id = payload["video"]["id"]
    assert payload["userErrors"] == []
    assert payload["task"] == {
        "__typename": "SpliceTask",
        "status": "QUEUED",
        "segments": [
            {"startMs": 0, "endMs": 100, "video": {"id": short}},
            {"startMs": 0, "endMs": 60_000, "video": {"id": long}},
            {"startMs": 0, "endMs": 100, "video": {"id": short}},
        ],
        "video": {"id": id},
    }
    assert payload["video"] == {
        "id": id,
        "status": "PROCESSING",
        "title": "A splice",
        "sourceKind": "SPLICE",
        "clippedFrom": None,
    }


async def test_what_is_said_of_the_splice_is_the_new_videos(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    video, place = await lasting(services, owner), (await category(api))["id"]
    said: dict[str, Any] = {
        "description": "All of it.",
        "categoryId": place,
        "skipAutoTranscode": True,
    }
    made = (await create(api, video, video, **said))["video"]["id"]
    async with services.db.read() as session:
        row = await session.get_one(Video, ids.decode(made, "Video"))
    assert (row.description, row.skip_auto_transcode) == ("All of it.", True)
    assert row.category_id == ids.decode(place, "Category")


async def test_a_splice_lies_where_its_first_video_does(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    first, second = await lasting(services, owner), await lasting(services, owner)
    place = ids.decode((await category(api))["id"], "Category")
    async with services.db.write() as session:
        await videos.put_into(session, [ids.decode(first, "Video")], place)
    made = (await create(api, first, second))["video"]["id"]
    async with services.db.read() as session:
        row = await session.get_one(Video, ids.decode(made, "Video"))
    assert row.category_id == place


async def test_two_to_twenty_videos_are_joined(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    video = await lasting(services, owner)
    assert await refusal(api, services) == {"code": "INVALID_ARGUMENT", "path": ["videoIds"]}
    assert await refusal(api, services, video) == {"code": "INVALID_ARGUMENT", "path": ["videoIds"]}
    assert await refusal(api, services, *[video] * 21) == {
        "code": "LIMIT_EXCEEDED",
        "path": ["videoIds"],
        "limit": 20,
        "actual": 21,
    }
    assert (await create(api, *[video] * 20))["userErrors"] == []


async def test_a_splice_is_no_longer_than_any_video_may_be(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    half, more = (
        await lasting(services, owner, LONGEST_MS // 2),
        await lasting(services, owner, LONGEST_MS // 2 + 1),
    )
    assert await refusal(api, services, half, more) == {
        "code": "LIMIT_EXCEEDED",
        "path": ["videoIds"],
        "limit": LONGEST_MS,
        "actual": LONGEST_MS + 1,
    }
    assert (await create(api, half, half))["userErrors"] == []


async def test_each_video_must_be_there(
    api: Api, stranger: Api, services: Services, owner: factories.Owner
) -> None:
    video = await lasting(services, owner)
    assert await refusal(api, services, video, "x") == {
        "code": "NOT_FOUND",
        "path": ["videoIds", "1"],
        "ids": ["x"],
    }
    assert await refusal(stranger, services, video, video) == {
        "code": "NOT_FOUND",
        "path": ["videoIds", "0"],
        "ids": [video],
    }
    unchecked = await lasting(services, owner, None, content_id=None)
    assert await refusal(api, services, video, unchecked, video) == {
        "code": "CLIP_INIT_FAILED",
        "path": ["videoIds", "1"],
    }


async def test_nobody_joins_without_a_key(
    anonymous: Api, services: Services, owner: factories.Owner
) -> None:
    video = await lasting(services, owner)
    with pytest.raises(OperationFailed) as refused:
        await create(anonymous, video, video)
    assert refused.value.codes == ["UNAUTHENTICATED"]
