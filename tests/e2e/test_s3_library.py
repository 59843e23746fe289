"""What is made of videos while all files are in a bucket: nothing is lost there, or left over."""

import asyncio
import os
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from db.embedded import EmbeddedPostgres
from tests.api.test_clips import create as create_clip
from tests.api.test_exports import begin as begin_export
from tests.api.test_exports import state as export_state
from tests.api.test_objects import delete as delete_objects
from tests.api.test_small_uploads import stored
from tests.api.test_splices import create as create_splice
from tests.support import (
    fetching,
    pictures,
    postgres,
    processes,
    s3_house,
    templating,
    trashing,
    uploading,
)
from tests.support.s3_house import FRAMES, House
from tests.support.site import Page, Site
from tests.support.waiting import until

GREEN, BLUE = (0, 255, 1), (0, 0, 254)
PART = 8 << 20
"""Bytes of a part of what is fetched."""
PADDING = 3 * PART
DONE = ("SUCCEEDED", None)

COVER = """
mutation ($id: ID!, $cover: CoverInput) {
  updateVideo(input: {id: $id, cover: $cover}) { coverTask { id } userErrors { code } }
}
"""
CHANGE = "mutation ($id: ID!) { NAME(id: $id) { userErrors { code } } }"
ALL = "{ videos { nodes { id } } storedObjects { nodes { id fileName } } usage { storageUsed } }"


@pytest.fixture(scope="module")
async def house(
    postgres_server: EmbeddedPostgres, open_site: Site, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    url = postgres.create_database(postgres_server, "s3_library")
    loopback = {
        "REELGRAPH_FETCH_PORTS": str(open_site.port),
        "REELGRAPH_FETCH_NETWORKS": "127.0.0.1",
    }
    async with s3_house.opened(tmp_path_factory.mktemp("s3"), url, **loopback) as one:
        yield one


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return s3_house.film(tmp_path_factory.mktemp("film"))


@pytest.fixture(scope="module")
async def video(house: House, film: bytes) -> str:
    return await house.add(film)


async def cover_url(house: House, video: str) -> str:
    return (await house.video(video))["playback"]["coverUrl"]


async def choose(house: House, video: str, **cover: Any) -> tuple[str, bytes]:
    """The link to a cover that was chosen, and what a viewer gets there."""
    payload = (await house.api.run(COVER, id=video, cover=cover))["updateVideo"]
    assert payload["userErrors"] == []
    assert await house.ended(payload["coverTask"]["id"]) == DONE
    url = await cover_url(house, video)
    answer = await house.fetched(url)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "image/jpeg")
    return url, answer.content


async def change(house: House, name: str, id: str) -> None:
    payload = (await house.api.run(CHANGE.replace("NAME", name), id=id))[name]
    assert payload == {"userErrors": []}


async def test_covers_are_made_of_frames_and_of_stored_pictures(
    house: House, video: str, tmp_path: Path
) -> None:
    frame_url, frame = await choose(house, video, atMs=3_000)
    assert pictures.is_near(pictures.middle(pictures.opened(frame)), GREEN)
    large = pictures.make(tmp_path / "large.png", size="800x600").read_bytes()
    sources = await house.objects("sources/")
    kept = (await stored(house.api, large))["storedObject"]
    assert await house.source(kept["sha256"]) == large
    picture_url, picture = await choose(house, video, storageId=kept["storageId"])
    assert (pictures.opened(picture).width, pictures.opened(picture).height) == (800, 600)

    assert (await delete_objects(house.api, kept["id"]))["userErrors"] == []
    await house.collect(timedelta(hours=2))
    assert await house.objects("sources/") == sources
    assert (await house.fetched(frame_url)).content == frame  # its links hold for a day
    await house.collect()
    assert (await house.fetched(frame_url)).status_code == 404
    assert (await house.fetched(picture_url)).content == picture
    assert await house.faults() == []


async def test_the_automatic_cover_comes_back(house: House, video: str) -> None:
    _, chosen = await choose(house, video, atMs=5_000)
    assert pictures.is_near(pictures.middle(pictures.opened(chosen)), BLUE)
    payload = (await house.api.run(COVER, id=video, cover=None))["updateVideo"]
    assert payload == {"coverTask": None, "userErrors": []}
    automatic = await house.fetched(await cover_url(house, video))
    assert automatic.status_code == 200
    assert automatic.content != chosen


