"""Rows of a fetch are tried again, and what is here already is not fetched again."""

import os

from sqlalchemy import text

from db.models import FetchItem, UploadSession, Video
from domain.uploads import UploadStatus
from tests.support import fetching, uploading
from tests.support.fetch_house import House, padded, retry
from tests.support.site import Page, Site


async def test_what_was_cut_off_is_continued(house: House, site: Site, clip: bytes) -> None:
    body = padded(clip)
    id = await fetching.begin(house.api, site.add("/a.mp4", Page(body, cuts=[len(body) // 2])))
    await house.work()
    found = await fetching.state(house.api, id)
    (row,) = found["items"]["nodes"]
    assert (found["status"], row["status"], row["failures"]) == ("QUEUED", "QUEUED", 1)
    assert row["error"]["code"] == "FETCH_FAILED"
    (upload,) = await house.all(UploadSession)
    kept = upload.received_bytes
    assert (0 < kept <= len(body) // 2, row["bytesFetched"]) == (True, kept)
    await house.hurry()
    await house.work()
    (row,) = await fetching.rows(house.api, id)
    assert (row["status"], row["error"]) == ("SUCCEEDED", None)
    assert row["video"]["sha256"] == uploading.sha256(body)
    assert site.ranges("/a.mp4") == [None, f"bytes={kept}-"]
    assert len(await house.all(UploadSession)) == 1


async def test_a_file_that_changed_meanwhile_is_fetched_from_the_start(
    house: House, site: Site, clip: bytes
) -> None:
    page = Page(padded(os.urandom(1000)), cuts=[3 << 20])
    id = await fetching.begin(house.api, site.add("/a.mp4", page))
    await house.work()
    page.body, page.etag = clip, '"two"'
    await house.hurry()
    await house.work()
    (row,) = await fetching.rows(house.api, id)
    assert (row["status"], row["bytesFetched"]) == ("SUCCEEDED", len(clip))
    assert row["video"]["sha256"] == uploading.sha256(clip)
    assert len(await house.all(Video)) == 1
    statuses = sorted(one.status for one in await house.all(UploadSession))
    assert statuses == [UploadStatus.CANCELLED, UploadStatus.COMPLETED]
    assert await house.held() == []


async def test_a_busy_server_is_asked_again_when_it_wishes(
    house: House, site: Site, clip: bytes
) -> None:
    page = Page(clip, statuses=["503 Service Unavailable"], headers={"Retry-After": "120"})
    id = await fetching.begin(house.api, site.add("/a.mp4", page))
    await house.work()
    (item,) = await house.all(FetchItem)
    assert 115 < (item.retry_at - item.created_at).total_seconds() < 130
    await house.hurry()
    await house.work()
    (row,) = await fetching.rows(house.api, id)
    assert (row["status"], row["failures"], row["error"]) == ("SUCCEEDED", 0, None)


async def test_a_row_is_tried_again_five_times(house: House, site: Site) -> None:
    id = await fetching.begin(house.api, site.add("/a", Page(status="500 Server Error")))
    for _ in range(8):
        await house.work()
        await house.hurry()
    (row,) = await fetching.rows(house.api, id)
    assert (row["status"], row["failures"], len(site.seen)) == ("FAILED", 5, 6)
    assert row["error"] == {"code": "FETCH_FAILED", "message": "The server answers 500."}


async def test_a_row_that_waits_does_not_keep_the_others(
    house: House, site: Site, clip: bytes
) -> None:
    busy = site.add("/busy", Page(clip, statuses=["503 Service Unavailable"]))
    id = await fetching.begin(house.api, busy, site.add("/b", Page(clip)))
    await house.work()
    found = await fetching.state(house.api, id)
    assert [one["status"] for one in found["items"]["nodes"]] == ["QUEUED", "SUCCEEDED"]
    assert (found["status"], found["successCount"]) == ("QUEUED", 1)


async def test_only_the_rows_that_failed_are_fetched_again(
    house: House, site: Site, clip: bytes
) -> None:
    bad = [site.add(f"/bad{one}", Page(status="404 Not Found")) for one in range(2)]
    good = [site.add(f"/good{one}", Page(clip)) for one in range(3)]
    id = await fetching.begin(house.api, good[0], bad[0], good[1], bad[1], good[2])
    await house.work()
    found = await fetching.state(house.api, id)
    assert (found["status"], found["successCount"], found["failCount"]) == ("PARTIAL", 3, 2)
    assert (await fetching.state(house.api, id, ["FAILED"]))["items"]["totalCount"] == 2
    asked = len(site.seen)
    site.add("/bad0", Page(clip))
    await retry(house)
    await house.work()
    found = await fetching.state(house.api, id)
    assert (found["status"], found["successCount"], found["failCount"]) == ("PARTIAL", 4, 1)
    assert sorted(one.path for one in site.seen[asked:]) == ["/bad0", "/bad1"]
    assert len(await house.all(Video)) == 4


async def test_a_row_whose_file_was_refused_keeps_its_one_video(
    house: House, site: Site, clip: bytes
) -> None:
    page = Page(b"<html>Wait for it</html>")
    url = site.add("/a", page)
    items = [{"url": url, "sourceId": "7"}]
    id = await fetching.begin_list(house.api, items, sourceType="cms")
    await house.work()
    (failed,) = await fetching.rows(house.api, id)
    assert failed["video"]["status"] == "UPLOAD_FAILED"
    page.body = clip
    await retry(house)
    await house.work()
    (row,) = await fetching.rows(house.api, id)
    assert (row["status"], row["video"]["id"]) == ("SUCCEEDED", failed["video"]["id"])
    assert row["video"]["sha256"] == uploading.sha256(clip)
    assert (row["video"]["sourceType"], row["video"]["sourceId"]) == ("cms", "7")


async def test_a_row_that_is_brought_on_does_not_add_its_failures_up(
    house: House, site: Site, clip: bytes
) -> None:
    body = clip + (10 << 20).to_bytes(4) + b"free" + os.urandom((10 << 20) - 8)
    page = Page(body, cuts=[2 << 20] * 7)
    id = await fetching.begin(house.api, site.add("/a.mp4", page))
    async with house.db.write() as session:
        await session.execute(text("update task set failures = 2"))
    await house.work()
    (row,) = await fetching.rows(house.api, id)
    assert (row["status"], row["failures"], (await house.task()).failures) == ("QUEUED", 1, 0)
    for _ in range(7):
        await house.hurry()
        await house.work()
    (row,) = await fetching.rows(house.api, id)
    assert (row["status"], row["video"]["sha256"]) == ("SUCCEEDED", uploading.sha256(body))
