"""Covers that owners choose for their videos."""

import asyncio
import shutil
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from sqlalchemy import select, update

from db import accounts, objects, runs
from db.models import Content, Event, Garbage, StoredObject, Task, Video
from domain.covers import MAX_FILE_SIZE
from domain.events import EventType
from domain.tasks import TaskKind
from domain.videos import VideoStatus
from jobs import covers, fsck, maintenance
from jobs.runs import Overtaken, Run, Tools
from media.probe import probe
from resolvers.context import Services
from schema import ids
from storage import keys
from tests.api.test_objects import delete as delete_objects
from tests.api.test_small_uploads import stored
from tests.api.test_update_video import change, changed, news
from tests.support import factories, pictures, samples
from tests.support.api import Api, OperationFailed
from tests.support.waiting import until_blocked

Work = Callable[[], Awaitable[None]]

VIDEO = """
query ($id: ID!) {
  video(by: {id: $id}) { status hasOwnCover updatedAt playback { coverUrl } }
}
"""
TASK = """
query ($id: ID!) {
  task(id: $id) {
    __typename status error { code message } video { id }
    ... on CoverTask { atMs storedObject { storageId } }
  }
}
"""
RETRY = """
mutation ($id: ID!) {
  retryTask(id: $id) {
    task { status } userErrors { code ... on InvalidStateError { currentState } }
  }
}
"""
RED, GREEN, BLUE = (254, 0, 0), (0, 255, 1), (0, 0, 254)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pictures")


@pytest.fixture(scope="module")
def film(folder: Path) -> Path:
    """Red for a second, then green, then blue."""
    return pictures.colored(folder / "film.mp4")


async def playable(
    services: Services, owner: factories.Owner, status: VideoStatus = VideoStatus.PUBLISHED
) -> str:
    """A video with a play set, whose file nobody needs, and an automatic cover."""
    row = await factories.video(services.db, owner.account, status=status)
    place = keys.attempt(row.content_id or uuid4(), uuid4(), 1)
    await factories.ready_play_set(services.db, row, playlist_key=f"{place}360p.m3u8")
    async with services.db.write() as session:
        poster = f"{place}poster.jpg"
        await session.execute(update(Video).where(Video.id == row.id).values(poster_key=poster))
    return ids.encode("Video", row.id)


@pytest.fixture
async def video(services: Services, owner: factories.Owner) -> str:
    return await playable(services, owner)


async def with_file(services: Services, video: str, file: Path, tmp_path: Path) -> str:
    """Give a video this file, as if it had been uploaded."""
    source = await probe(file)
    async with services.db.write() as session:
        row = await session.get_one(Video, ids.decode(video, "Video"))
        content = await session.get_one(Content, row.content_id)
        row.source, row.duration_ms = source.to_json(), source.duration_ms
    copy = shutil.copy(file, tmp_path / uuid4().hex)
    await services.store.put_file(content.key, Path(copy), "video/mp4")
    return video


async def put(api: Api, data: bytes, name: str = "cover") -> str:
    """The storage id of a picture of the caller's."""
    return (await stored(api, data, name))["storedObject"]["storageId"]


async def chosen(api: Api, video: str, **cover: Any) -> str:
    """The id of the task that makes the cover."""
    payload = await change(api, video, cover=cover)
    assert payload["userErrors"] == []
    assert payload["coverTask"]["status"] == "QUEUED"
    return payload["coverTask"]["id"]


async def shown(api: Api, video: str) -> dict[str, Any]:
    return (await api.run(VIDEO, id=video))["video"]


async def task_of(api: Api, id: str) -> dict[str, Any]:
    return (await api.run(TASK, id=id))["task"]


async def fetched(api: Api, video: str) -> bytes:
    """The cover as viewers get it."""
    url = (await shown(api, video))["playback"]["coverUrl"]
    answer = await api.http.get(url)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    assert answer.headers["x-content-type-options"] == "nosniff"
    return answer.content


async def cover_key(services: Services, video: str) -> str | None:
    async with services.db.read() as session:
        wanted = select(Video.cover_key).where(Video.id == ids.decode(video, "Video"))
        return await session.scalar(wanted)


