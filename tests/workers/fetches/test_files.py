"""Files are fetched from URLs and become videos: once each, whatever the other server does."""

import asyncio
from collections.abc import Callable
from dataclasses import replace

import pytest

from db.models import Task, UploadSession, Video
from domain.tasks import TaskKind
from domain.videos import SourceKind, VideoStatus
from outbound.client import Client
from schema import ids
from tests.support import fetching, uploading
from tests.support.fetch_house import House
from tests.support.site import Page, Site
from tests.support.templating import category
from tests.support.waiting import until


async def test_a_url_becomes_a_video(house: House, site: Site, clip: bytes) -> None:
    url = site.add("/films/a%20b.mp4?key=secret", Page(clip))
    id = await fetching.begin(house.api, url)
    await house.work()
    found = await fetching.state(house.api, id)
    (row,) = found["items"]["nodes"]
    assert (found["status"], found["progress"], found["successCount"]) == ("SUCCEEDED", 1.0, 1)
    assert (row["status"], row["bytesFetched"], row["progress"]) == ("SUCCEEDED", len(clip), 1.0)
    assert (row["url"], row["error"], row["failures"]) == (url, None, 0)
    assert row["finishedAt"] <= found["finishedAt"]
    video = row["video"]
    assert (video["title"], video["sha256"]) == ("a b.mp4", uploading.sha256(clip))
    (stored,) = await house.all(Video)
    assert (stored.source_kind, stored.vid) == (SourceKind.FETCH, video["vid"])
    (upload,) = await house.all(UploadSession)
    assert (upload.device_type, upload.content_type) == ("FETCH", "application/octet-stream")
    assert await house.held() == []


HARD: dict[str, Callable[[bytes], Page]] = {
    "without ranges": lambda body: Page(body, ranges=False),
    "without a length": lambda body: Page(body, length=False),
    "without a length, cut": lambda body: Page(body, length=False, ranges=False),
}


@pytest.mark.parametrize("name", HARD)
async def test_servers_that_say_little(house: House, site: Site, clip: bytes, name: str) -> None:
    id = await fetching.begin(house.api, site.add("/a.mp4", HARD[name](clip)))
    await house.work()
    (row,) = await fetching.rows(house.api, id)
    assert (row["status"], row["fileSize"]) == ("SUCCEEDED", len(clip))
    assert row["video"]["sha256"] == uploading.sha256(clip)


async def test_a_redirect_is_followed(house: House, site: Site, clip: bytes) -> None:
    site.add("/there.mp4", Page(clip))
    page = Page(status="302 Found", headers={"Location": site.url("/there.mp4")})
    id = await fetching.begin(house.api, site.add("/here", page))
    await house.work()
    (row,) = await fetching.rows(house.api, id)
    assert (row["status"], row["video"]["title"]) == ("SUCCEEDED", "there.mp4")


REFUSED = {
    "a page": (Page(b"<html><body>Sorry</body></html>"), "MEDIA_REFUSED"),
    "nothing": (Page(b""), "MEDIA_REFUSED"),
    "gone": (Page(status="404 Not Found"), "FETCH_FAILED"),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_is_no_video_ends_the_row(house: House, site: Site, name: str) -> None:
    page, code = REFUSED[name]
    id = await fetching.begin(house.api, site.add("/a.mp4", page))
    await house.work()
    found = await fetching.state(house.api, id)
    (row,) = found["items"]["nodes"]
    assert (row["status"], row["error"]["code"], row["failures"]) == ("FAILED", code, 0)
    assert (found["status"], found["failCount"]) == ("FAILED", 1)
    assert found["error"]["code"] == "FETCH_FAILED"
    assert len(site.seen) == 1
    assert await house.held() == []


async def test_one_source_makes_one_video(house: House, site: Site, clip: bytes) -> None:
    items = [{"url": site.add(f"/{one}", Page(clip)), "sourceId": "7"} for one in range(2)]
    id = await fetching.begin_list(house.api, items, sourceType="cms")
    await house.work()
    rows = await fetching.rows(house.api, id)
    assert sorted(one["status"] for one in rows) == ["FAILED", "SUCCEEDED"]
    failed = next(one for one in rows if one["status"] == "FAILED")
    assert failed["error"]["code"] == "DUPLICATE_CONTENT"
    assert rows[0]["video"] == rows[1]["video"]
    assert len(await house.all(Video)) == 1
    asked = len(site.seen)
    again = await fetching.begin_list(house.api, items[:1], sourceType="cms")
    await house.work()
    (row,) = await fetching.rows(house.api, again)
    assert (row["status"], row["error"]["code"]) == ("FAILED", "DUPLICATE_CONTENT")
    assert row["video"] == rows[0]["video"]
    assert len(site.seen) == asked
    assert await house.held() == []


async def test_videos_of_a_fetch_need_not_be_transcoded(
    house: House, site: Site, clip: bytes
) -> None:
    url = site.add("/a.mp4", Page(clip))
    await fetching.begin(house.api, url, skipAutoTranscode=True)
    await house.work()
    (video,) = await house.all(Video)
    assert (video.status, video.skip_auto_transcode) == (VideoStatus.PUBLISHED, True)
    assert {one.kind for one in await house.all(Task)} == {TaskKind.FETCH, TaskKind.VERIFY}


async def test_our_own_network_is_not_asked_by_default(house: House, site: Site) -> None:
    id = await fetching.begin(house.api, site.add("/a", Page(b"secret")))
    async with Client(ports=[site.port]) as client:
        await house.work(replace(house.tools, client=client))
    (row,) = await fetching.rows(house.api, id)
    assert (row["status"], row["error"]["code"]) == ("FAILED", "URL_NOT_ALLOWED")
    assert site.seen == []


async def test_a_category_that_goes_while_a_file_comes_gives_it_to_another(
    house: House, site: Site, clip: bytes
) -> None:
    gone, other = [(await category(house.api))["id"] for _ in range(2)]
    page = Page(clip, length=False, gate=asyncio.Event())  # its session opens when all is here
    id = await fetching.begin(house.api, site.add("/a.mp4", page), categoryId=gone)
    working = asyncio.create_task(house.work())

    async def has_begun() -> bool:
        return bool(site.seen)

    await until(has_begun)
    query = "mutation ($id: ID!, $to: ID) { deleteCategory(id: $id, videosTo: $to) { movedCount } }"
    await house.api.run(query, id=gone, to=other)
    assert page.gate is not None
    page.gate.set()
    await working
    (row,) = await fetching.rows(house.api, id)
    (video,) = await house.all(Video)
    assert (row["status"], video.category_id) == ("SUCCEEDED", ids.decode(other, "Category"))


async def test_no_secret_of_a_url_is_logged(
    house: House, site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    url = site.add("/a?signature=SECRET", Page(status="404 Not Found"))
    with caplog.at_level("DEBUG"):
        await fetching.begin(house.api, url)
        await house.work()
    assert "row 1 failed" in caplog.text
    assert "SECRET" not in caplog.text
