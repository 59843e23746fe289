"""Pictures that become covers, and those that do not."""

import asyncio
from pathlib import Path

import pytest
from sqlalchemy import select

from db import accounts, objects
from db.models import StoredObject
from domain.covers import MAX_FILE_SIZE
from domain.events import EventType
from jobs import covers
from jobs.runs import Tools
from resolvers.context import Services
from schema import ids
from tests.support import factories, pictures
from tests.support.api import Api, OperationFailed
from tests.support.covering import (
    RED,
    RETRY,
    chosen,
    cover_key,
    fetched,
    left,
    nothing_was_made,
    put,
    run_of,
    shown,
    task_of,
)
from tests.support.storing import delete as delete_objects
from tests.support.storing import stored
from tests.support.tables import events
from tests.support.updating import change
from tests.support.waiting import until_blocked
from tests.support.work import Work


async def test_a_picture_becomes_the_cover(
    api: Api, services: Services, work: Work, video: str, folder: Path
) -> None:
    picture = pictures.make(folder / "large.png", size="3000x2000").read_bytes()
    before, storage_id = await shown(api, video), await put(api, picture)
    task = await chosen(api, video, storageId=storage_id)
    assert await task_of(api, task) == {
        "__typename": "CoverTask",
        "status": "QUEUED",
        "error": None,
        "video": {"id": video},
        "atMs": None,
        "storedObject": {"storageId": storage_id},
    }
    meanwhile = await shown(api, video)  # whose links may end a second later
    assert {**meanwhile, "playback": before["playback"]} == before
    assert await events(services.db) == []
    await work()
    after = await shown(api, video)
    assert ((await task_of(api, task))["status"], after["hasOwnCover"]) == ("SUCCEEDED", True)
    assert after["updatedAt"] > before["updatedAt"]
    frame = pictures.opened(await fetched(api, video))
    assert (frame.width, frame.height) == (1920, 1280)
    assert await events(services.db) == [EventType.VIDEO_UPDATED]
    assert await left(services, video) == [await cover_key(services, video)]


@pytest.mark.parametrize("kind", ["jpg", "png", "webp", "gif", "bmp"])
async def test_pictures_of_all_kinds_are_taken(
    api: Api, work: Work, video: str, folder: Path, kind: str
) -> None:
    picture = pictures.make(folder / f"small.{kind}", size="642x364").read_bytes()
    task = await chosen(api, video, storageId=await put(api, picture, "it.is.not.what.its.name"))
    await work()
    assert (await task_of(api, task))["error"] is None
    frame = pictures.opened(await fetched(api, video))
    assert (frame.width, frame.height) == (642, 364)


@pytest.mark.parametrize("kind", ["png", "webp", "gif"])
async def test_of_moving_pictures_the_first_one_is_shown(
    api: Api, work: Work, video: str, folder: Path, kind: str
) -> None:
    picture = pictures.moving(folder / f"moving.{kind}").read_bytes()
    await chosen(api, video, storageId=await put(api, picture))
    await work()
    assert pictures.is_near(pictures.middle(pictures.opened(await fetched(api, video))), RED)


async def test_a_picture_is_shown_upright_and_on_white(
    api: Api, work: Work, video: str, folder: Path
) -> None:
    turned = pictures.lying(folder / "turned.jpg").read_bytes()
    await chosen(api, video, storageId=await put(api, turned))
    await work()
    frame = pictures.opened(await fetched(api, video))
    assert (frame.width, frame.height) == (180, 320)
    glass = pictures.transparent(folder / "glass.png").read_bytes()
    await chosen(api, video, storageId=await put(api, glass))
    await work()
    frame = pictures.opened(await fetched(api, video))
    assert pictures.is_near(pictures.middle(frame), (255, 255, 255))


async def test_nothing_but_the_picture_is_served(
    api: Api, work: Work, video: str, folder: Path
) -> None:
    said = ("-metadata", "comment=taken at home")
    picture = pictures.make(folder / "polyglot.jpg", options=said).read_bytes()
    await chosen(api, video, storageId=await put(api, picture + pictures.SCRIPT))
    await work()
    served = await fetched(api, video)
    assert (served[:2], served[-2:]) == (b"\xff\xd8", b"\xff\xd9")
    assert b"script" not in served
    assert b"home" not in served


@pytest.mark.parametrize("name", pictures.HOSTILE)
async def test_what_is_no_picture_is_refused(
    api: Api, services: Services, work: Work, video: str, folder: Path, name: str
) -> None:
    make, sentence = pictures.HOSTILE[name]
    await chosen(api, video, storageId=await put(api, pictures.make(folder / "a.png").read_bytes()))
    await work()
    former, told = await cover_key(services, video), await events(services.db)
    task = await chosen(api, video, storageId=await put(api, make(folder / "hostile")))
    await work()
    found = await task_of(api, task)
    assert (found["status"], found["error"]["code"]) == ("FAILED", "MEDIA_REFUSED")
    assert sentence in found["error"]["message"]
    assert await cover_key(services, video) == former
    assert (await left(services, video), await events(services.db)) == ([former], told)


