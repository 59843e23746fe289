"""Changing what is said of a video, and how players show it."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import select, text

from db.models import Category, Task, UploadSession, Video
from domain.events import EventType, topic
from resolvers.context import Services
from schema import ids
from tests.support import uploading
from tests.support.api import Api, OperationFailed
from tests.support.storing import small, stored
from tests.support.tables import events
from tests.support.templating import category
from tests.support.updating import changed, shown

NOTHING: dict[str, Any] = {"id": None, "name": None, "aspectRatio": "R16_9", "autoPlay": False}
EVERYTHING: dict[str, Any] = {
    "title": "Another",
    "description": "In other words.",
    "tags": ["b", "a"],
    "ownerPhone": "+49 (30) 123-456",
    "player": {"id": "p-1", "name": "Small", "aspectRatio": "R4_3", "autoPlay": True},
    "publishDomain": "www.example.com",
}


async def test_all_of_it_changes_at_once(api: Api, services: Services, published_id: str) -> None:
    place = (await category(api))["id"]
    found = await changed(api, published_id, categoryId=place, **EVERYTHING)
    moment = datetime.fromisoformat(found.pop("updatedAt"))
    assert found == {
        "id": published_id,
        **EVERYTHING,
        "category": {"id": place},
        "hasOwnCover": False,
    }
    assert datetime.now(UTC) - moment < timedelta(minutes=1)
    assert {**await shown(api, published_id), "updatedAt": None} == {**found, "updatedAt": None}
    assert await events(services.db) == [EventType.VIDEO_UPDATED]


async def test_what_is_left_out_stays(api: Api, published_id: str) -> None:
    before = await changed(api, published_id, **EVERYTHING)
    after = await changed(api, published_id, player={"name": "Large"})
    player = {**EVERYTHING["player"], "name": "Large"}
    assert after == {**before, "player": player, "updatedAt": after["updatedAt"]}
    assert after["updatedAt"] > before["updatedAt"]


async def test_null_empties(api: Api, published_id: str) -> None:
    await changed(api, published_id, **EVERYTHING)
    player = {"id": None, "name": None}
    emptied = dict.fromkeys(("description", "tags", "ownerPhone", "publishDomain"))
    found = await changed(api, published_id, player=player, **emptied)
    assert found["player"] == {**NOTHING, "aspectRatio": "R4_3", "autoPlay": True}
    assert (found["title"], found["tags"]) == ("Another", [])
    assert (found["description"], found["ownerPhone"], found["publishDomain"]) == (None,) * 3
    assert (await changed(api, published_id, player=None))["player"] == NOTHING


async def test_without_a_category_it_is_kept_in_the_default_one(
    api: Api, services: Services, published_id: str
) -> None:
    place = (await category(api))["id"]
    assert (await changed(api, published_id, categoryId=place))["category"] == {"id": place}
    default = (await changed(api, published_id, categoryId=None))["category"]["id"]
    async with services.db.read() as session:
        row = await session.get_one(Category, ids.decode(default, "Category"))
    assert (row.number, row.name) == (1, "Default")


async def test_a_video_is_found_by_its_new_title_only(api: Api, published_id: str) -> None:
    query = "query ($t: String!) { videos(filter: {title: $t}) { nodes { id } } }"
    await changed(api, published_id, title="Sommerurlaub 海边")
    for part, found in (
        ("urlaub", [{"id": published_id}]),
        ("海边", [{"id": published_id}]),
        ("video", []),
    ):
        assert (await api.run(query, t=part))["videos"]["nodes"] == found


async def test_texts_are_tidied(api: Api, published_id: str) -> None:
    found = await changed(
        api,
        published_id,
        title="  Spaces \t",
        tags=[" one", "two", "one ", "中", "Two"],
        ownerPhone=" 030/1 ",
        publishDomain="Bücher.Example.",
        player={"id": " ", "name": " P "},
    )
    assert (found["title"], found["tags"]) == ("Spaces", ["one", "two", "中", "Two"])
    assert (found["ownerPhone"], found["publishDomain"]) == ("030/1", "xn--bcher-kva.example")
    assert found["player"] == {**NOTHING, "name": "P"}


async def test_where_nothing_changes_nothing_is_told(
    api: Api, services: Services, published_id: str
) -> None:
    before = await changed(api, published_id, **EVERYTHING)
    assert await changed(api, published_id, **EVERYTHING) == before
    assert await changed(api, published_id) == before
    assert await events(services.db) == [EventType.VIDEO_UPDATED]


async def test_watchers_are_woken(api: Api, services: Services, published_id: str) -> None:
    async with services.bus.subscribe(topic("video", ids.decode(published_id, "Video"))) as heard:
        await changed(api, published_id, title="Heard")
        async with asyncio.timeout(5):
            await heard.changed()


async def test_everything_has_limits_that_can_be_reached(api: Api, published_id: str) -> None:
    tags = [f"{number:064}" for number in range(50)]
    domain = ".".join(["a" * 63] * 3 + ["b" * 61])
    found = await changed(
        api,
        published_id,
        title="t" * 255,
        description="d" * 5_000,
        tags=tags,
        ownerPhone="1" * 32,
        publishDomain=domain,
        player={"id": "i" * 64, "name": "n" * 255},
    )
    assert (found["tags"], found["publishDomain"], len(domain)) == (tags, domain, 253)


async def test_two_changes_at_once_are_both_there(
    api: Api, services: Services, published_id: str
) -> None:
    await asyncio.gather(
        changed(api, published_id, title="One"), changed(api, published_id, tags=["two"])
    )
    found = await shown(api, published_id)
    assert (found["title"], found["tags"]) == ("One", ["two"])
    assert await events(services.db) == [EventType.VIDEO_UPDATED] * 2


async def test_a_list_of_tags_is_read_in_every_way(api: Api, published_id: str) -> None:
    await changed(api, published_id, tags=['"', "\\", "a,b", "{}", "中", "a\u2028b", "\x01"])
    tags = (await shown(api, published_id))["tags"]
    assert tags == ['"', "\\", "a,b", "{}", "中", "a\u2028b", "\x01"]
    by_rows = "query ($id: ID!) { video(by: {id: $id}) { tags playback { hlsUrl } } }"
    assert (await api.run(by_rows, id=published_id))["video"] == {"tags": tags, "playback": None}
    by_node = "query ($id: ID!) { node(id: $id) { ... on Video { tags } } }"
    assert (await api.run(by_node, id=published_id))["node"] == {"tags": tags}


async def test_a_null_among_the_tags_is_an_error_in_every_way(
    api: Api, services: Services, published_id: str
) -> None:
    async with services.db.write() as session:
        await session.execute(text("update video set tags = array['a', null]"))
    selections = (
        "video(by: {id: $id}) { tags }",
        "video(by: {id: $id}) { tags playback { hlsUrl } }",
    )
    for selection in (*selections, "node(id: $id) { ... on Video { tags } }"):
        with pytest.raises(OperationFailed) as failed:
            await api.run(f"query ($id: ID!) {{ {selection} }}", id=published_id)
        assert failed.value.codes == ["INTERNAL"]


async def test_an_upload_brings_the_owners_phone(api: Api, services: Services) -> None:
    data = b"not a video"
    opened = await uploading.begin(api, data, ownerPhone=" 030-1 ")
    async with services.db.read() as session:
        assert list(await session.scalars(select(UploadSession.owner_phone))) == ["030-1"]
    await uploading.put(api, opened["id"], 1, data)
    await uploading.complete(api, opened["id"], uploading.sha256(data))
    sent = await small(api, data, ownerPhone="030-2")
    kept = (await stored(api, data))["storedObject"]["storageId"]
    create = "mutation ($i: CreateVideoInput!) { createVideo(input: $i) { video { id } } }"
    of_object = {"storageId": kept, "sourceType": "a", "sourceId": "1", "ownerPhone": "030-3"}
    simulated = {"simulate": {"durationMs": 1000}, "ownerPhone": "030-4"}
    for input in (of_object, simulated):
        await api.run(create, i=input)
    assert sent["userErrors"] == []
    phones = "{ videos(first: 10) { nodes { ownerPhone } } }"
    found = (await api.run(phones))["videos"]["nodes"]
    assert sorted(one["ownerPhone"] for one in found) == [f"030-{n}" for n in range(1, 5)]


async def test_a_wrong_phone_begins_nothing(api: Api, services: Services) -> None:
    data = b"not a video"
    payload = await small(api, data, ownerPhone="a")
    assert [error["path"] for error in payload["userErrors"]] == [["ownerPhone"]]
    create = """
    mutation ($i: CreateVideoInput!) { createVideo(input: $i) { userErrors { code path } } }
    """
    refused = (await api.run(create, i={"simulate": {"durationMs": 1000}, "ownerPhone": "a"}))[
        "createVideo"
    ]
    assert refused["userErrors"] == [{"code": "INVALID_ARGUMENT", "path": ["ownerPhone"]}]
    async with services.db.read() as session:
        for table in (UploadSession, Video, Task):
            assert (await session.scalars(select(table.id))).all() == []
