"""Marks on the timeline of a video."""

import asyncio
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import insert, select, update

from db.models import KeyPoint, Video
from domain.events import EventType
from domain.videos import VideoStatus
from resolvers.context import Services
from schema import ids
from tests.support import factories, trashing
from tests.support.api import Api, OperationFailed
from tests.support.statements import recorded
from tests.support.tables import events

ERRORS = """
  userErrors {
    code message path
    ... on LimitExceededError { limit actual }
    ... on NotFoundError { ids }
    ... on InvalidStateError { currentState }
  }
"""
SAVE = f"""
mutation ($input: SaveKeyPointInput!) {{
  saveKeyPoint(input: $input) {{ keyPoint {{ id atMs description }} {ERRORS} }}
}}
"""
DELETE = f"mutation ($ids: [ID!]!) {{ deleteKeyPoints(ids: $ids) {{ deletedIds {ERRORS} }} }}"
VIDEO = """
query ($id: ID!) { video(by: {id: $id}) { updatedAt keyPoints { id atMs description } } }
"""
NODE = "query ($id: ID!) { node(id: $id) { ... on KeyPoint { atMs description createdAt } } }"


async def save(
    api: Api, video: str, at_ms: int, words: str = "Here", **input: Any
) -> dict[str, Any]:
    values = {"videoId": video, "atMs": at_ms, "description": words, **input}
    return (await api.run(SAVE, input=values))["saveKeyPoint"]


async def saved(api: Api, video: str, at_ms: int, words: str = "Here", **input: Any) -> str:
    payload = await save(api, video, at_ms, words, **input)
    assert payload["userErrors"] == []
    return payload["keyPoint"]["id"]


async def delete(api: Api, *ids: str) -> dict[str, Any]:
    return (await api.run(DELETE, ids=list(ids)))["deleteKeyPoints"]


async def moments(api: Api, video: str) -> list[tuple[int, str]]:
    found = (await api.run(VIDEO, id=video))["video"]["keyPoints"]
    return [(one["atMs"], one["description"]) for one in found]


async def made(services: Services, owner: factories.Owner) -> str:
    row = await factories.video(services.db, owner.account, status=VideoStatus.PUBLISHED)
    return ids.encode("Video", row.id)


@pytest.fixture
async def video(services: Services, owner: factories.Owner) -> str:
    """One that lasts 4 seconds."""
    return await made(services, owner)


async def test_they_are_listed_by_their_moments(api: Api, services: Services, video: str) -> None:
    for at_ms, words in ((4_000, "The end"), (0, "The start"), (1_500, " Between ")):
        await saved(api, video, at_ms, words)
    assert await moments(api, video) == [(0, "The start"), (1_500, "Between"), (4_000, "The end")]
    assert await events(services.db) == [EventType.VIDEO_UPDATED] * 3


