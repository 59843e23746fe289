"""Stored objects: videos made of them, and what goes with the last one who has them."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

import pytest

from db import objects
from jobs import maintenance
from jobs.runs import Tools
from resolvers.context import Services
from tests.support import trashing, uploading
from tests.support.api import Api
from tests.support.possession import answer, check, proof, take_over
from tests.support.storing import create, delete, stored
from tests.support.work import Work

Step = Callable[[Api, Work, bytes], Awaitable[str | None]]

BY_ID = """
query ($storageId: String!, $id: ID!) {
  storedObject(storageId: $storageId) { id } node(id: $id) { id }
}
"""
HELD = "{ storedObjects { nodes { id storageId sha256 } } }"
VIDEO = """
query ($id: ID!) {
  node(id: $id) {
    ... on Video { status statusReason width playSets { status } playback { hlsUrl } }
  }
}
"""


async def by_request(api: Api, _work: Work, data: bytes) -> None:
    assert (await stored(api, data))["userErrors"] == []


async def by_session(api: Api, work: Work, data: bytes) -> None:
    begun = await uploading.begin(api, data, purpose="OBJECT")
    await uploading.put(api, begun["id"], 1, data)
    await uploading.complete(api, begun["id"], uploading.sha256(data))
    await work()


async def as_video(api: Api, _work: Work, data: bytes) -> str:
    """The id of a video with the bytes, which the account may have had or not."""
    return (await take_over(api, data))["video"]["id"]


async def of_object(api: Api, _work: Work, data: bytes) -> str:
    """The id of a video made of what the account has, whatever that came with."""
    (held,) = (await api.run(HELD))["storedObjects"]["nodes"]
    assert held["sha256"] == uploading.sha256(data)
    return (await create(api, held["storageId"]))["video"]["id"]


async def collected(tools: Tools) -> int:
    """What is removed from the store once the grace is over."""
    return await maintenance.collect(tools, now=datetime.now(UTC) + timedelta(hours=2))


async def test_a_video_is_made_of_a_stored_object(api: Api, work: Work, small_film: bytes) -> None:
    kept = (await stored(api, small_film, "holiday.mp4"))["storedObject"]
    payload = await create(api, kept["storageId"])
    assert payload["userErrors"] == []
    assert payload["video"] == {
        "id": payload["video"]["id"],
        "status": "PROCESSING",
        "title": "holiday.mp4",
        "sourceType": "cms",
        "sourceId": "1",
        "storageId": kept["storageId"],
        "fileSize": len(small_film),
        "width": None,
        "playSets": [],
    }
    await work()
    shown = (await api.run(VIDEO, id=payload["video"]["id"]))["node"]
    assert (shown["status"], shown["width"]) == ("PUBLISHED", 640)
    assert shown["playSets"] == [{"status": "READY"}, {"status": "READY"}]


async def test_a_second_video_of_the_same_object_is_ready_at_once(
    api: Api, work: Work, small_film: bytes
) -> None:
    kept = (await stored(api, small_film))["storedObject"]
    await create(api, kept["storageId"])
    await work()
    payload = await create(api, kept["storageId"], sourceId="2", title="Again")
    assert (payload["video"]["status"], payload["video"]["title"]) == ("PUBLISHED", "Again")
    assert payload["video"]["playSets"] == [{"status": "READY"}, {"status": "READY"}]


async def test_one_origin_makes_one_video(api: Api, stranger: Api, small_film: bytes) -> None:
    kept = (await stored(api, small_film))["storedObject"]
    payloads = await asyncio.gather(*(create(api, kept["storageId"]) for _ in range(5)))
    (made,) = [one["video"]["id"] for one in payloads if one["video"]]
    refused = [one["userErrors"] for one in payloads if not one["video"]]
    error = {
        "__typename": "DuplicateContentError",
        "code": "DUPLICATE_CONTENT",
        "path": ["sourceId"],
        "existingVideo": {"id": made},
    }
    assert refused == [[error]] * 4
    others = (await stored(stranger, small_film))["storedObject"]
    assert (await create(stranger, others["storageId"]))["userErrors"] == []


async def test_nothing_is_transcoded_when_that_is_to_be_skipped(
    api: Api, work: Work, small_film: bytes
) -> None:
    kept = (await stored(api, small_film))["storedObject"]
    payload = await create(api, kept["storageId"], skipAutoTranscode=True)
    await work()
    assert (await api.run(VIDEO, id=payload["video"]["id"]))["node"] == {
        "status": "PUBLISHED",
        "statusReason": None,
        "width": 640,
        "playSets": [],
        "playback": None,
    }


async def test_an_object_that_is_no_video_makes_a_failed_one(api: Api, work: Work) -> None:
    kept = (await stored(api, os.urandom(1_000)))["storedObject"]
    payload = await create(api, kept["storageId"])
    await work()
    shown = (await api.run(VIDEO, id=payload["video"]["id"]))["node"]
    assert (shown["status"], shown["playSets"]) == ("UPLOAD_FAILED", [])
    assert shown["statusReason"]


@pytest.mark.parametrize("id", ["absent", "", "a\0b"])
async def test_an_unknown_object_makes_nothing(api: Api, id: str) -> None:
    payload = await create(api, id)
    assert payload["userErrors"] == [
        {"__typename": "NotFoundError", "code": "NOT_FOUND", "path": ["storageId"], "ids": [id]}
    ]


async def test_an_object_of_another_account_is_not_found(
    api: Api, stranger: Api, small_film: bytes
) -> None:
    kept = (await stored(api, small_film))["storedObject"]
    assert (await create(stranger, kept["storageId"]))["video"] is None
    found = await stranger.run(BY_ID, storageId=kept["storageId"], id=kept["id"])
    assert found == {"storedObject": None, "node": None}
    assert (await delete(stranger, kept["id"]))["userErrors"][0]["code"] == "NOT_FOUND"


async def test_a_large_file_can_be_sent_as_an_object(api: Api, work: Work) -> None:
    data = os.urandom(200_000)
    begun = await uploading.begin(
        api, data, chunkSize=65_536, purpose="OBJECT", fileName="a/b/data.bin"
    )
    for index in range(1, begun["totalChunks"] + 1):
        piece = data[(index - 1) * 65_536 : index * 65_536]
        assert (await uploading.put(api, begun["id"], index, piece)).status_code == 200
    await uploading.complete(api, begun["id"], uploading.sha256(data))
    await work()
    query = """
      query ($id: ID!) { uploadSession(id: $id) {
        status purpose video { id } storedObject { fileName fileSize sha256 } } }
    """
    assert (await api.run(query, id=begun["id"]))["uploadSession"] == {
        "status": "COMPLETED",
        "purpose": "OBJECT",
        "video": None,
        "storedObject": {
            "fileName": "data.bin",
            "fileSize": 200_000,
            "sha256": uploading.sha256(data),
        },
    }


async def test_a_deleted_object_goes_with_the_last_who_has_it(
    api: Api, stranger: Api, tools: Tools, services: Services
) -> None:
    data = os.urandom(1_000)
    mine = (await stored(api, data))["storedObject"]
    theirs = (await stored(stranger, data))["storedObject"]
    async with services.db.write() as session:
        content = await objects.sound(session, sha256=uploading.sha256(data), size=len(data))
    assert content is not None

    assert await delete(api, mine["id"]) == {"deletedIds": [mine["id"]], "userErrors": []}
    assert (await api.run("{ viewer { storageUsed } }"))["viewer"] == {"storageUsed": 0}
    assert await collected(tools) == 0
    assert (await services.store.stat(content.key)).size == 1_000

    await delete(stranger, theirs["id"])
    assert await maintenance.collect(tools) == 0  # whoever reads it now may finish
    assert await collected(tools) == 2
    with pytest.raises(FileNotFoundError):
        await services.store.stat(content.key)


async def test_another_accounts_delete_does_not_stop_a_video(
    api: Api, stranger: Api, tools: Tools, work: Work, small_film: bytes
) -> None:
    mine = (await stored(api, small_film))["storedObject"]
    taken = (await take_over(stranger, small_film))["video"]["id"]
    await work()
    assert (await delete(api, mine["id"]))["userErrors"] == []
    await collected(tools)
    shown = (await stranger.run(VIDEO, id=taken))["node"]
    playlist = (await stranger.http.get(shown["playback"]["hlsUrl"])).text.splitlines()
    place = shown["playback"]["hlsUrl"].rpartition("/")[0]
    (first, *_) = [line for line in playlist if line and not line.startswith("#")]
    assert (await stranger.http.get(f"{place}/{first}")).status_code == 200


async def test_an_object_that_a_video_needs_stays(api: Api, small_film: bytes) -> None:
    kept = (await stored(api, small_film))["storedObject"]
    other = (await stored(api, os.urandom(10)))["storedObject"]
    await create(api, kept["storageId"])
    refused = await delete(api, other["id"], kept["id"])
    assert refused == {
        "deletedIds": [],
        "userErrors": [
            {
                "code": "OBJECT_IN_USE",
                "message": "A video is made of this object.",
                "path": ["ids"],
            }
        ],
    }
    assert (await delete(api, other["id"]))["userErrors"] == []  # it had stayed, too


@pytest.mark.parametrize(
    ("steps", "stays"),
    [
        ([as_video], False),
        ([as_video, as_video], False),
        ([by_request, as_video], True),
        ([as_video, by_request], True),
        ([by_session, as_video], True),
        ([as_video, by_session], True),
        ([as_video, of_object], True),
        ([by_request, of_object], True),
    ],
)
async def test_what_its_owner_stored_stays_when_its_videos_go(
    api: Api, stranger: Api, work: Work, steps: list[Step], *, stays: bool
) -> None:
    data = os.urandom(1_000)
    await stored(stranger, data)
    made = [await step(api, work, data) for step in steps]
    for id in reversed([one for one in made if one is not None]):
        await trashing.delete(api, id)
        assert trashing.codes(await trashing.purge(api, id)) == [None]
    used = (await api.run("{ viewer { storageUsed } }"))["viewer"]["storageUsed"]
    assert used == (1_000 if stays else 0)
    held = (await api.run(HELD))["storedObjects"]["nodes"]
    assert [one["sha256"] for one in held] == [uploading.sha256(data)][:stays]
    for one in held:
        assert (await delete(api, one["id"]))["userErrors"] == []


async def test_all_that_is_done_with_the_same_bytes_at_once_comes_to_its_end(api: Api) -> None:
    data = os.urandom(100)
    kept = (await stored(api, data))["storedObject"]
    for number in range(10):
        deleted, made, again = await asyncio.gather(
            delete(api, kept["id"]),
            create(api, kept["storageId"], sourceId=str(number), skipAutoTranscode=True),
            stored(api, data),
        )
        codes = {error["code"] for one in (deleted, made, again) for error in one["userErrors"]}
        assert codes <= {"OBJECT_IN_USE", "NOT_FOUND"}
        kept = again["storedObject"]


async def test_more_ids_than_a_batch_may_have_are_refused(api: Api) -> None:
    refused = await delete(api, *(["x"] * 501))
    assert refused["userErrors"][0]["code"] == "LIMIT_EXCEEDED"


async def test_delete_and_instant_upload_at_once_leave_the_bytes_or_no_video(
    api: Api, stranger: Api, tools: Tools, services: Services
) -> None:
    async def race() -> tuple[bytes, bool]:
        """Bytes that one account deletes while another takes them over; whether it got them."""
        data = os.urandom(500)
        mine = (await stored(api, data))["storedObject"]
        challenge = (await check(stranger, data))["challenge"]
        _, payload = await asyncio.gather(
            delete(api, mine["id"]),
            answer(stranger, challenge, proof(challenge, data)),
        )
        return data, payload["video"] is not None

    races = [await race() for _ in range(20)]
    await collected(tools)
    for data, taken in races:
        async with services.db.write() as session:
            content = await objects.sound(session, sha256=uploading.sha256(data), size=500)
        assert (content is not None) == taken
        if content is not None:
            assert (await services.store.stat(content.key)).size == 500
