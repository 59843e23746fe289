"""One choice of a cover after another, and what becomes of the video meanwhile."""

import asyncio
from pathlib import Path

import pytest

from domain.events import EventType
from resolvers.context import Services
from schema import ids
from tests.support import factories, pictures, trashing
from tests.support.api import Api, OperationFailed
from tests.support.covering import (
    GREEN,
    RED,
    RETRY,
    chosen,
    cover_key,
    fetched,
    left,
    nothing_was_made,
    put,
    shown,
    task_of,
    with_file,
)
from tests.support.tables import events
from tests.support.updating import change, changed
from tests.support.work import Work


async def test_the_last_choice_wins(
    api: Api, services: Services, work: Work, video: str, film: Path, tmp_path: Path
) -> None:
    await with_file(services, video, film, tmp_path)
    first, second = await chosen(api, video, atMs=0), await chosen(api, video, atMs=1_500)
    await work()
    found = await task_of(api, first)
    assert (found["status"], found["error"]["code"]) == ("CANCELLED", "CANCELLED")
    assert (await task_of(api, second))["status"] == "SUCCEEDED"
    assert pictures.is_near(pictures.middle(pictures.opened(await fetched(api, video))), GREEN)
    assert await events(services.db) == [EventType.VIDEO_UPDATED]


async def test_of_many_choices_at_once_one_is_made(
    api: Api, services: Services, work: Work, video: str, film: Path, tmp_path: Path
) -> None:
    await with_file(services, video, film, tmp_path)
    made = await asyncio.gather(*(chosen(api, video, atMs=at) for at in range(5)))
    await work()
    states = [(await task_of(api, one))["status"] for one in made]
    assert sorted(states) == ["CANCELLED"] * 4 + ["SUCCEEDED"]
    assert await left(services, video) == [await cover_key(services, video)]


async def test_the_automatic_cover_can_be_had_again(
    api: Api, services: Services, work: Work, video: str, folder: Path
) -> None:
    poster = (await shown(api, video))["playback"]["coverUrl"].rpartition("/")[2]
    picture = await put(api, pictures.make(folder / "b.png").read_bytes())
    for nothing in ({"automatic": True}, None):
        await chosen(api, video, storageId=picture)
        await work()
        await chosen(api, video, storageId=picture)  # does not come any more
        payload = await change(api, video, cover=nothing)
        assert (payload["coverTask"], payload["userErrors"]) == (None, [])
        await work()
        found = await shown(api, video)
        assert found["hasOwnCover"] is False
        assert found["playback"]["coverUrl"].rpartition("/")[2] == poster == "poster.jpg"
    told = await events(services.db)
    await changed(api, video, cover={"automatic": True})
    assert (await events(services.db), told) == (told, [EventType.VIDEO_UPDATED] * 4)


async def test_text_and_cover_change_together(
    api: Api, services: Services, work: Work, video: str, folder: Path
) -> None:
    picture = await put(api, pictures.make(folder / "c.png").read_bytes())
    payload = await change(api, video, title="Both", cover={"storageId": picture})
    assert (payload["video"]["title"], payload["coverTask"]["status"]) == ("Both", "QUEUED")
    assert await events(services.db) == [EventType.VIDEO_UPDATED]
    await work()
    assert await events(services.db) == [EventType.VIDEO_UPDATED] * 2  # and now the cover


async def test_a_choice_that_was_cancelled_can_be_taken_up_again(
    api: Api, work: Work, services: Services, video: str, film: Path, tmp_path: Path
) -> None:
    await with_file(services, video, film, tmp_path)
    first, second = await chosen(api, video, atMs=0), await chosen(api, video, atMs=1_500)
    (error,) = (await api.run(RETRY, id=first))["retryTask"]["userErrors"]
    assert error == {"code": "INVALID_STATE", "currentState": "MADE_BY_ANOTHER"}
    await work()
    retried = (await api.run(RETRY, id=first))["retryTask"]
    assert retried == {"task": {"status": "QUEUED"}, "userErrors": []}
    await work()
    assert (await task_of(api, second))["status"] == "SUCCEEDED"
    assert pictures.is_near(pictures.middle(pictures.opened(await fetched(api, video))), RED)


async def test_a_cover_waits_for_a_video_in_the_bin(
    api: Api, work: Work, services: Services, video: str, film: Path, tmp_path: Path
) -> None:
    await with_file(services, video, film, tmp_path)
    task = await chosen(api, video, atMs=1_500)
    await trashing.delete(api, video)
    await work()
    assert (await task_of(api, task))["status"] == "CANCELLED"
    (error,) = (await change(api, video, cover={"atMs": 0}))["userErrors"]
    assert (error["code"], error["currentState"]) == ("INVALID_STATE", "DELETED")
    await trashing.restore(api, video)
    await work()
    assert (await task_of(api, task))["status"] == "SUCCEEDED"
    assert pictures.is_near(pictures.middle(pictures.opened(await fetched(api, video))), GREEN)


async def test_a_cover_that_fails_does_not_fail_the_video(
    api: Api, services: Services, owner: factories.Owner, work: Work
) -> None:
    row = await factories.video(services.db, owner.account)  # nothing is being made of it yet
    video = ids.encode("Video", row.id)
    await chosen(api, video, storageId=await put(api, b"no picture"))
    await work()
    assert (await shown(api, video))["status"] == "PROCESSING"
    assert await events(services.db) == []


async def test_the_choice_is_one_that_can_be(api: Api, services: Services, video: str) -> None:
    (error,) = (await change(api, video, cover={"automatic": False}))["userErrors"]
    assert (error["code"], error["path"]) == ("INVALID_ARGUMENT", ["cover", "automatic"])
    for wrong in ({}, {"automatic": True, "atMs": 0}, {"storageId": None}):
        with pytest.raises(OperationFailed) as refused:
            await change(api, video, cover=wrong)
        assert refused.value.codes == ["BAD_USER_INPUT"]
    assert await nothing_was_made(services)