async def test_the_marks_of_a_page_are_one_statement(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    for _ in range(3):
        await saved(api, await made(services, owner), 7)
    with recorded(services) as statements:
        found = await api.run("{ videos { nodes { keyPoints { atMs } } } }")
    assert found == {"videos": {"nodes": [{"keyPoints": [{"atMs": 7}]}] * 3}}
    assert len(statements) == 1


async def test_a_mark_can_be_moved_and_described_anew(
    api: Api, services: Services, video: str
) -> None:
    id = await saved(api, video, 1_000)
    before = (await api.run(VIDEO, id=video))["video"]["updatedAt"]
    assert await saved(api, video, 2_000, "There", id=id) == id
    assert await moments(api, video) == [(2_000, "There")]
    assert (await api.run(VIDEO, id=video))["video"]["updatedAt"] > before
    assert await saved(api, video, 2_000, "There", id=id) == id  # nothing new
    assert await saved(api, video, 2_000, "There now", id=id) == id
    assert await events(services.db) == [EventType.VIDEO_UPDATED] * 3


async def test_there_is_one_at_a_moment(api: Api, video: str) -> None:
    first, second = await saved(api, video, 1), await saved(api, video, 2)
    for payload in (await save(api, video, 1), await save(api, video, 1, id=second)):
        (error,) = payload["userErrors"]
        assert (error["code"], error["path"]) == ("INVALID_ARGUMENT", ["atMs"])
        assert error["message"] == "There is a key point at 1 ms already."
    assert first != second
    assert await moments(api, video) == [(1, "Here"), (2, "Here")]


async def test_of_two_at_once_one_is_kept(api: Api, services: Services, video: str) -> None:
    payloads = await asyncio.gather(*(save(api, video, 9) for _ in range(5)))
    assert sum(not one["userErrors"] for one in payloads) == 1
    assert await moments(api, video) == [(9, "Here")]
    assert await events(services.db) == [EventType.VIDEO_UPDATED]


@pytest.mark.parametrize("at_ms", [-1, 4_001, 2**31 - 1, -(2**31)])
async def test_a_mark_is_within_the_video(
    api: Api, services: Services, video: str, at_ms: int
) -> None:
    (error,) = (await save(api, video, at_ms))["userErrors"]
    assert (error["code"], error["path"]) == ("INVALID_ARGUMENT", ["atMs"])
    assert error["message"] == f"The video has no moment {at_ms}; they are 0 to 4000 ms."
    assert (await moments(api, video), await events(services.db)) == ([], [])


async def test_a_mark_says_something(api: Api, services: Services, video: str) -> None:
    (error,) = (await save(api, video, 1, " \t"))["userErrors"]
    assert (error["code"], error["path"]) == ("INVALID_ARGUMENT", ["description"])
    (error,) = (await save(api, video, 1, "x" * 256))["userErrors"]
    assert (error["code"], error["limit"], error["actual"]) == ("LIMIT_EXCEEDED", 255, 256)
    await saved(api, video, 1, "x" * 255)
    assert await events(services.db) == [EventType.VIDEO_UPDATED]


async def test_a_video_has_at_most_200(api: Api, services: Services, video: str) -> None:
    rows = [{"video_id": key(video), "at_ms": at, "description": "x"} for at in range(199)]
    async with services.db.write() as session:
        await session.execute(insert(KeyPoint), rows)
    last = await saved(api, video, 3_000)
    (error,) = (await save(api, video, 3_001))["userErrors"]
    assert (error["code"], error["limit"], error["actual"]) == ("LIMIT_EXCEEDED", 200, 201)
    assert await saved(api, video, 3_001, id=last) == last
    assert len(await moments(api, video)) == 200


def key(video: str) -> UUID:
    return ids.decode(video, "Video")


@pytest.mark.parametrize(
    "values",
    [{"duration_ms": None, "status": VideoStatus.UPLOADING}, {"status": VideoStatus.DELETED}],
)
async def test_a_video_that_is_not_there_has_no_moments(
    api: Api, services: Services, video: str, values: dict[str, Any]
) -> None:
    id = await saved(api, video, 1)
    async with services.db.write() as session:
        await session.execute(update(Video).values(values))
    for payload in (await save(api, video, 2), await save(api, video, 2, id=id)):
        (error,) = payload["userErrors"]
        assert (error["code"], error["path"]) == ("INVALID_STATE", ["videoId"])
        assert error["currentState"] == values["status"].name
    assert await moments(api, video) == [(1, "Here")]
    assert await events(services.db) == [EventType.VIDEO_UPDATED]


async def test_marks_of_several_videos_go_at_once(
    api: Api, services: Services, owner: factories.Owner, video: str
) -> None:
    other = await made(services, owner)
    kept = await saved(api, video, 3)
    gone = [await saved(api, video, 1), await saved(api, video, 2), await saved(api, other, 1)]
    before = len(await events(services.db))
    assert await delete(api, *gone, gone[0]) == {
        "deletedIds": [*gone, gone[0]],
        "userErrors": [],
    }
    assert (await moments(api, video), await moments(api, other)) == ([(3, "Here")], [])
    assert (await events(services.db))[before:] == [EventType.VIDEO_UPDATED] * 2
    assert await delete(api) == {"deletedIds": [], "userErrors": []}
    (error,) = (await delete(api, kept, gone[0]))["userErrors"]
    assert (error["code"], error["ids"], error["path"]) == ("NOT_FOUND", [gone[0]], ["ids"])
    assert await moments(api, video) == [(3, "Here")]
    assert len(await events(services.db)) == before + 2


async def test_marks_of_many_videos_go_by_as_many_statements_as_of_two(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    async def cost(number: int) -> int:
        marks = [await saved(api, await made(services, owner), 1) for _ in range(number)]
        with recorded(services) as statements:
            assert (await delete(api, *marks))["deletedIds"] == marks
        return len(statements)

    assert await cost(5) == await cost(2)


async def test_marks_of_a_video_in_the_bin_stay(api: Api, video: str) -> None:
    mark = await saved(api, video, 1)
    await trashing.delete(api, video)
    (error,) = (await delete(api, mark))["userErrors"]
    assert (error["code"], error["path"]) == ("INVALID_STATE", ["ids"])
    assert error["currentState"] == "DELETED"
    await trashing.restore(api, video)
    assert await moments(api, video) == [(1, "Here")]


async def test_at_most_500_go_at_once(api: Api, video: str) -> None:
    id = await saved(api, video, 1)
    (error,) = (await delete(api, *[id] * 501))["userErrors"]
    assert (error["code"], error["path"]) == ("LIMIT_EXCEEDED", ["ids"])
    assert await moments(api, video) == [(1, "Here")]


async def test_marks_go_with_their_video_only(api: Api, services: Services, video: str) -> None:
    id = await saved(api, video, 1)
    async with services.db.write() as session:
        await session.execute(update(Video).values(status=VideoStatus.DELETED))
    (error,) = (await delete(api, id))["userErrors"]
    assert (error["code"], error["currentState"]) == ("INVALID_STATE", "DELETED")
    assert await moments(api, video) == [(1, "Here")]


async def test_a_mark_of_another_video_is_not_found(
    api: Api, services: Services, owner: factories.Owner, video: str
) -> None:
    id = await saved(api, video, 1)
    (error,) = (await save(api, await made(services, owner), 2, id=id))["userErrors"]
    assert (error["code"], error["path"], error["ids"]) == ("NOT_FOUND", ["id"], [id])
    assert await moments(api, video) == [(1, "Here")]


async def test_what_is_anothers_is_not_there(
    api: Api, stranger: Api, anonymous: Api, services: Services, video: str
) -> None:
    id = await saved(api, video, 1, "Mine")
    shown = (await api.run(NODE, id=id))["node"]
    assert (shown["atMs"], shown["description"]) == (1, "Mine")
    unknown = ids.encode("KeyPoint", uuid4())
    for one in (id, unknown, video, "x"):
        (error,) = (await delete(stranger, one))["userErrors"]
        assert (error["code"], error["ids"]) == ("NOT_FOUND", [one])
    assert [(await stranger.run(NODE, id=one))["node"] for one in (id, unknown)] == [None, None]
    for input in ({}, {"id": id}, {"id": unknown}):
        (error,) = (await save(stranger, video, 2, **input))["userErrors"]
        assert (error["code"], error["path"], error["ids"]) == ("NOT_FOUND", ["videoId"], [video])
    for call in (save(anonymous, video, 2), delete(anonymous, id), anonymous.run(NODE, id=id)):
        with pytest.raises(OperationFailed) as refused:
            await call
        assert refused.value.codes == ["UNAUTHENTICATED"]
    async with services.db.read() as session:
        assert list(await session.scalars(select(KeyPoint.description))) == ["Mine"]
    assert await events(services.db) == [EventType.VIDEO_UPDATED]