async def left(services: Services, video: str) -> list[str]:
    """What the store has of all that was made for this video's content."""
    async with services.db.read() as session:
        row = await session.get_one(Video, ids.decode(video, "Video"))
    found = services.store.list(keys.media(row.content_id or uuid4()))
    return [one.key async for one in found]


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
    assert await news(services) == []
    await work()
    after = await shown(api, video)
    assert ((await task_of(api, task))["status"], after["hasOwnCover"]) == ("SUCCEEDED", True)
    assert after["updatedAt"] > before["updatedAt"]
    frame = pictures.opened(await fetched(api, video))
    assert (frame.width, frame.height) == (1920, 1280)
    assert await news(services) == [EventType.VIDEO_UPDATED]
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
    former, told = await cover_key(services, video), await news(services)
    task = await chosen(api, video, storageId=await put(api, make(folder / "hostile")))
    await work()
    found = await task_of(api, task)
    assert (found["status"], found["error"]["code"]) == ("FAILED", "MEDIA_REFUSED")
    assert sentence in found["error"]["message"]
    assert await cover_key(services, video) == former
    assert (await left(services, video), await news(services)) == ([former], told)


@pytest.mark.parametrize(
    ("at_ms", "color"),
    [(0, RED), (980, RED), (1_000, GREEN), (1_980, GREEN), (2_000, BLUE), (3_000, BLUE)],
)
async def test_a_moment_of_the_video_becomes_the_cover(
    api: Api,
    services: Services,
    work: Work,
    video: str,
    film: Path,
    tmp_path: Path,
    at_ms: int,
    color: pictures.Rgb,
) -> None:
    await with_file(services, video, film, tmp_path)
    task = await chosen(api, video, atMs=at_ms)
    await work()
    found = await task_of(api, task)
    assert (found["status"], found["atMs"], found["storedObject"]) == ("SUCCEEDED", at_ms, None)
    frame = pictures.opened(await fetched(api, video))
    assert (frame.width, frame.height) == (320, 180)
    assert pictures.is_near(pictures.middle(frame), color)
    assert await news(services) == [EventType.VIDEO_UPDATED]


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("rotated.mp4", (360, 640)),
        ("anamorphic.mp4", (1024, 576)),
        ("hdr.mp4", (640, 360)),
        ("transport_stream.ts", (640, 360)),
        ("variable_frame_rate.mp4", (640, 360)),
    ],
)
async def test_a_moment_is_shown_as_players_show_it(
    api: Api,
    services: Services,
    work: Work,
    video: str,
    folder: Path,
    tmp_path: Path,
    name: str,
    size: tuple[int, int],
) -> None:
    await with_file(services, video, samples.sample(folder, name), tmp_path)
    await chosen(api, video, atMs=1_500)
    await work()
    frame = pictures.opened(await fetched(api, video))
    assert (frame.width, frame.height) == size


async def test_a_large_video_has_a_smaller_cover(
    api: Api, services: Services, work: Work, video: str, folder: Path, tmp_path: Path
) -> None:
    large = samples.make(folder / "large.mp4", size="2560x1440", seconds=1, audio=False)
    await with_file(services, video, large, tmp_path)
    await chosen(api, video, atMs=0)
    await work()
    frame = pictures.opened(await fetched(api, video))
    assert (frame.width, frame.height) == (1920, 1080)


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
    assert await news(services) == [EventType.VIDEO_UPDATED]


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
    told = await news(services)
    await changed(api, video, cover={"automatic": True})
    assert (await news(services), told) == (told, [EventType.VIDEO_UPDATED] * 4)


async def test_text_and_cover_change_together(
    api: Api, services: Services, work: Work, video: str, folder: Path
) -> None:
    picture = await put(api, pictures.make(folder / "c.png").read_bytes())
    payload = await change(api, video, title="Both", cover={"storageId": picture})
    assert (payload["video"]["title"], payload["coverTask"]["status"]) == ("Both", "QUEUED")
    assert await news(services) == [EventType.VIDEO_UPDATED]
    await work()
    assert await news(services) == [EventType.VIDEO_UPDATED] * 2  # and now the cover


async def test_the_former_cover_goes_when_links_to_it_are_over(
    api: Api, services: Services, tools: Tools, work: Work, video: str, folder: Path
) -> None:
    picture = await put(api, pictures.make(folder / "d.png").read_bytes())
    await chosen(api, video, storageId=picture)
    await work()
    url = (await shown(api, video))["playback"]["coverUrl"]
    await chosen(api, video, storageId=picture)
    await work()
    assert (await api.http.get(url)).status_code == 200
    await maintenance.collect(tools, now=datetime.now(UTC) + timedelta(hours=23))
    assert len(await left(services, video)) == 2
    assert await faults(tools, video, services) == []
    await maintenance.collect(tools, now=datetime.now(UTC) + timedelta(hours=25))
    assert await left(services, video) == [await cover_key(services, video)]
    assert await faults(tools, video, services) == []
    await changed(api, video, cover=None)
    await maintenance.collect(tools, now=datetime.now(UTC) + timedelta(hours=25))
    assert await left(services, video) == []


