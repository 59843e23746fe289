"""Moving videos from one category to another."""

import uuid
from collections.abc import Sequence
from typing import Any

import psycopg
import pytest

from domain.videos import VideoStatus
from resolvers.context import Services
from schema import ids
from tests.support import factories
from tests.support.api import Api, OperationFailed
from tests.support.categorizing import UNKNOWN, default_id, place, video_in
from tests.support.templating import category, codes

MOVE_VIDEOS = """
mutation ($ids: [ID!]!, $to: ID!, $policy: BatchPolicy!) {
  moveVideosToCategory(videoIds: $ids, categoryId: $to, policy: $policy) {
    changedCount
    results { videoId changed video { category { id } } error { code path } }
    userErrors { code path }
  }
}
"""


async def move_videos(
    api: Api, videos: Sequence[str], to: str, *, policy: str = "APPLY_ELIGIBLE"
) -> dict[str, Any]:
    variables = {"ids": videos, "to": to, "policy": policy}
    return (await api.run(MOVE_VIDEOS, **variables))["moveVideosToCategory"]


async def test_videos_are_moved_into_a_category(
    api: Api, services: Services, owner: factories.Owner, wiper: psycopg.Connection
) -> None:
    to = (await category(api))["id"]
    first, second = [await video_in(services, owner) for _ in range(2)]
    there, binned = (
        await video_in(services, owner, to),
        await video_in(services, owner, status=VideoStatus.DELETED),
    )
    unknown = ids.encode("Video", uuid.UUID(int=7))
    moved = await move_videos(api, [first, there, unknown, binned, second, first], to)
    shown = {"category": {"id": to}}
    default = {"category": {"id": await default_id(api)}}

    def result(id: str, video: Any, *error: Any) -> dict[str, Any]:
        told = {"code": error[0], "path": ["videoIds", str(error[1])]} if error else None
        return {"videoId": id, "changed": not error, "video": video, "error": told}

    assert moved == {
        "changedCount": 2,
        "results": [
            result(first, shown),
            result(there, shown, "CATEGORY_SAME", 1),
            result(unknown, None, "NOT_FOUND", 2),
            result(binned, default, "INVALID_STATE", 3),
            result(second, shown),
        ],
        "userErrors": [],
    }
    told = wiper.execute("select video_id from event where type = 'video_updated'").fetchall()
    assert sorted(id for (id,) in told) == sorted(
        ids.decode(one, "Video") for one in (first, second)
    )


async def test_all_videos_are_moved_or_none(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    to, default = (await category(api))["id"], await default_id(api)
    video, there = await video_in(services, owner), await video_in(services, owner, to)
    refused = await move_videos(api, [video, there], to, policy="ALL_OR_NOTHING")
    assert (refused["changedCount"], codes(refused)) == (0, [("CATEGORY_SAME", ["videoIds", "1"])])
    assert await place(api, video) == default
    refused = await move_videos(api, [there], to)
    assert codes(refused) == [("NO_ELIGIBLE_ITEM", ["videoIds"])]
    assert (await move_videos(api, [video], to, policy="ALL_OR_NOTHING"))["changedCount"] == 1


async def test_where_videos_cannot_be_moved(
    api: Api, stranger: Api, anonymous: Api, services: Services, owner: factories.Owner
) -> None:
    mine, theirs = (await category(api))["id"], (await category(stranger))["id"]
    video = await video_in(services, owner)
    for to in ("", UNKNOWN, theirs, video):
        refused = await move_videos(api, [video], to)
        assert (refused["results"], codes(refused)) == ([], [("NOT_FOUND", ["categoryId"])])
    refused = await move_videos(stranger, [video], theirs)
    (result,) = refused["results"]
    assert (result["video"], result["error"]["code"]) == (None, "NOT_FOUND")
    refused = await move_videos(api, [video] * 501, mine)
    assert codes(refused) == [("TOO_MANY_IDS", ["videoIds"])]
    with pytest.raises(OperationFailed) as failed:
        await move_videos(anonymous, [video], mine)
    assert failed.value.codes == ["UNAUTHENTICATED"]
    assert await place(api, video) == await default_id(api)
