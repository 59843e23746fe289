"""Fetches that take turns, are paused, cancelled, deleted or overtaken."""

from typing import Any

import pytest
from sqlalchemy import text

from db import fetches as tables
from db import runs, tasks
from db.models import FetchItem, Task, UploadSession, Video
from domain.errors import Cancelled
from domain.fetches import TURN_ROWS
from domain.tasks import TaskKind, TaskStatus
from domain.uploads import UploadStatus
from jobs import fetches, maintenance, outcomes, queue, worker
from jobs.lanes import Lane
from schema import ids
from tests.support import cancelling, factories, fetching, uploading
from tests.support.api import Api
from tests.support.fetch_house import Halfway, House, change
from tests.support.site import Page, Site


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


async def test_progress_is_told_while_it_comes(house: House, halfway: Halfway) -> None:
    id, page, _ = halfway
    found = await fetching.state(house.api, id)
    (row,) = found["items"]["nodes"]
    half = len(page.body) // 2 / len(page.body)
    assert (found["status"], row["status"], row["progress"]) == ("RUNNING", "RUNNING", half)


async def test_a_paused_fetch_goes_on_where_it_was(
    house: House, site: Site, halfway: Halfway
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


async def test_a_cancelled_fetch_leaves_no_bytes(house: House, halfway: Halfway) -> None:
    id, _, working = halfway
    assert (await house.api.run(cancelling.TASK, id=id))["cancelTask"]["userErrors"] == []
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
    assert (await house.api.run(cancelling.TASK, id=id))["cancelTask"]["userErrors"] == []
    found = await fetching.state(house.api, id)
    assert sorted(one["status"] for one in found["items"]["nodes"]) == ["CANCELLED", "SUCCEEDED"]
    assert (found["successCount"], found["failCount"]) == (1, 1)
    states = {one.id: one.status for one in await house.all(Task)}
    assert states[checks[1].id] is TaskStatus.CANCELLED


async def test_an_upload_that_its_owner_cancels_ends_the_row(
    house: House, halfway: Halfway
) -> None:
    id, page, working = halfway
    (upload,) = await house.all(UploadSession)
    await house.api.run(cancelling.SESSION, id=ids.encode("UploadSession", upload.id))
    assert page.gate is not None
    page.gate.set()
    await working
    (row,) = await fetching.rows(house.api, id)
    assert (row["status"], row["error"]["code"]) == ("CANCELLED", "CANCELLED")


async def test_a_run_that_was_overtaken_changes_nothing(house: House, halfway: Halfway) -> None:
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


async def test_a_fetch_that_runs_can_be_deleted(house: House, halfway: Halfway) -> None:
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
