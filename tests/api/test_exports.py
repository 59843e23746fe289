"""Rows of a fetch as a file: what it has, who gets it, and for how long."""

import csv
import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, text

from db import garbage
from db.models import ExportFile, FetchItem, Task
from domain.error_codes import ErrorCode
from domain.tasks import TaskKind, TaskStatus
from jobs import export, maintenance, queue, worker
from jobs.lanes import Lane
from jobs.runs import Tools
from resolvers.context import Services
from schema import ids
from storage import keys
from storage.local import LocalStore
from tests.support import fetching, uploading
from tests.support.api import Api, OperationFailed
from tests.support.work import Work

EXPORT = """
mutation ($input: CreateExportInput!) {
  createExport(input: $input) {
    task { id status fileName file { sha256 } }
    userErrors { code path ... on NotFoundError { ids } }
  }
}
"""
TASK = """
query ($id: ID!) {
  task(id: $id) {
    __typename status progress error { code message }
    ... on ExportTask { fileName file { rowCount fileSize sha256 downloadUrl expiresAt } }
  }
}
"""
DELETE = "mutation ($id: ID!) { deleteFetch(id: $id) { userErrors { code } } }"
URLS = ["http://films.example/a?key=1", "http://films.example/%E7%94%B5", "http://films.example/"]


@pytest.fixture
def export_all(tools: Tools) -> Work:
    """Runs the exports that are queued."""

    async def run() -> None:
        await worker.work_until_empty(tools, [Lane([queue.EXPORT], 1)])

    return run


async def begin(api: Api, fetch: str) -> str:
    payload = (await api.run(EXPORT, input={"fetchTaskId": fetch}))["createExport"]
    assert payload["userErrors"] == []
    assert (payload["task"]["status"], payload["task"]["file"]) == ("QUEUED", None)
    return payload["task"]["id"]


async def state(api: Api, id: str) -> dict[str, Any]:
    return (await api.run(TASK, id=id))["task"]


async def test_the_file_has_the_rows(api: Api, services: Services, export_all: Work) -> None:
    items = [{"url": url, "title": title} for url, title in zip(URLS, TITLES, strict=True)]
    values = {"source": {"items": items}, "fileName": "五月.csv"}
    fetch = (await api.run(fetching.CREATE, input=values))["createFetch"]["task"]["id"]
    await fail_second(services)
    id = await begin(api, fetch)
    await export_all()
    found = await state(api, id)
    assert (found["__typename"], found["status"], found["progress"]) == (
        "ExportTask",
        "SUCCEEDED",
        1.0,
    )
    file = found["file"]
    answer = await api.http.get(file["downloadUrl"], headers={"authorization": ""})
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/csv;charset=UTF-8")
    assert answer.headers["content-disposition"] == (
        "attachment; filename=\"__-rows.csv\"; filename*=UTF-8''%E4%BA%94%E6%9C%88-rows.csv"
    )
    assert (found["fileName"], file["rowCount"]) == ("五月-rows.csv", 3)
    assert (file["fileSize"], file["sha256"]) == (
        len(answer.content),
        uploading.sha256(answer.content),
    )
    assert answer.content.startswith(b"\xef\xbb\xbfposition,url,")
    check_rows(answer.content, await fetching.rows(api, fetch))


TITLES = ["=cmd()", 'a "quoted", one', None]


async def fail_second(services: Services) -> None:
    async with services.db.write() as session:
        item = await session.scalar(select(FetchItem).where(FetchItem.position == 2))
        assert item is not None
        item.status, item.finished_at = TaskStatus.FAILED, datetime(2026, 1, 2, tzinfo=UTC)
        item.error_code, item.error_message = ErrorCode.FETCH_FAILED, "The server answers 404."
        item.bytes_fetched, item.file_size = 7, 8


def check_rows(data: bytes, rows: list[dict[str, Any]]) -> None:
    """The file says what the API says, with formulas made harmless."""
    read = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert len(read) == len(rows)
    for line, row in zip(read, rows, strict=True):
        error, video = row["error"] or {}, row["video"] or {}
        title = f"'{row['title']}" if (row["title"] or "").startswith("=") else row["title"]
        assert line.pop("createdAt")[-1] == "Z"
        finished = row["finishedAt"] and row["finishedAt"].replace(".000000Z", "Z")
        assert line == {
            "position": str(row["position"]),
            "url": row["url"],
            "title": title or "",
            "sourceId": row["sourceId"] or "",
            "status": row["status"],
            "video": video.get("vid", ""),
            "bytesFetched": str(row["bytesFetched"]),
            "fileSize": "" if row["fileSize"] is None else str(row["fileSize"]),
            "errorCode": error.get("code", ""),
            "errorMessage": error.get("message", ""),
            "finishedAt": finished or "",
        }