async def faults(tools: Tools, video: str, services: Services) -> list[tuple[str, str]]:
    """What does not fit of all covers of this video's content."""
    async with services.db.read() as session:
        row = await session.get_one(Video, ids.decode(video, "Video"))
    later = datetime.now(UTC) + timedelta(hours=2)
    place = keys.media(row.content_id or uuid4())
    return [
        (one.fault.value, one.subject)
        async for one in fsck.check(tools, repair=False, read=False, now=later)
        if one.subject.startswith(place) and one.subject.endswith("/cover.jpg")
    ]


async def test_a_cover_that_others_show_stays(
    api: Api,
    services: Services,
    owner: factories.Owner,
    tools: Tools,
    work: Work,
    video: str,
    folder: Path,
) -> None:
    picture = await put(api, pictures.make(folder / "e.png").read_bytes())
    await chosen(api, video, storageId=picture)
    await work()
    shared = await cover_key(services, video)
    other = await playable(services, owner)
    async with services.db.write() as session:
        row = await session.get_one(Video, ids.decode(video, "Video"))
        values = {"cover_key": shared, "content_id": row.content_id}
        one = Video.id == ids.decode(other, "Video")
        await session.execute(update(Video).where(one).values(values))
    await changed(api, video, cover=None)
    await maintenance.collect(tools, now=datetime.now(UTC) + timedelta(hours=25))
    assert await left(services, other) == [shared]
    assert (await faults(tools, other, services), await fetched(api, other))[0] == []
    await changed(api, other, cover=None)
    await maintenance.collect(tools, now=datetime.now(UTC) + timedelta(hours=25))
    assert await left(services, other) == []


async def test_a_cover_that_is_missing_is_found(
    api: Api, services: Services, tools: Tools, work: Work, video: str, folder: Path
) -> None:
    await chosen(api, video, storageId=await put(api, pictures.make(folder / "f.png").read_bytes()))
    await work()
    key = await cover_key(services, video)
    assert key is not None
    await services.store.delete([key])
    assert await faults(tools, video, services) == [("missing", key)]


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
    assert (await left(services, video), await news(services)) == ([], [])


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


async def run_of(tools: Tools, id: str) -> Run:
    async with tools.db.write() as session:
        task = await runs.claim(session, ids.decode(id, "CoverTask"), worker="here:1")
    assert task is not None
    return Run(tools, task)


async def test_a_run_that_was_overtaken_leaves_nothing(
    api: Api, services: Services, tools: Tools, work: Work, video: str, folder: Path
) -> None:
    picture = await put(api, pictures.make(folder / "i.png").read_bytes())
    task = await chosen(api, video, storageId=picture)
    frozen = await run_of(tools, task)
    await work()
    winner = await cover_key(services, video)
    with pytest.raises(Overtaken):
        await covers.make(frozen)
    assert await left(services, video) == [winner]
    assert await news(services) == [EventType.VIDEO_UPDATED]


async def test_what_a_killed_run_left_goes(
    api: Api, services: Services, tools: Tools, work: Work, video: str, folder: Path, tmp_path: Path
) -> None:
    task = await chosen(
        api, video, storageId=await put(api, pictures.make(folder / "j.png").read_bytes())
    )
    killed = await run_of(tools, task)
    row = await content_of(services, video)
    prefix = keys.attempt(row, killed.task.id, 1)
    draft = tmp_path / "draft"
    draft.write_bytes(b"half")
    await services.store.put_file(f"{prefix}cover.jpg", draft, "image/jpeg")
    await work()
    assert await left(services, video) == [await cover_key(services, video)]
    async with services.db.read() as session:
        assert (await session.scalars(select(Garbage.key))).all() == []


async def content_of(services: Services, video: str) -> UUID:
    """The content that the video is made of."""
    async with services.db.read() as session:
        row = await session.get_one(Video, ids.decode(video, "Video"))
    assert row.content_id is not None
    return row.content_id


BIN = """
mutation ($ids: [ID!]!) {
  deleteVideos(ids: $ids) { changedCount }
}
"""


