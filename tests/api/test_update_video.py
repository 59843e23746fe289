"""Changing what is said of a video, and how players show it."""

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import select, text, update

from db.models import Category, Event, Task, UploadSession, Video
from domain.events import EventType, topic
from domain.videos import VideoStatus
from resolvers.context import Services
from schema import ids
from tests.api.test_small_uploads import small, stored
from tests.support import factories, uploading
from tests.support.api import Api, OperationFailed
from tests.support.templating import category

SHOWN = """
  id title description tags ownerPhone publishDomain updatedAt hasOwnCover
  category { id } player { id name aspectRatio autoPlay }
"""
UPDATE = f"""
mutation ($input: UpdateVideoInput!) {{
  updateVideo(input: $input) {{
    video {{ {SHOWN} }}
    coverTask {{ id status }}
    userErrors {{
      __typename code message path
      ... on LimitExceededError {{ limit actual }}
      ... on NotFoundError {{ ids }}
      ... on InvalidStateError {{ currentState allowedStates }}
    }}
  }}
}}
"""
VIDEO = f"query ($id: ID!) {{ video(by: {{id: $id}}) {{ {SHOWN} }} }}"
NOTHING: dict[str, Any] = {"id": None, "name": None, "aspectRatio": "R16_9", "autoPlay": False}


async def change(api: Api, id: str, **input: Any) -> dict[str, Any]:
    return (await api.run(UPDATE, input={"id": id, **input}))["updateVideo"]


async def changed(api: Api, id: str, **input: Any) -> dict[str, Any]:
    """The video after a change that nothing is wrong with."""
    payload = await change(api, id, **input)
    assert payload["userErrors"] == []
    return payload["video"]


async def shown(api: Api, id: str) -> dict[str, Any]:
    return (await api.run(VIDEO, id=id))["video"]


async def news(services: Services) -> list[EventType]:
    async with services.db.read() as session:
        return list(await session.scalars(select(Event.type).order_by(Event.id)))


@pytest.fixture
async def video(services: Services, owner: factories.Owner) -> str:
    row = await factories.video(services.db, owner.account, status=VideoStatus.PUBLISHED)
    return ids.encode("Video", row.id)


EVERYTHING: dict[str, Any] = {
    "title": "Another",
    "description": "In other words.",
    "tags": ["b", "a"],
    "ownerPhone": "+49 (30) 123-456",
    "player": {"id": "p-1", "name": "Small", "aspectRatio": "R4_3", "autoPlay": True},
    "publishDomain": "www.example.com",
}


async def test_all_of_it_changes_at_once(api: Api, services: Services, video: str) -> None:
    place = (await category(api))["id"]
    found = await changed(api, video, categoryId=place, **EVERYTHING)
    moment = datetime.fromisoformat(found.pop("updatedAt"))
    assert found == {
        "id": video,
        **EVERYTHING,
        "category": {"id": place},
        "hasOwnCover": False,
    }
    assert datetime.now(UTC) - moment < timedelta(minutes=1)
    assert {**await shown(api, video), "updatedAt": None} == {**found, "updatedAt": None}
    assert await news(services) == [EventType.VIDEO_UPDATED]


async def test_what_is_left_out_stays(api: Api, video: str) -> None:
    before = await changed(api, video, **EVERYTHING)
    after = await changed(api, video, player={"name": "Large"})
    player = {**EVERYTHING["player"], "name": "Large"}
    assert after == {**before, "player": player, "updatedAt": after["updatedAt"]}
    assert after["updatedAt"] > before["updatedAt"]


async def test_null_empties(api: Api, video: str) -> None:
    await changed(api, video, **EVERYTHING)
    player = {"id": None, "name": None}
    emptied = dict.fromkeys(("description", "tags", "ownerPhone", "publishDomain"))
    found = await changed(api, video, player=player, **emptied)
    assert found["player"] == {**NOTHING, "aspectRatio": "R4_3", "autoPlay": True}
    assert (found["title"], found["tags"]) == ("Another", [])
    assert (found["description"], found["ownerPhone"], found["publishDomain"]) == (None,) * 3
    assert (await changed(api, video, player=None))["player"] == NOTHING


async def test_without_a_category_it_is_kept_in_the_default_one(
    api: Api, services: Services, video: str
) -> None:
    place = (await category(api))["id"]
    assert (await changed(api, video, categoryId=place))["category"] == {"id": place}
    default = (await changed(api, video, categoryId=None))["category"]["id"]
    async with services.db.read() as session:
        row = await session.get_one(Category, ids.decode(default, "Category"))
    assert (row.number, row.name) == (1, "Default")