async def test_a_thousand_rows_are_more_than_one_page(api: Api, export_all: Work) -> None:
    fetch = await fetching.begin(api, *(f"http://films.example/{one}" for one in range(1000)))
    id = await begin(api, fetch)
    await export_all()
    file = (await state(api, id))["file"]
    data = (await api.http.get(file["downloadUrl"])).content
    read = list(csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline="")))
    assert [line["url"] for line in read] == [f"http://films.example/{one}" for one in range(1000)]
    assert file["rowCount"] == 1000


async def test_nobody_else_exports_or_sees_an_export(
    api: Api, stranger: Api, anonymous: Api, export_all: Work
) -> None:
    fetch = await fetching.begin(api, *URLS)
    for sent in (fetch, ids.encode("ExportTask", ids.decode(fetch, "FetchTask")), "x"):
        payload = (await stranger.run(EXPORT, input={"fetchTaskId": sent}))["createExport"]
        (error,) = payload["userErrors"]
        assert error == {"code": "NOT_FOUND", "path": ["fetchTaskId"], "ids": [sent]}
    with pytest.raises(OperationFailed) as refused:
        await anonymous.run(EXPORT, input={"fetchTaskId": fetch})
    assert refused.value.codes == ["UNAUTHENTICATED"]
    id = await begin(api, fetch)
    await export_all()
    assert await state(stranger, id) is None
    with pytest.raises(OperationFailed):
        await state(anonymous, id)


async def test_a_link_that_was_changed_gives_nothing(api: Api, export_all: Work) -> None:
    id = await begin(api, await fetching.begin(api, *URLS))
    await export_all()
    url = (await state(api, id))["file"]["downloadUrl"]
    place, _, token = url.rpartition("/")
    for wrong in (f"{place}/x", f"{place}/{token[:-1]}", f"{place}/{token[::-1]}"):
        answer = await api.http.get(wrong)
        assert (answer.status_code, answer.json()["code"]) == (403, "LINK_INVALID")


async def test_a_link_of_another_purpose_gives_nothing(api: Api, export_all: Work) -> None:
    id = await begin(api, await fetching.begin(api, *URLS))
    await export_all()
    token = (await state(api, id))["file"]["downloadUrl"].rpartition("/")[2]
    answer = await api.http.get(f"/v/{token}/master.m3u8")
    assert (answer.status_code, answer.json()["code"]) == (403, "LINK_INVALID")


async def test_a_file_goes_after_a_week(
    api: Api, services: Services, tools: Tools, export_all: Work
) -> None:
    id = await begin(api, await fetching.begin(api, *URLS))
    before = datetime.now(UTC)
    await export_all()
    file = (await state(api, id))["file"]
    expires_at = datetime.fromisoformat(file["expiresAt"])
    assert abs(expires_at - before - timedelta(days=7)) < timedelta(minutes=1)
    await export.expire(tools, now=expires_at - timedelta(seconds=1))
    assert (await state(api, id))["file"] == file
    await export.expire(tools, now=expires_at)
    found = await state(api, id)
    assert (found["status"], found["file"]) == ("SUCCEEDED", None)
    assert await stored(tools, id) == []
    answer = await api.http.get(file["downloadUrl"])
    assert (answer.status_code, answer.json()["code"]) == (403, "LINK_INVALID")
    del services


async def test_a_file_is_gone_when_its_time_is_over(
    api: Api, services: Services, export_all: Work
) -> None:
    """Whoever removes it may be late."""
    id = await begin(api, await fetching.begin(api, *URLS))
    await export_all()
    async with services.db.write() as session:
        await session.execute(text("update export_file set expires_at = now()"))
    assert (await state(api, id))["file"] is None


async def test_all_files_whose_time_is_over_go_at_once(
    api: Api, services: Services, tools: Tools
) -> None:
    id = ids.decode(await begin(api, await fetching.begin(api, *URLS)), "ExportTask")
    async with services.db.write() as session:
        await session.execute(text(MANY), {"task": id})
    await export.expire(tools)
    async with services.db.read() as session:
        files = list(await session.scalars(select(ExportFile)))
    assert (len(files), {file.key for file in files}) == (251, {None})


