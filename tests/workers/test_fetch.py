"""Files are fetched from URLs and become videos: once each, whatever the other server does."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from db import fetches as tables
from db import runs, tasks
from db.models import FetchItem, Task, UploadSession, Video
from db.session import Database
from domain.errors import Cancelled
from domain.fetches import MAX_RETRIES, TURN_ROWS
from domain.tasks import TaskKind, TaskStatus
from domain.uploads import UploadLimits, UploadStatus
from domain.videos import SourceKind, VideoStatus
from jobs import fetches, maintenance, outcomes, queue, worker
from jobs.lanes import Lane
from jobs.runs import Tools
from jobs.workspace import Workspace
from outbound.client import Client
from schema import ids
from tests.support import factories, fetching, samples, uploading
from tests.support.api import Api
from tests.support.site import Page, Site
from tests.support.templating import category
from tests.support.waiting import until

LANE = Lane([queue.FETCH, queue.INTAKE], 1)


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("clips")
    return samples.make(folder / "clip.mp4", seconds=2).read_bytes()


@dataclass(frozen=True)
class House:
    tools: Tools
    api: Api
    strange: frozenset[str]
    """What other tests left in the store."""

    @property
    def db(self) -> Database:
        return self.tools.db

    async def work(self, tools: Tools | None = None) -> None:
        """Run what is due, without transcoding."""
        await worker.work_until_empty(tools or self.tools, [LANE])

    async def hurry(self) -> None:
        """Whatever waits for another try is due now."""
        async with self.db.write() as session:
            await session.execute(text("update fetch_item set retry_at = now()"))
            await session.execute(
                text("update procrastinate_jobs set scheduled_at = now() where queue_name='fetch'")
            )

    async def all(self, kind: type[Any]) -> list[Any]:
        async with self.db.read() as session:
            return list(await session.scalars(select(kind)))

    async def task(self) -> Task:
        async with self.db.read() as session:
            return (await session.scalars(select(Task).where(Task.kind == TaskKind.FETCH))).one()

    async def task_of(self, id: str) -> Task:
        async with self.db.read() as session:
            return await session.get_one(Task, ids.decode(id, "FetchTask"))

    async def held(self) -> list[str]:
        """What the store has of uploads."""
        found = [one.token async for one in self.tools.store.uploads()]
        return [token for token in found if token not in self.strange]


@pytest.fixture
async def house(tools: Tools, api: Api) -> House:
    return House(tools, api, frozenset([one.token async for one in tools.store.uploads()]))


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


def padded(clip: bytes) -> bytes:
    """With 4 MiB that players skip: more than what is lost between sockets when one breaks."""
    size = 4 << 20
    return clip + size.to_bytes(4) + b"free" + os.urandom(size - 8)


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


async def retry(house: House) -> None:
    await change(house, "retryTask", TaskStatus.QUEUED)


async def change(house: House, mutation: str, status: TaskStatus) -> None:
    fields = "task { status } userErrors { code }"
    query = f"mutation ($id: ID!) {{ {mutation}(id: $id) {{ {fields} }} }}"
    id = ids.encode("FetchTask", (await house.task()).id)
    payload = (await house.api.run(query, id=id))[mutation]
    assert payload == {"task": {"status": status.name}, "userErrors": []}


async def test_a_row_whose_file_was_refused_keeps_its_one_video(
    house: House, site: Site, clip: bytes
) -> None:
    page = Page(b"<html>Wait for it</html>")
    url = site.add("/a", page)
    items = [{"url": url, "sourceId": "7"}]
    id = await begin_list(house.api, items, sourceType="cms")
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


async def begin_list(api: Api, items: list[dict[str, Any]], **input: Any) -> str:
    values = {"source": {"items": items}, **input}
    payload = (await api.run(fetching.CREATE, input=values))["createFetch"]
    assert payload["userErrors"] == []
    return payload["task"]["id"]


async def test_one_source_makes_one_video(house: House, site: Site, clip: bytes) -> None:
    items = [{"url": site.add(f"/{one}", Page(clip)), "sourceId": "7"} for one in range(2)]
    id = await begin_list(house.api, items, sourceType="cms")
    await house.work()
    rows = await fetching.rows(house.api, id)
    assert sorted(one["status"] for one in rows) == ["FAILED", "SUCCEEDED"]
    failed = next(one for one in rows if one["status"] == "FAILED")
    assert failed["error"]["code"] == "DUPLICATE_CONTENT"
    assert rows[0]["video"] == rows[1]["video"]
    assert len(await house.all(Video)) == 1
    asked = len(site.seen)
    again = await begin_list(house.api, items[:1], sourceType="cms")
    await house.work()
    (row,) = await fetching.rows(house.api, again)
    assert (row["status"], row["error"]["code"]) == ("FAILED", "DUPLICATE_CONTENT")
    assert row["video"] == rows[0]["video"]
    assert len(site.seen) == asked
    assert await house.held() == []


async def test_a_file_above_the_quota_is_not_fetched(house: House, site: Site, clip: bytes) -> None:
    id = await fetching.begin(house.api, site.add("/a", Page(clip)))
    await house.work(replace(house.tools, limits=UploadLimits(storage_quota=len(clip) - 1)))
    (row,) = await fetching.rows(house.api, id)
    assert (row["status"], row["error"]["code"]) == ("FAILED", "QUOTA_EXCEEDED")
    assert (await house.all(UploadSession), await house.held()) == ([], [])


@pytest.mark.parametrize("length", [True, False])
async def test_a_file_above_the_limit_is_not_fetched(
    house: House, site: Site, clip: bytes, *, length: bool
) -> None:
    id = await fetching.begin(house.api, site.add("/a", Page(clip, length=length)))
    await house.work(replace(house.tools, limits=UploadLimits(file_size=10_000)))
    (row,) = await fetching.rows(house.api, id)
    assert (row["status"], row["error"]["code"]) == ("FAILED", "LIMIT_EXCEEDED")
    assert (await house.all(UploadSession), await house.held()) == ([], [])


async def test_a_server_that_lies_about_the_size_does_not_keep_the_others(
    house: House, site: Site, clip: bytes
) -> None:
    size = shutil.disk_usage(house.tools.workspace.root).free + (64 << 30)
    lying = Page(clip, length=False, headers={"Content-Length": str(size)})
    id = await fetching.begin(house.api, site.add("/a", lying), site.add("/b", Page(clip)))
    for _ in range(MAX_RETRIES + 1):
        await house.work()
        await house.hurry()
    found = await fetching.state(house.api, id)
    first, second = found["items"]["nodes"]
    assert (first["status"], first["error"]["code"]) == ("FAILED", "STORAGE_FULL")
    assert (first["failures"], len(site.ranges("/a"))) == (MAX_RETRIES, MAX_RETRIES + 1)
    assert (found["status"], second["status"]) == ("PARTIAL", "SUCCEEDED")


async def test_a_file_of_unknown_size_takes_no_more_than_the_quota(
    house: House, site: Site
) -> None:
    """Its server keeps the end to itself: nobody waits for that."""
    page = Page(bytes(20 << 20), length=False, gate=asyncio.Event())
    id = await fetching.begin(house.api, site.add("/a", page))
    await house.work(replace(house.tools, limits=UploadLimits(storage_quota=1 << 20)))
    (row,) = await fetching.rows(house.api, id)
    assert (row["status"], row["error"]["code"]) == ("FAILED", "QUOTA_EXCEEDED")
    assert (await house.all(UploadSession), await house.held()) == ([], [])


async def test_a_file_of_unknown_size_leaves_others_room_on_the_disk(
    house: House, site: Site, clip: bytes, tmp_path: Path
) -> None:
    id = await fetching.begin(house.api, site.add("/a", Page(clip, length=False)))
    full = Workspace(tmp_path, reserve=1 << 60)
    await house.work(replace(house.tools, workspace=full))
    full.close()
    (row,) = await fetching.rows(house.api, id)
    assert (row["status"], row["error"]["code"], row["failures"]) == ("QUEUED", "STORAGE_FULL", 1)
    await house.hurry()
    await house.work()
    (row,) = await fetching.rows(house.api, id)
    assert (row["status"], row["error"]) == ("SUCCEEDED", None)


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


async def test_a_long_fetch_lets_others_have_their_turn(
    house: House, site: Site, stranger: Api
) -> None:
    gone = Page(status="404 Not Found")
    id = await fetching.begin(
        house.api, *(site.add(f"/{one}", gone) for one in range(TURN_ROWS + 2))
    )
    await fetching.begin(house.api, site.add("/second", gone))
    await fetching.begin(stranger, site.add("/other", gone))
    await house.work()
    paths = [one.path for one in site.seen]
    assert paths[TURN_ROWS : TURN_ROWS + 2] == ["/other", "/second"]
    assert (await fetching.state(house.api, id))["failCount"] == TURN_ROWS + 2
    assert (await house.task_of(id)).attempt == 2


async def test_a_run_whose_last_row_ended_is_not_overtaken(
    house: House, site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    await fetching.begin(house.api, site.add("/a", Page(status="404 Not Found")))
    with caplog.at_level("INFO"):
        await house.work()
    assert "row 1 failed" in caplog.text
    assert "overtaken" not in caplog.text


async def test_rows_of_a_paused_fetch_rest_when_its_worker_dies(house: House, site: Site) -> None:
    id = await fetching.begin(house.api, site.add("/a", Page(b"")))
    async with house.db.write() as session:  # it died before it heard of the pause
        run = await runs.claim(session, (await house.task()).id, worker="dead")
        assert run is not None
        await tables.take(session, run.id, 1)
        await tasks.pause(session, run.id)
        await session.execute(text(DEAD))
    (row,) = await fetching.rows(house.api, id)
    assert row["status"] == "RUNNING"
    await maintenance.rescue(house.tools)
    found = await fetching.state(house.api, id)
    assert (found["status"], found["items"]["nodes"][0]["status"]) == ("PAUSED", "QUEUED")


DEAD = """
with dead as (
  insert into procrastinate_workers (last_heartbeat) values (now() - interval '1 hour') returning id
)
update procrastinate_jobs set status = 'doing', worker_id = dead.id from dead
where queue_name = 'fetch'
"""


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


@pytest.fixture
async def halfway(
    house: House, site: Site, clip: bytes
) -> AsyncIterator[tuple[str, Page, "asyncio.Task[None]"]]:
    """A fetch that runs, whose server keeps the second half to itself."""
    page = Page(padded(clip), gate=asyncio.Event())
    id = await fetching.begin(house.api, site.add("/a.mp4", page))
    working = asyncio.create_task(house.work())

    async def has_half() -> bool:
        (row,) = await fetching.rows(house.api, id)
        return row["bytesFetched"] == len(page.body) // 2

    await until(has_half)
    yield id, page, working
    if page.gate:
        page.gate.set()
    await working


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


async def test_progress_is_told_while_it_comes(
    house: House, halfway: tuple[str, Page, "asyncio.Task[None]"]
) -> None:
    id, page, _ = halfway
    found = await fetching.state(house.api, id)
    (row,) = found["items"]["nodes"]
    half = len(page.body) // 2 / len(page.body)
    assert (found["status"], row["status"], row["progress"]) == ("RUNNING", "RUNNING", half)


async def test_a_paused_fetch_goes_on_where_it_was(
    house: House, site: Site, halfway: tuple[str, Page, "asyncio.Task[None]"]
) -> None:
    id, page, working = halfway
    await change(house, "pauseTask", TaskStatus.PAUSED)
    await working
    (row,) = await fetching.rows(house.api, id)
    (upload,) = await house.all(UploadSession)
    kept = upload.received_bytes
    assert (row["status"], row["bytesFetched"], kept > 1 << 20) == ("QUEUED", kept, True)
    await house.work()  # nothing is to be done
    assert (await fetching.state(house.api, id))["status"] == "PAUSED"
    await change(house, "resumeTask", TaskStatus.QUEUED)
    page.gate = None
    await house.work()
    (row,) = await fetching.rows(house.api, id)
    assert (row["status"], row["video"]["sha256"]) == ("SUCCEEDED", uploading.sha256(page.body))
    assert site.ranges("/a.mp4") == [None, f"bytes={kept}-"]
    assert len(await house.all(Video)) == 1


CANCEL = "mutation ($id: ID!) { cancelTask(id: $id) { task { status } userErrors { code } } }"


async def test_a_cancelled_fetch_leaves_no_bytes(
    house: House, halfway: tuple[str, Page, "asyncio.Task[None]"]
) -> None:
    id, _, working = halfway
    assert (await house.api.run(CANCEL, id=id))["cancelTask"]["userErrors"] == []
    await working
    found = await fetching.state(house.api, id)
    (row,) = found["items"]["nodes"]
    assert (found["status"], row["status"]) == ("CANCELLED", "CANCELLED")
    assert (row["error"]["code"], row["video"]) == ("CANCELLED", None)
    (upload,) = await house.all(UploadSession)
    assert upload.status is UploadStatus.CANCELLED
    assert await house.held() == []


async def test_cancelling_stops_checks_and_keeps_videos(
    house: House, site: Site, clip: bytes
) -> None:
    id = await fetching.begin(house.api, *(site.add(f"/{one}", Page(clip)) for one in range(2)))
    await worker.work_until_empty(house.tools, [Lane([queue.FETCH], 1)])
    checks = [one for one in await house.all(Task) if one.kind is TaskKind.VERIFY]
    await worker.work_until_empty(house.tools, [Lane([queue.FETCH], 1)])
    assert (await fetching.state(house.api, id))["status"] == "RUNNING"
    async with house.db.write() as session:  # one of them is over before
        run = await runs.claim(session, checks[0].id, worker="here")
        assert run is not None
        item = next(
            one
            for one in await house.all(FetchItem)
            if one.upload_session_id == checks[0].upload_session_id
        )
        await fetches.settle(session, item.upload_session_id, video_id=None, failure=None)
    assert (await house.api.run(CANCEL, id=id))["cancelTask"]["userErrors"] == []
    found = await fetching.state(house.api, id)
    assert sorted(one["status"] for one in found["items"]["nodes"]) == ["CANCELLED", "SUCCEEDED"]
    assert (found["successCount"], found["failCount"]) == (1, 1)
    states = {one.id: one.status for one in await house.all(Task)}
    assert states[checks[1].id] is TaskStatus.CANCELLED


async def test_an_upload_that_its_owner_cancels_ends_the_row(
    house: House, halfway: tuple[str, Page, "asyncio.Task[None]"]
) -> None:
    id, page, working = halfway
    (upload,) = await house.all(UploadSession)
    cancel = "mutation ($id: ID!) { cancelUploadSession(id: $id) { userErrors { code } } }"
    await house.api.run(cancel, id=ids.encode("UploadSession", upload.id))
    assert page.gate is not None
    page.gate.set()
    await working
    (row,) = await fetching.rows(house.api, id)
    assert (row["status"], row["error"]["code"]) == ("CANCELLED", "CANCELLED")


async def test_a_run_that_was_overtaken_changes_nothing(
    house: House, halfway: tuple[str, Page, "asyncio.Task[None]"]
) -> None:
    """Its worker was taken for dead, and another one began; then it wakes up."""
    id, page, working = halfway
    async with house.db.write() as session:
        later = await runs.claim(session, (await house.task()).id, worker="other")
        assert later is not None
    assert page.gate is not None
    page.gate.set()
    await working
    task = await house.task()
    assert (task.status, task.attempt, task.worker) == (TaskStatus.RUNNING, 2, "other")
    (row,) = await fetching.rows(house.api, id)
    assert (row["status"], row["video"]) == ("RUNNING", None)
    assert await house.all(Video) == []


DELETE = """
mutation ($id: ID!) { deleteFetch(id: $id) { deletedIds userErrors { code } } }
"""


async def test_a_fetch_that_runs_can_be_deleted(
    house: House, halfway: tuple[str, Page, "asyncio.Task[None]"]
) -> None:
    id, _, working = halfway
    assert (await house.api.run(DELETE, id=id))["deleteFetch"] == {
        "deletedIds": [id],
        "userErrors": [],
    }
    await working
    assert (await house.all(FetchItem), await house.all(Video)) == ([], [])
    (upload,) = await house.all(UploadSession)
    assert upload.status is UploadStatus.CANCELLED
    assert await house.held() == []


async def test_a_failure_of_the_whole_task_ends_its_rows(
    house: House, services: Any, owner: factories.Owner, site: Site
) -> None:
    del services, owner
    id = await fetching.begin(house.api, site.add("/a", Page(b"")))
    failure = Cancelled("Enough.")
    async with house.db.write() as session:
        (ended,) = await tasks.cancel(session, [(await house.task()).id], failure)
        await outcomes.failed(session, ended, failure)
    found = await fetching.state(house.api, id)
    assert [one["status"] for one in found["items"]["nodes"]] == ["CANCELLED"]


async def test_no_secret_of_a_url_is_logged(
    house: House, site: Site, caplog: pytest.LogCaptureFixture
) -> None:
    url = site.add("/a?signature=SECRET", Page(status="404 Not Found"))
    with caplog.at_level("DEBUG"):
        await fetching.begin(house.api, url)
        await house.work()
    assert "row 1 failed" in caplog.text
    assert "SECRET" not in caplog.text
