"""Moving categories, deleting them, and moving videos from one to another."""

import asyncio
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from db import uploads, videos
from db.models import UploadSession
from domain.categories import MAX_DEPTH
from domain.uploads import UploadStatus
from domain.videos import VideoStatus
from resolvers.context import Services
from schema import ids
from storage import keys
from tests.api.test_categories import chain, default_id
from tests.support import factories, fetching, uploading
from tests.support.api import Api, OperationFailed
from tests.support.templating import category, codes, rule
from tests.support.waiting import until, until_blocked

MOVE = """
mutation ($id: ID!, $to: ID) {
  moveCategory(categoryId: $id, destinationId: $to) {
    category { id parent { id } } userErrors { code path ... on LimitExceededError { limit } }
  }
}
"""
DELETE = """
mutation ($id: ID!, $to: ID) {
  deleteCategory(id: $id, videosTo: $to) {
    deletedIds videosTo { id parent { id } videoCount } movedCount remainingCount deletedRuleIds
    userErrors { code path }
  }
}
"""
MOVE_VIDEOS = """
mutation ($ids: [ID!]!, $to: ID!, $policy: BatchPolicy!) {
  moveVideosToCategory(videoIds: $ids, categoryId: $to, policy: $policy) {
    changedCount
    results { videoId changed video { category { id } } error { code path } }
    userErrors { code path }
  }
}
"""
PLACE = "query ($id: ID!) { video(by: {id: $id}) { updatedAt category { id } } }"
PARENT = "query ($by: CategoryBy!) { category(by: $by) { parent { id } } }"
UNKNOWN = ids.encode("Category", uuid.UUID(int=7))


async def move(api: Api, id: str, to: str | None) -> dict[str, Any]:
    return (await api.run(MOVE, id=id, to=to))["moveCategory"]


async def delete(api: Api, id: str, to: str | None = None) -> dict[str, Any]:
    return (await api.run(DELETE, id=id, to=to))["deleteCategory"]


async def move_videos(
    api: Api, videos: Sequence[str], to: str, *, policy: str = "APPLY_ELIGIBLE"
) -> dict[str, Any]:
    variables = {"ids": videos, "to": to, "policy": policy}
    return (await api.run(MOVE_VIDEOS, **variables))["moveVideosToCategory"]


async def place(api: Api, video_id: str) -> str:
    return (await api.run(PLACE, id=video_id))["video"]["category"]["id"]


async def parent(api: Api, id: str) -> str | None:
    found = (await api.run(PARENT, by={"id": id}))["category"]["parent"]
    return found and found["id"]


async def video_in(
    services: Services,
    owner: factories.Owner,
    category_id: str | None = None,
    status: VideoStatus = VideoStatus.PROCESSING,
) -> str:
    key = ids.decode_optional(category_id, "Category")
    row = await factories.video(services.db, owner.account, category_id=key, status=status)
    return ids.encode("Video", row.id)


async def test_a_category_moves_with_all_that_lies_in_it(api: Api) -> None:
    outer, middle, inner = await chain(api, 3)
    other = (await category(api))["id"]
    moved = await move(api, middle, other)
    assert moved == {"category": {"id": middle, "parent": {"id": other}}, "userErrors": []}
    assert (await move(api, middle, None))["category"] == {"id": middle, "parent": None}
    assert [await parent(api, one) for one in (outer, middle, inner)] == [None, None, middle]


async def test_where_a_category_cannot_be_moved(api: Api) -> None:
    outer, middle, inner = await chain(api, 3)
    default = await default_id(api)
    refusals = {
        (outer, outer): ("CATEGORY_SAME", "destinationId"),
        (UNKNOWN, UNKNOWN): ("CATEGORY_SAME", "destinationId"),
        (inner, middle): ("CATEGORY_IS_PARENT", "destinationId"),
        (outer, None): ("CATEGORY_IS_PARENT", "destinationId"),
        (outer, middle): ("CATEGORY_IS_ANCESTOR", "destinationId"),
        (outer, inner): ("CATEGORY_IS_ANCESTOR", "destinationId"),
        (default, inner): ("CATEGORY_IS_DEFAULT", "categoryId"),
        (default, None): ("CATEGORY_IS_DEFAULT", "categoryId"),
        ("", inner): ("CATEGORY_REQUIRED", "categoryId"),
        (inner, ""): ("CATEGORY_REQUIRED", "destinationId"),
        ("1", inner): ("CATEGORY_INVALID", "categoryId"),
        (inner, "1"): ("CATEGORY_INVALID", "destinationId"),
        (ids.encode("Video", uuid.UUID(int=7)), inner): ("CATEGORY_INVALID", "categoryId"),
        (UNKNOWN, inner): ("NOT_FOUND", "categoryId"),
        (inner, UNKNOWN): ("NOT_FOUND", "destinationId"),
    }
    for (id, to), (code, path) in refusals.items():
        refused = await move(api, id, to)
        assert (refused["category"], codes(refused)) == (None, [(code, [path])])
    assert [await parent(api, one) for one in (outer, middle, inner)] == [None, outer, middle]