MANY = """
with made as (
  insert into task (id, account_id, kind, status)
  select gen_random_uuid(), account_id, kind, 'succeeded' from task, generate_series(1, 250)
  where id = :task returning id
)
insert into export_file (id, task_id, file_name, key, expires_at)
select id, id, 'a.csv', 'exports/' || replace(id::text, '-', '') || '/1.csv', now() from made
"""


class Slow(LocalStore):
    """So slow that something happens between storing a file and saying so."""

    meanwhile: Work

    async def put_file(self, key: str, path: Path, content_type: str) -> None:
        await super().put_file(key, path, content_type)
        await self.meanwhile()


CANCEL = "mutation ($id: ID!) { cancelTask(id: $id) { userErrors { code } } }"


async def test_a_cancelled_export_leaves_no_file(api: Api, tools: Tools, tmp_path: Path) -> None:
    id = await begin(api, await fetching.begin(api, *URLS))
    (tmp_path / "later").write_bytes(b"later")
    store, key = Slow(tmp_path / "store"), ids.decode(id, "ExportTask")
    announced: list[str] = []

    async def cancel() -> None:
        async with tools.db.read() as session:
            announced.extend(await garbage.waiting(session))
        assert (await api.run(CANCEL, id=id))["cancelTask"]["userErrors"] == []

    await LocalStore.put_file(store, keys.export(key, 9), tmp_path / "later", "text/csv")
    store.meanwhile = cancel
    house = replace(tools, store=store)
    await worker.work_until_empty(house, [Lane([queue.EXPORT], 1)])
    assert (await state(api, id))["status"] == "CANCELLED"
    assert announced == [keys.export(key, 1)]
    assert await stored(house, id) == [keys.export(key, 9)]  # a later run's is not touched
    await store.close()


async def test_a_file_that_was_published_is_not_collected(
    api: Api, tools: Tools, export_all: Work
) -> None:
    id = await begin(api, await fetching.begin(api, *URLS))
    await export_all()
    await maintenance.collect(tools, now=datetime.now(UTC) + timedelta(days=2))
    assert len(await stored(tools, id)) == 1


async def stored(tools: Tools, id: str) -> list[str]:
    key = ids.decode(id, "ExportTask").hex
    return [one.key async for one in tools.store.list(f"exports/{key}/")]


async def test_a_run_that_died_leaves_no_file(
    api: Api, services: Services, tools: Tools, export_all: Work
) -> None:
    id = await begin(api, await fetching.begin(api, *URLS))
    await export_all()
    (first,) = await stored(tools, id)
    async with services.db.write() as session:  # as if its worker had died before it said so
        task = await session.get_one(Task, ids.decode(id, "ExportTask"))
        task.status = TaskStatus.RUNNING
        await services.queue.defer(session, task)
    await export_all()
    (second,) = await stored(tools, id)
    assert (first[-5:], second[-5:]) == ("1.csv", "2.csv")
    assert (await state(api, id))["status"] == "SUCCEEDED"


async def test_with_a_fetch_its_exports_go(
    api: Api, services: Services, tools: Tools, export_all: Work
) -> None:
    fetch = await fetching.begin(api, *URLS)
    done = await begin(api, fetch)
    await export_all()
    url = (await state(api, done))["file"]["downloadUrl"]
    waiting = await begin(api, fetch)
    assert (await api.run(DELETE, id=fetch))["deleteFetch"]["userErrors"] == []
    assert (await state(api, waiting))["status"] == "CANCELLED"
    assert (await state(api, done))["file"] is None
    assert (await api.http.get(url)).status_code == 403
    await maintenance.collect(tools, now=datetime.now(UTC) + timedelta(hours=2))
    assert await stored(tools, done) == []
    async with services.db.read() as session:
        assert list(await session.scalars(select(ExportFile))) == []


async def test_an_export_whose_fetch_has_gone_fails(
    api: Api, services: Services, export_all: Work
) -> None:
    id = await begin(api, await fetching.begin(api, *URLS))
    async with services.db.write() as session:
        await session.execute(
            text("delete from task where kind = :kind"), {"kind": TaskKind.FETCH.value}
        )
    await export_all()
    found = await state(api, id)
    assert (found["status"], found["error"]["code"]) == ("FAILED", "NOT_FOUND")