async def test_a_cover_waits_for_a_video_in_the_bin(
    api: Api, work: Work, services: Services, video: str, film: Path, tmp_path: Path
) -> None:
    await with_file(services, video, film, tmp_path)
    task = await chosen(api, video, atMs=1_500)
    await api.run(BIN, ids=[video])
    await work()
    assert (await task_of(api, task))["status"] == "CANCELLED"
    (error,) = (await change(api, video, cover={"atMs": 0}))["userErrors"]
    assert (error["code"], error["currentState"]) == ("INVALID_STATE", "DELETED")
    await api.run(BIN.replace("delete", "restore"), ids=[video])
    await work()
    assert (await task_of(api, task))["status"] == "SUCCEEDED"
    assert pictures.is_near(pictures.middle(pictures.opened(await fetched(api, video))), GREEN)


async def test_a_cover_goes_with_its_video(
    api: Api, services: Services, tools: Tools, work: Work, video: str, folder: Path
) -> None:
    await chosen(api, video, storageId=await put(api, pictures.make(folder / "l.png").read_bytes()))
    await work()
    place = keys.media(await content_of(services, video))
    assert len(await left(services, video)) == 1
    await api.run(BIN, ids=[video])
    await api.run(BIN.replace("delete", "purge"), ids=[video])
    await maintenance.collect(tools, now=datetime.now(UTC) + timedelta(hours=2))
    assert [one.key async for one in services.store.list(place)] == []


async def test_a_cover_that_fails_does_not_fail_the_video(
    api: Api, services: Services, owner: factories.Owner, work: Work
) -> None:
    row = await factories.video(services.db, owner.account)  # nothing is being made of it yet
    video = ids.encode("Video", row.id)
    await chosen(api, video, storageId=await put(api, b"no picture"))
    await work()
    assert (await shown(api, video))["status"] == "PROCESSING"
    assert await news(services) == []


ABSENT: dict[str, dict[str, Any]] = {
    "initial": {"status": VideoStatus.INITIAL, "content_id": None, "source": None},
    "simulated": {"simulation": {}, "content_id": None, "source": None, "duration_ms": None},
    "failed": {"status": VideoStatus.UPLOAD_FAILED, "content_id": None},
    "not probed": {"status": VideoStatus.PROCESSING, "source": None, "duration_ms": None},
}


@pytest.mark.parametrize("name", ABSENT)
async def test_a_video_without_a_file_shows_no_moment(
    api: Api, services: Services, video: str, name: str
) -> None:
    async with services.db.write() as session:
        await session.execute(update(Video).values(ABSENT[name]))
    payload = await change(api, video, title="Not this", cover={"atMs": 0})
    (error,) = payload["userErrors"]
    assert (error["code"], error["path"]) == ("INVALID_STATE", ["cover"])
    assert await nothing_was_made(services)


async def test_a_damaged_file_shows_no_moment(api: Api, services: Services, video: str) -> None:
    async with services.db.write() as session:
        await session.execute(update(Content).values(damaged_at=factories.EPOCH))
    (error,) = (await change(api, video, cover={"atMs": 0}))["userErrors"]
    assert error["code"] == "INVALID_STATE"


@pytest.mark.parametrize("at_ms", [-1, 4_001, 2**31 - 1])
async def test_a_moment_is_within_the_video(
    api: Api, services: Services, video: str, at_ms: int
) -> None:
    (error,) = (await change(api, video, title="Not this", cover={"atMs": at_ms}))["userErrors"]
    assert (error["code"], error["path"]) == ("INVALID_ARGUMENT", ["cover", "atMs"])
    assert await nothing_was_made(services)


async def nothing_was_made(services: Services) -> bool:
    async with services.db.read() as session:
        covers = await session.scalars(select(Task.id).where(Task.kind == TaskKind.COVER))
        events = await session.scalars(select(Event.id))
        titles = await session.scalars(select(Video.title))
        return (covers.all(), events.all(), titles.all()) == ([], [], ["A video"])


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


async def test_the_choice_is_one_that_can_be(api: Api, services: Services, video: str) -> None:
    (error,) = (await change(api, video, cover={"automatic": False}))["userErrors"]
    assert (error["code"], error["path"]) == ("INVALID_ARGUMENT", ["cover", "automatic"])
    for wrong in ({}, {"automatic": True, "atMs": 0}, {"storageId": None}):
        with pytest.raises(OperationFailed) as refused:
            await change(api, video, cover=wrong)
        assert refused.value.codes == ["BAD_USER_INPUT"]
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