async def test_a_destination_cannot_be_left_out(api: Api) -> None:
    _, inner = await chain(api, 2)
    query = "mutation ($id: ID!) { moveCategory(categoryId: $id) { userErrors { code path } } }"
    refused = (await api.run(query, id=inner))["moveCategory"]
    assert codes(refused) == [("CATEGORY_REQUIRED", ["destinationId"])]


async def test_a_move_makes_the_tree_no_deeper_than_it_may_be(api: Api) -> None:
    made = await chain(api, MAX_DEPTH)
    other = (await category(api))["id"]
    (error,) = (await move(api, made[0], other))["userErrors"]
    assert error == {"code": "LIMIT_EXCEEDED", "path": ["destinationId"], "limit": MAX_DEPTH}
    assert codes(await move(api, made[1], other)) == []


async def test_strangers_and_callers_without_a_key_move_nothing(
    api: Api, stranger: Api, anonymous: Api
) -> None:
    outer, inner = await chain(api, 2)
    theirs = (await category(stranger))["id"]
    assert codes(await move(stranger, inner, None)) == [("NOT_FOUND", ["categoryId"])]
    assert codes(await move(stranger, theirs, outer)) == [("NOT_FOUND", ["destinationId"])]
    assert codes(await delete(stranger, inner)) == [("NOT_FOUND", ["id"])]
    assert codes(await delete(stranger, theirs, outer)) == [("NOT_FOUND", ["videosTo"])]
    assert await parent(api, inner) == outer
    for run in (move(anonymous, inner, None), delete(anonymous, inner)):
        with pytest.raises(OperationFailed) as refused:
            await run
        assert refused.value.codes == ["UNAUTHENTICATED"]


async def test_moves_at_once_make_no_ring(api: Api) -> None:
    made = [(await category(api))["id"] for _ in range(4)]
    ring = zip(made, [*made[1:], made[0]], strict=True)
    payloads = await asyncio.gather(*(move(api, one, to) for one, to in ring))
    refused = [codes(payload) for payload in payloads if payload["userErrors"]]
    assert refused == [[("CATEGORY_IS_ANCESTOR", ["destinationId"])]]