async def test_a_video_is_found_by_its_new_title_only(api: Api, video: str) -> None:
    query = "query ($t: String!) { videos(filter: {title: $t}) { nodes { id } } }"
    await changed(api, video, title="Sommerurlaub 海边")
    for part, found in (("urlaub", [{"id": video}]), ("海边", [{"id": video}]), ("video", [])):
        assert (await api.run(query, t=part))["videos"]["nodes"] == found


@pytest.mark.parametrize(
    "input", [{"title": None}, {"player": {"aspectRatio": None}}, {"player": {"autoPlay": None}}]
)
async def test_what_every_video_has_cannot_be_null(
    api: Api, services: Services, video: str, input: dict[str, Any]
) -> None:
    with pytest.raises(OperationFailed) as refused:
        await change(api, video, **input)
    assert refused.value.codes == ["BAD_USER_INPUT"]
    assert await news(services) == []


async def test_texts_are_tidied(api: Api, video: str) -> None:
    found = await changed(
        api,
        video,
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
    api: Api, services: Services, video: str
) -> None:
    before = await changed(api, video, **EVERYTHING)
    assert await changed(api, video, **EVERYTHING) == before
    assert await changed(api, video) == before
    assert await news(services) == [EventType.VIDEO_UPDATED]


async def test_watchers_are_woken(api: Api, services: Services, video: str) -> None:
    async with services.bus.subscribe(topic("video", ids.decode(video, "Video"))) as heard:
        await changed(api, video, title="Heard")
        async with asyncio.timeout(5):
            await heard.changed()


async def test_everything_has_limits_that_can_be_reached(api: Api, video: str) -> None:
    tags = [f"{number:064}" for number in range(50)]
    domain = ".".join(["a" * 63] * 3 + ["b" * 61])
    found = await changed(
        api,
        video,
        title="t" * 255,
        description="d" * 5_000,
        tags=tags,
        ownerPhone="1" * 32,
        publishDomain=domain,
        player={"id": "i" * 64, "name": "n" * 255},
    )
    assert (found["tags"], found["publishDomain"], len(domain)) == (tags, domain, 253)


LIMITS: dict[str, tuple[dict[str, Any], list[str], int, int]] = {
    "title": ({"title": "t" * 256}, ["title"], 255, 256),
    "description": ({"description": "d" * 5_001}, ["description"], 5_000, 5_001),
    "tags": ({"tags": ["a"] * 51}, ["tags"], 50, 51),
    "tag": ({"tags": ["a", "b" * 65]}, ["tags", "1"], 64, 65),
    "phone": ({"ownerPhone": "1" * 33}, ["ownerPhone"], 32, 33),
    "domain": ({"publishDomain": "a." * 127}, ["publishDomain"], 253, 254),
    "player": ({"player": {"id": "i" * 65}}, ["player", "id"], 64, 65),
    "player name": ({"player": {"name": "n" * 256}}, ["player", "name"], 255, 256),
}


@pytest.mark.parametrize("name", LIMITS)
async def test_a_limit_is_named(api: Api, services: Services, video: str, name: str) -> None:
    input, path, limit, actual = LIMITS[name]
    before = await shown(api, video)
    payload = await change(api, video, **{"title": "Not this", **input})
    (error,) = payload["userErrors"]
    assert (payload["video"], error["code"], error["path"]) == (None, "LIMIT_EXCEEDED", path)
    assert (error["limit"], error["actual"]) == (limit, actual)
    assert await shown(api, video) == before
    assert await news(services) == []


WRONG: dict[str, tuple[dict[str, Any], list[str]]] = {
    "empty title": ({"title": " "}, ["title"]),
    "empty tag": ({"tags": ["a", "  "]}, ["tags", "1"]),
    "nul": ({"tags": ["a\0b"]}, ["tags", "0"]),
    "letters in a phone": ({"ownerPhone": "CALL ME 1"}, ["ownerPhone"]),
    "no digits in a phone": ({"ownerPhone": "+-()"}, ["ownerPhone"]),
    "lines in a phone": ({"ownerPhone": "1\n2"}, ["ownerPhone"]),
    "a URL": ({"publishDomain": "https://example.com"}, ["publishDomain"]),
    "a port": ({"publishDomain": "example.com:80"}, ["publishDomain"]),
    "a path": ({"publishDomain": "example.com/a"}, ["publishDomain"]),
    "an address": ({"publishDomain": "127.0.0.1"}, ["publishDomain"]),
    "an IPv6 address": ({"publishDomain": "::1"}, ["publishDomain"]),
    "hyphens": ({"publishDomain": "-a.example"}, ["publishDomain"]),
    "an empty label": ({"publishDomain": "a..example"}, ["publishDomain"]),
    "no international name": ({"publishDomain": "a\u200d.example"}, ["publishDomain"]),
    "too long for a label": ({"publishDomain": "a" * 64}, ["publishDomain"]),
}