async def test_clips_and_splices_are_made_of_what_is_in_the_bucket(
    house: House, video: str
) -> None:
    payload = await create_clip(house.api, video, (0, 5_000))
    assert await house.ended(payload["task"]["id"]) == DONE
    clip = payload["video"]["id"]
    await house.made(clip)
    shown = await house.video(clip)
    assert (shown["status"], shown["sourceKind"]) == ("PUBLISHED", "TRIM")
    file = await house.fetched(shown["playback"]["fileUrl"])
    assert (uploading.sha256(file.content), len(file.content)) == (
        shown["sha256"],
        shown["fileSize"],
    )
    assert s3_house.frames(file.content) == 150

    payload = await create_splice(house.api, clip, video, skipAutoTranscode=True)
    assert payload["userErrors"] == []
    splice = payload["video"]["id"]

    async def has_file() -> bool:
        return (await house.video(splice))["status"] == "PUBLISHED"

    await until(has_file)
    joined = await house.source((await house.video(splice))["sha256"])
    assert s3_house.frames(joined) == 150 + FRAMES


async def test_what_was_there_already_is_fetched_into_the_same_object(
    house: House, video: str, film: bytes, site: Site
) -> None:
    assert (await house.video(video))["status"] == "PUBLISHED"
    await house.collect()
    before = await house.objects()
    id = await fetching.begin(house.api, site.add("/twin.mp4", Page(film)))
    assert await house.ended(id) == DONE
    (row,) = await fetching.rows(house.api, id)
    assert (row["status"], row["video"]["status"]) == ("SUCCEEDED", "PUBLISHED")
    assert row["video"]["sha256"] == uploading.sha256(film)

    async def is_stored_once() -> bool:
        return await house.objects() == before

    await until(is_stored_once)
    await change(house, "deleteFetch", id)
    await trashing.delete(house.api, row["video"]["id"])
    assert trashing.statuses(await trashing.purge(house.api, row["video"]["id"])) == [None]
    await house.collect()
    assert await house.objects() == before  # the other video has all of it


async def test_a_list_goes_on_after_a_pause_where_it_was(
    house: House, film: bytes, site: Site
) -> None:
    large = film + PADDING.to_bytes(4) + b"free" + os.urandom(PADDING - 8)
    page = Page(large, gate=asyncio.Event())
    rows = f"url,title\n{site.add('/film.mp4', page)},Film\n{site.url('/missing.mp4')},\n"
    kept = (await stored(house.api, rows.encode(), "list.csv"))["storedObject"]
    input = {"source": {"csvStorageId": kept["storageId"]}, "skipAutoTranscode": True}
    payload = (await house.api.run(fetching.CREATE, input=input))["createFetch"]
    assert payload["userErrors"] == []
    id = payload["task"]["id"]

    async def row() -> dict[str, Any]:
        return (await fetching.rows(house.api, id))[0]

    async def has_half() -> bool:
        return (await row())["bytesFetched"] == len(large) // 2

    async def rests() -> bool:
        return (await row())["status"] == "QUEUED"

    await until(has_half)
    await change(house, "pauseTask", id)
    await until(rests)
    safe = (await row())["bytesFetched"]
    assert PART < safe <= len(large) // 2
    assert list((await house.objects("uploads/")).values()) == [safe % PART]

    page.gate = None
    await change(house, "resumeTask", id)
    assert await house.ended(id) == ("PARTIAL", None)
    found, missing = await fetching.rows(house.api, id)
    assert (found["status"], found["bytesFetched"]) == ("SUCCEEDED", len(large))
    assert (missing["status"], missing["error"]["code"]) == ("FAILED", "FETCH_FAILED")
    assert site.ranges("/film.mp4") == [None, f"bytes={safe}-"]
    assert await house.source(found["video"]["sha256"]) == large
    assert await house.objects("uploads/") == {}
    await change(house, "deleteFetch", id)