async def test_a_deleted_category_leaves_what_was_in_it(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    outer, middle, inner = await chain(api, 3)
    kept = await rule(api, categoryId=outer)
    gone = await rule(api, categoryId=middle)
    everywhere = await rule(api)
    videos = [await video_in(services, owner, place) for place in (middle, middle, inner)]
    binned = await video_in(services, owner, middle, VideoStatus.DELETED)
    before = [(await api.run(PLACE, id=id))["video"]["updatedAt"] for id in videos]
    default = await default_id(api)
    assert await delete(api, middle) == {
        "deletedIds": [middle],
        "videosTo": {"id": default, "parent": None, "videoCount": 2},
        "movedCount": 3,
        "remainingCount": 0,
        "deletedRuleIds": [gone["id"]],
        "userErrors": [],
    }
    assert [await place(api, id) for id in (*videos, binned)] == [default, default, inner, default]
    assert [(await api.run(PLACE, id=id))["video"]["updatedAt"] for id in videos] == before
    assert await parent(api, inner) == outer
    assert (await api.run(PARENT, by={"id": middle})) == {"category": None}
    rules = (await api.run("{ autoTranscodeRules { nodes { id } } }"))["autoTranscodeRules"]
    assert [one["id"] for one in rules["nodes"]] == [everywhere["id"], kept["id"]]
    assert codes(await delete(api, middle)) == [("NOT_FOUND", ["id"])]


async def test_videos_of_a_deleted_category_go_where_the_caller_says(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    outer, inner = await chain(api, 2)
    video = await video_in(services, owner, outer)
    assert (await delete(api, outer, inner))["videosTo"] == {
        "id": inner,
        "parent": None,
        "videoCount": 1,
    }
    assert await place(api, video) == inner


async def test_a_very_large_category_is_deleted_call_by_call(
    api: Api, services: Services, owner: factories.Owner, wiper: psycopg.Connection
) -> None:
    gone, other = (await category(api))["id"], (await category(api))["id"]
    await video_in(services, owner, gone)
    wiper.execute(
        "insert into video (id, vid, account_id, category_id, status, title, search_text, grams,"
        " file_size) select gen_random_uuid(), 'many' || number, account_id, category_id, status,"
        " title, search_text, grams, file_size from video, generate_series(1, 5001) number"
    )
    moved = [await delete(api, gone, other) for _ in range(3)]
    assert [(one["movedCount"], one["remainingCount"], one["deletedIds"]) for one in moved] == [
        (5_000, 2, []),
        (2, 0, [gone]),
        (0, 0, []),
    ]
    assert [one["videosTo"] and one["videosTo"]["videoCount"] for one in moved] == [
        5000,
        5002,
        None,
    ]
    assert codes(moved[2]) == [("NOT_FOUND", ["id"])]


async def test_what_cannot_be_deleted(api: Api, services: Services, owner: factories.Owner) -> None:
    (one,) = await chain(api, 1)
    default, video = await default_id(api), await video_in(services, owner, one)
    refusals = {
        (default, None): ("CATEGORY_IS_DEFAULT", "id"),
        (default, one): ("CATEGORY_IS_DEFAULT", "id"),
        (one, one): ("CATEGORY_SAME", "videosTo"),
        (one, ""): ("NOT_FOUND", "videosTo"),
        (one, UNKNOWN): ("NOT_FOUND", "videosTo"),
        (UNKNOWN, None): ("NOT_FOUND", "id"),
        ("", None): ("NOT_FOUND", "id"),
        (video, None): ("NOT_FOUND", "id"),
    }
    for (id, to), (code, path) in refusals.items():
        refused = await delete(api, id, to)
        assert (refused["deletedIds"], codes(refused)) == ([], [(code, [path])])
    assert await place(api, video) == one


async def test_uploads_and_fetches_follow_the_videos_of_their_category(api: Api) -> None:
    gone, other = (await category(api))["id"], (await category(api))["id"]
    fetch = await fetching.begin(api, "http://films.example/1.mp4", categoryId=gone)
    begun = await uploading.begin(api, b"x" * 100, categoryId=gone)
    await delete(api, gone, other)
    query = "query ($id: ID!) { task(id: $id) { ... on FetchTask { category { id } } } }"
    assert (await api.run(query, id=fetch))["task"]["category"] == {"id": other}
    await uploading.put(api, begun["id"], 1, b"x" * 100)
    await uploading.complete(api, begun["id"], uploading.sha256(b"x" * 100))
    query = "query ($id: ID!) { uploadSession(id: $id) { category { id } video { id } } }"
    shown = (await api.run(query, id=begun["id"]))["uploadSession"]
    assert shown["category"] == {"id": other}
    assert await place(api, shown["video"]["id"]) == other


async def test_a_session_whose_category_went_before_it_was_opened_has_none(
    services: Services, owner: factories.Owner
) -> None:
    id = uuid.uuid4()
    row = UploadSession(
        id=id,
        account_id=owner.account.id,
        status=UploadStatus.WAITING,
        title="A video",
        content_type="video/mp4",
        category_id=uuid.uuid4(),
        file_size=100,
        chunk_size=100,
        storage_key=keys.source(None, id),
        storage_token="",
        expires_at=datetime.now(UTC) + timedelta(hours=1),
    )
    async with services.db.write() as session:
        await uploads.add(session, row)
    assert row.category_id is None


async def test_a_video_that_is_put_into_a_category_while_it_goes_is_not_lost(
    api: Api,
    services: Services,
    owner: factories.Owner,
    database_url: str,
    wiper: psycopg.Connection,
) -> None:
    """As a chunk of an upload does it, which locks no account."""
    gone, default = (await category(api))["id"], await default_id(api)
    video = await video_in(services, owner)
    with psycopg.connect(database_url) as other:
        other.execute(
            "update video set category_id = %s where id = %s",
            (ids.decode(gone, "Category"), ids.decode(video, "Video")),
        )
        deleting = asyncio.create_task(delete(api, gone))

        async def waits() -> bool:
            return wiper.execute("select 1 from pg_locks where not granted").fetchone() is not None

        await until(waits)
        other.commit()
    assert (await deleting)["movedCount"] == 1
    assert await place(api, video) == default


async def test_nobody_waits_in_a_circle_for_a_category_that_goes(
    api: Api, services: Services, owner: factories.Owner, wiper: psycopg.Connection
) -> None:
    """Whoever holds a session and adds its video does not wait for the account."""
    gone = (await category(api))["id"]
    begun = await uploading.begin(api, b"x" * 100, categoryId=gone)
    key = ids.decode(begun["id"], "UploadSession")
    async with services.db.write() as session:
        await uploads.lock(session, key)
        deleting = asyncio.create_task(delete(api, gone))

        async def waits() -> bool:
            return wiper.execute("select 1 from pg_locks where not granted").fetchone() is not None

        await until(waits)
        row = factories.bare_video(owner.account, ids.decode(gone, "Category"))
        session.add(row)
        await session.flush()
    assert (await deleting)["userErrors"] == []
    assert await place(api, ids.encode("Video", row.id)) == await default_id(api)


async def test_a_deletion_locks_videos_in_the_order_of_their_ids(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    """As batches do, whichever lies first in the table."""
    gone = (await category(api))["id"]
    made = [ids.decode(await video_in(services, owner, gone), "Video") for _ in range(5)]
    first, *others = sorted(made)
    async with services.db.write() as session:
        await videos.lock(session, first)
        deleting = asyncio.create_task(delete(api, gone))
        await until_blocked(services.db)
        assert set(await videos.lock_all(session, owner.account.id, others)) == set(others)
    assert (await deleting)["movedCount"] == 5


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