@pytest.mark.parametrize("name", WRONG)
async def test_what_cannot_be_stored_is_refused(
    api: Api, services: Services, video: str, name: str
) -> None:
    input, path = WRONG[name]
    before = await shown(api, video)
    payload = await change(api, video, **{"description": "Not this", **input})
    (error,) = payload["userErrors"]
    assert (payload["video"], error["code"], error["path"]) == (None, "INVALID_ARGUMENT", path)
    assert await shown(api, video) == before
    assert await news(services) == []


async def test_a_category_must_be_ones_own(
    api: Api, stranger: Api, services: Services, video: str
) -> None:
    theirs = (await category(stranger))["id"]
    for wrong in (theirs, ids.encode("Category", uuid4()), video, ""):
        payload = await change(api, video, categoryId=wrong, title="Not this")
        (error,) = payload["userErrors"]
        assert (error["code"], error["path"]) == ("NOT_FOUND", ["categoryId"])
    assert (await shown(api, video))["title"] == "A video"
    assert await news(services) == []


async def test_only_the_owner_changes(
    api: Api, stranger: Api, anonymous: Api, services: Services, video: str
) -> None:
    before = await shown(api, video)
    unknown = ids.encode("Video", uuid4())
    for id in (video, unknown, "x"):
        for input in ({"title": "Mine"}, {"cover": {"atMs": 0}}):
            (error,) = (await change(stranger, id, **input))["userErrors"]
            assert (error["code"], error["path"], error["ids"]) == ("NOT_FOUND", ["id"], [id])
            assert error["message"] == "There is no Video with this id."
        with pytest.raises(OperationFailed) as refused:
            await change(anonymous, id, title="Mine")
        assert refused.value.codes == ["UNAUTHENTICATED"]
    assert await shown(api, video) == before
    assert await news(services) == []


@pytest.mark.parametrize("status", VideoStatus)
async def test_only_the_recycle_bin_keeps_from_changing(
    api: Api, services: Services, video: str, status: VideoStatus
) -> None:
    async with services.db.write() as session:
        await session.execute(update(Video).values(status=status))
    payload = await change(api, video, title="Now")
    if status is not VideoStatus.DELETED:
        assert (payload["video"]["title"], payload["userErrors"]) == ("Now", [])
        return
    (error,) = payload["userErrors"]
    assert (error["code"], error["currentState"], error["path"]) == (
        "INVALID_STATE",
        "DELETED",
        ["id"],
    )
    assert "DELETED" not in error["allowedStates"]
    assert await news(services) == []


async def test_two_changes_at_once_are_both_there(api: Api, services: Services, video: str) -> None:
    await asyncio.gather(changed(api, video, title="One"), changed(api, video, tags=["two"]))
    found = await shown(api, video)
    assert (found["title"], found["tags"]) == ("One", ["two"])
    assert await news(services) == [EventType.VIDEO_UPDATED] * 2


async def test_a_list_of_tags_is_read_in_every_way(api: Api, video: str) -> None:
    await changed(api, video, tags=['"', "\\", "a,b", "{}", "中", "a\u2028b", "\x01"])
    tags = (await shown(api, video))["tags"]
    assert tags == ['"', "\\", "a,b", "{}", "中", "a\u2028b", "\x01"]
    by_rows = "query ($id: ID!) { video(by: {id: $id}) { tags playback { hlsUrl } } }"
    assert (await api.run(by_rows, id=video))["video"] == {"tags": tags, "playback": None}
    by_node = "query ($id: ID!) { node(id: $id) { ... on Video { tags } } }"
    assert (await api.run(by_node, id=video))["node"] == {"tags": tags}


async def test_a_null_among_the_tags_is_an_error_in_every_way(
    api: Api, services: Services, video: str
) -> None:
    async with services.db.write() as session:
        await session.execute(text("update video set tags = array['a', null]"))
    selections = (
        "video(by: {id: $id}) { tags }",
        "video(by: {id: $id}) { tags playback { hlsUrl } }",
    )
    for selection in (*selections, "node(id: $id) { ... on Video { tags } }"):
        with pytest.raises(OperationFailed) as failed:
            await api.run(f"query ($id: ID!) {{ {selection} }}", id=video)
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