async def test_an_export_is_handed_out_under_its_name(house: House, site: Site) -> None:
    fetch = await fetching.begin(house.api, site.url("/missing.mp4"))
    assert await house.ended(fetch) == ("FAILED", "FETCH_FAILED")
    task = await begin_export(house.api, fetch)
    assert await house.ended(task) == DONE
    file = (await export_state(house.api, task))["file"]
    got = await house.viewer.get(file["downloadUrl"])
    assert (got.status_code, len(got.content)) == (200, file["fileSize"])
    assert uploading.sha256(got.content) == file["sha256"]
    assert got.headers["content-disposition"].startswith('attachment; filename="fetch-rows.csv"')
    asked = await house.viewer.head(file["downloadUrl"])
    assert (asked.status_code, asked.content) == (200, b"")
    for name in ("content-type", "content-length", "content-disposition", "cache-control"):
        assert asked.headers[name] == got.headers[name]

    await house.tools.store.delete(await house.objects("exports/"))
    for method in ("GET", "HEAD"):  # as when somebody tidied the bucket up
        lost = await house.viewer.request(method, file["downloadUrl"])
        assert (lost.status_code, lost.headers["content-type"]) == (404, "application/json")
    await change(house, "deleteFetch", fetch)


async def test_what_a_redo_replaces_goes_when_no_link_to_it_holds(house: House, video: str) -> None:
    master = (await house.video(video))["playback"]["hlsUrl"]

    async def playlist() -> str:
        lines = (await house.viewer.get(master)).text.splitlines()
        (found,) = [line for line in lines if line.endswith("/360P.m3u8")]
        return found

    old = await playlist()
    old_url = master.replace("master.m3u8", old)
    redone = await templating.transcode(house.api, video, templating.built_in(1), redo=True)
    (play_set,) = redone["playSets"]
    assert await house.ended(play_set["task"]["id"]) == DONE
    assert await playlist() != old

    await house.collect(timedelta(hours=23))
    assert (await house.viewer.get(old_url)).status_code == 200
    assert (await house.fetched(old_url.replace(".m3u8", ".mp4"))).status_code == 200
    await house.collect()
    gone = await house.viewer.get(old_url)
    assert (gone.status_code, gone.json()["code"]) == (404, "NOT_FOUND")
    assert [key for key in await house.objects("videos/") if key.endswith(old)] == []
    assert await house.faults() == []


async def test_nothing_is_left_of_what_is_removed_for_good(house: House, video: str) -> None:
    """Also of all that the tests above have made."""
    found = await house.api.run(ALL)
    ids = [one["id"] for one in found["videos"]["nodes"]]
    assert video in ids
    link = (await house.video(video))["playback"]["fileUrl"]
    await trashing.delete(house.api, *ids)
    assert trashing.statuses(await trashing.restore(house.api, video)) == ["PUBLISHED"]
    assert await house.refusal(link) == "LINK_INVALID"
    shown = await house.video(video)
    await house.plays(shown["playback"]["hlsUrl"])
    file = await house.fetched(shown["playback"]["fileUrl"])
    assert uploading.sha256(file.content) == shown["sha256"]

    await trashing.delete(house.api, video)
    assert trashing.statuses(await trashing.purge(house.api, *ids)) == [None] * len(ids)
    kept = [one["id"] for one in (await house.api.run(ALL))["storedObjects"]["nodes"]]
    assert (await delete_objects(house.api, *kept))["userErrors"] == []
    assert await house.api.run(ALL) == {
        "videos": {"nodes": []},
        "storedObjects": {"nodes": []},
        "usage": {"storageUsed": 0},
    }
    before = await house.objects("sources/")
    assert shown["fileSize"] in before.values()
    await house.collect(timedelta(minutes=55))
    assert await house.objects("sources/") == before
    assert await house.faults() == []
    await house.collect(timedelta(minutes=65))
    assert await house.objects() == {}
    assert [one async for one in house.tools.store.uploads()] == []
    await check_all_fits(house)


async def check_all_fits(house: House) -> None:
    assert await house.faults() == []
    command = ("fsck", "--read")
    ended = await asyncio.to_thread(processes.run, *command, **house.server.environment)
    assert (ended.returncode, ended.stdout) == (0, "")
    assert "Traceback" not in house.server.log()
