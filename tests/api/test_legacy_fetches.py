"""Fetches in the terms of older systems."""

from datetime import UTC, datetime, timedelta
from typing import Any

from db.models import ExportFile, Task
from domain.tasks import TaskKind, TaskStatus
from resolvers.context import Services
from schema import ids
from tests.support import factories, fetching, forms
from tests.support.api import Api

FETCH = """
query ($id: ID!) { task(id: $id) { ... on FetchTask { legacy {
  userid originalname filesize filepath fileurl classifyid classifyname
} } } }
"""


async def fetched(api: Api, id: str) -> dict[str, Any]:
    return (await api.run(FETCH, id=id))["task"]["legacy"]


async def test_facts_of_a_list_that_is_stored(api: Api, owner: factories.Owner) -> None:
    data = b"url\nhttp://films.example/a.mp4\n"
    store = """mutation ($input: UploadObjectInput!) {
      uploadObject(input: $input) { storedObject { storageId } } }"""
    stored = await forms.run(api, store, {}, data, name="111.csv")
    storage_id = stored["uploadObject"]["storedObject"]["storageId"]
    save = """mutation { saveCategory(input: {name: "视频分类(根目录)"}) { category { id } } }"""
    category = (await api.run(save))["saveCategory"]["category"]["id"]
    values = {"source": {"csvStorageId": storage_id}, "categoryId": category}
    id = (await api.run(fetching.CREATE, input=values))["createFetch"]["task"]["id"]
    assert await fetched(api, id) == {
        "userid": owner.account.user_id,
        "originalname": "111.csv",
        "filesize": len(data),
        "filepath": storage_id,
        "fileurl": None,
        "classifyid": category,
        "classifyname": "视频分类(根目录)",
    }


async def test_facts_of_a_list_that_comes_with_the_request(api: Api) -> None:
    data = b"url\nhttp://films.example/a.mp4\n"
    file = {"variables.input.source.csvFile": ("may.csv", data, "text/csv")}
    values = {"source": {"csvFile": None}}
    sent = (await forms.post(api, fetching.CREATE, {"input": values}, file)).json()
    found = await fetched(api, sent["data"]["createFetch"]["task"]["id"])
    assert (found["originalname"], found["filesize"], found["filepath"]) == (
        "may.csv",
        len(data),
        None,
    )


async def test_a_fetch_of_single_rows_has_no_list(api: Api) -> None:
    found = await fetched(api, await fetching.begin(api, "http://films.example/a.mp4"))
    names = "originalname", "filesize", "filepath", "fileurl"
    assert [found[name] for name in names] == [None] * 4


async def test_the_newest_file_of_a_fetchs_rows(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    id = await fetching.begin(api, "http://films.example/a.mp4")
    key, now = ids.decode(id, "FetchTask"), datetime.now(UTC).replace(microsecond=0)
    ends = now + timedelta(hours=2), now + timedelta(hours=1), now - timedelta(hours=1)
    made: list[ExportFile] = []
    async with services.db.write() as session:
        for expires_at in ends:
            task = Task(
                account_id=owner.account.id, kind=TaskKind.EXPORT, status=TaskStatus.SUCCEEDED
            )
            session.add(task)
            await session.flush()
            file = ExportFile(
                task_id=task.id,
                source_task_id=key,
                file_name="rows.csv",
                key="k",
                expires_at=expires_at,
            )
            session.add(file)
            made.append(file)
    url = (await fetched(api, id))["fileurl"]
    grant = services.export_links.read(url.rpartition("/")[2])
    assert (grant.subject, grant.expires_at) == (made[0].id, ends[0])
