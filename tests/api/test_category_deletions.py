"""Deleting categories, and what becomes of all that was in them."""

import asyncio
import uuid
from datetime import UTC, datetime, timedelta

import psycopg

from db import uploads, videos
from db.models import UploadSession
from domain.uploads import UploadStatus
from domain.videos import VideoStatus
from resolvers.context import Services
from schema import ids
from storage import keys
from tests.support import factories, fetching, uploading
from tests.support.api import Api
from tests.support.categorizing import (
    PARENT,
    PLACE,
    UNKNOWN,
    chain,
    default_id,
    delete,
    parent,
    place,
    video_in,
)
from tests.support.templating import category, codes, rule
from tests.support.waiting import until_blocked


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
    api: Api, services: Services, owner: factories.Owner, database_url: str
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
        await until_blocked(services.db)
        other.commit()
    assert (await deleting)["movedCount"] == 1
    assert await place(api, video) == default


async def test_nobody_waits_in_a_circle_for_a_category_that_goes(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    """Whoever holds a session and adds its video does not wait for the account."""
    gone = (await category(api))["id"]
    begun = await uploading.begin(api, b"x" * 100, categoryId=gone)
    key = ids.decode(begun["id"], "UploadSession")
    async with services.db.write() as session:
        await uploads.lock(session, key)
        deleting = asyncio.create_task(delete(api, gone))
        await until_blocked(services.db)
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