async def test_the_picture_itself_may_go_afterwards(
    api: Api, work: Work, video: str, folder: Path
) -> None:
    kept = (await stored(api, pictures.make(folder / "g.png").read_bytes()))["storedObject"]
    task = await chosen(api, video, storageId=kept["storageId"])
    await work()
    assert (await delete_objects(api, kept["id"]))["deletedIds"] == [kept["id"]]
    assert pictures.opened(await fetched(api, video)).width == 640
    assert (await task_of(api, task))["storedObject"] is None


async def test_a_picture_that_goes_before_is_not_found(
    api: Api, services: Services, work: Work, video: str, folder: Path
) -> None:
    kept = (await stored(api, pictures.make(folder / "h.png").read_bytes()))["storedObject"]
    task = await chosen(api, video, storageId=kept["storageId"])
    await delete_objects(api, kept["id"])
    await work()
    found = await task_of(api, task)
    assert (found["status"], found["error"]["code"]) == ("FAILED", "NOT_FOUND")
    (error,) = (await api.run(RETRY, id=task))["retryTask"]["userErrors"]
    assert error == {"code": "INVALID_STATE", "currentState": "DELETED"}
    assert (await left(services, video), await events(services.db)) == ([], [])


async def test_a_picture_that_goes_while_it_is_chosen_is_not_found(
    api: Api, services: Services, owner: factories.Owner, video: str, folder: Path
) -> None:
    kept = (await stored(api, pictures.make(folder / "k.png").read_bytes()))["storedObject"]
    async with services.db.write() as session:
        key = ids.decode(kept["id"], "StoredObject")
        assert (await objects.release(session, owner.account.id, [key])).ids == [key]
        choosing = asyncio.create_task(change(api, video, cover={"storageId": kept["storageId"]}))
        await until_blocked(services.db)
    (error,) = (await choosing)["userErrors"]
    assert (error["code"], error["path"]) == ("NOT_FOUND", ["cover", "storageId"])


async def test_nobody_waits_in_a_circle_for_a_picture_that_goes(
    api: Api,
    services: Services,
    tools: Tools,
    owner: factories.Owner,
    video: str,
    folder: Path,
) -> None:
    kept = (await stored(api, pictures.make(folder / "l.png").read_bytes()))["storedObject"]
    task = await chosen(api, video, storageId=kept["storageId"])
    run = await run_of(tools, task)
    async with services.db.write() as session:
        await accounts.lock(session, owner.account.id)
        key = ids.decode(kept["id"], "StoredObject")
        await session.execute(
            select(StoredObject.id).where(StoredObject.id == key).with_for_update()
        )
        making = asyncio.create_task(covers.make(run))
        await until_blocked(services.db)
        assert (await objects.release(session, owner.account.id, [key])).ids == [key]
    await making
    assert (await shown(api, video))["hasOwnCover"] is True
    found = await task_of(api, task)
    assert (found["status"], found["storedObject"]) == ("SUCCEEDED", None)


async def test_a_large_file_is_no_picture(
    api: Api, services: Services, owner: factories.Owner, video: str
) -> None:
    async with services.db.write() as session:
        for size in (MAX_FILE_SIZE, MAX_FILE_SIZE + 1):
            content = await objects.store(session, sha256=f"{size:064}", key=f"s/{size}", size=size)
            new = objects.NewObject(owner.account.id, None, "image/png")
            kept = await objects.hold(session, content, new)
    (error,) = (await change(api, video, cover={"storageId": kept.storage_id}))["userErrors"]
    assert (error["code"], error["path"]) == ("LIMIT_EXCEEDED", ["cover", "storageId"])
    assert (error["limit"], error["actual"]) == (MAX_FILE_SIZE, MAX_FILE_SIZE + 1)
    assert await nothing_was_made(services)


async def test_pictures_and_work_of_others_are_not_there(
    api: Api, stranger: Api, anonymous: Api, services: Services, video: str, folder: Path
) -> None:
    data = pictures.make(folder / "k.png").read_bytes()
    theirs = await put(stranger, data)
    for wrong in (theirs, "nobody", "", "\0"):
        payload = await change(api, video, title="Not this", cover={"storageId": wrong})
        (error,) = payload["userErrors"]
        assert (error["code"], error["path"]) == ("NOT_FOUND", ["cover", "storageId"])
        assert error["ids"] == [wrong]
    assert await nothing_was_made(services)
    task = await chosen(api, video, storageId=await put(api, data))
    query = "query ($id: ID!) { task(id: $id) { id } node(id: $id) { id } }"
    assert await stranger.run(query, id=task) == {"task": None, "node": None}
    with pytest.raises(OperationFailed) as refused:
        await anonymous.run(query, id=task)
    assert refused.value.codes == ["UNAUTHENTICATED"] * 2
