"""Asking for files to be fetched: what is taken, what is refused, and who sees it."""

from typing import Any

import pytest
from sqlalchemy import func, select

from db.models import Category, FetchItem, Task
from domain.tasks import TaskKind, TaskStatus
from resolvers.context import Services
from schema import ids
from tests.support import factories, fetching, forms
from tests.support.api import Api, OperationFailed

URL = "http://films.example/a.mp4"
STORE = """
mutation ($input: UploadObjectInput!) { uploadObject(input: $input) { storedObject { storageId } } }
"""
DELETE = """
mutation ($id: ID!) {
  deleteFetch(id: $id) { deletedIds userErrors { code path ... on NotFoundError { ids } } }
}
"""


async def counted(services: Services) -> tuple[int, int]:
    """How many fetches there are, and rows of them."""
    async with services.db.read() as session:
        fetches = select(func.count()).select_from(Task).where(Task.kind == TaskKind.FETCH)
        rows = select(func.count()).select_from(FetchItem)
        return (await session.scalar(fetches) or 0, await session.scalar(rows) or 0)


async def test_a_fetch_waits_with_its_rows(api: Api) -> None:
    items = [{"url": URL, "title": " One ", "sourceId": "1"}, {"url": URL + "?b=1"}]
    values = {"source": {"items": items}, "sourceType": "cms", "fileName": "/lists/may.csv"}
    payload = (await api.run(fetching.CREATE, input=values))["createFetch"]
    id = payload["task"].pop("id")
    assert payload == {
        "task": {
            "status": "QUEUED",
            "fileName": "may.csv",
            "totalCount": 2,
            "successCount": 0,
            "failCount": 0,
        },
        "userErrors": [],
    }
    found = await fetching.state(api, id)
    assert (found["__typename"], found["progress"]) == ("FetchTask", 0.0)
    first, second = found["items"]["nodes"]
    assert (first["position"], first["title"], first["sourceId"]) == (1, "One", "1")
    assert (second["position"], second["url"]) == (2, URL + "?b=1")
    assert (second["title"], second["sourceId"]) == (None, None)
    assert {"status": "QUEUED", "bytesFetched": 0, "fileSize": None, "progress": None}.items() <= (
        first.items()
    )


async def test_pages_of_rows(api: Api) -> None:
    id = await fetching.begin(api, *(f"{URL}?{number}" for number in range(5)))
    query = """query ($id: ID!, $after: String) { task(id: $id) { ... on FetchTask {
      items(first: 2, after: $after) {
        totalCount nodes { position } pageInfo { endCursor hasNextPage }
      }
      last: items(first: 2, page: 3) { nodes { position } pageInfo { totalPages } }
    } } }"""
    seen, after = [], None
    while True:
        page = (await api.run(query, id=id, after=after))["task"]
        seen += [one["position"] for one in page["items"]["nodes"]]
        after = page["items"]["pageInfo"]["endCursor"]
        if not page["items"]["pageInfo"]["hasNextPage"]:
            break
    assert (seen, page["items"]["totalCount"]) == ([1, 2, 3, 4, 5], 5)
    assert page["last"] == {"nodes": [{"position": 5}], "pageInfo": {"totalPages": 3}}


LEGACY = """
query ($id: ID!) { task(id: $id) { id createdAt ... on FetchTask { legacy {
  taskid originalname classifyid seccesscount totalcount failcount status createtime endtime
} } } }
"""


async def test_the_words_of_older_systems(api: Api, services: Services) -> None:
    id = await fetching.begin(api, URL, fileName="111.csv")
    found = (await api.run(LEGACY, id=id))["task"]
    assert found["legacy"].pop("createtime") > 1.7e12
    assert found["legacy"] == {
        "taskid": id,
        "originalname": "111.csv",
        "classifyid": None,
        "seccesscount": 0,
        "totalcount": 1,
        "failcount": 0,
        "status": "Y",
        "endtime": None,
    }
    async with services.db.write() as session:
        task = await session.get_one(Task, ids.decode(id, "FetchTask"))
        task.status = TaskStatus.PAUSED
    assert (await api.run(LEGACY, id=id))["task"]["legacy"]["status"] == "N"


BAD_URLS = {
    "ftp://films.example/a": "URL_NOT_ALLOWED",
    "http://films.example:22/a": "URL_NOT_ALLOWED",
    "http://me@films.example/a": "URL_NOT_ALLOWED",
    "nonsense": "URL_NOT_ALLOWED",
    "http://films.example/" + "a" * 1000: "LIMIT_EXCEEDED",
    "http://10.0.0.1/a": "URL_NOT_ALLOWED",
    "http://0x7f.2/a": "URL_NOT_ALLOWED",
    "http://[::1]/a": "URL_NOT_ALLOWED",
    "http://localhost/a": "URL_NOT_ALLOWED",
}


@pytest.mark.parametrize("url", BAD_URLS)
async def test_a_url_that_cannot_be_is_refused_with_its_place(
    api: Api, services: Services, url: str
) -> None:
    payload = await fetching.create(api, URL, url)
    assert payload["task"] is None
    (error,) = payload["userErrors"]
    assert (error["code"], error["path"]) == (BAD_URLS[url], ["source", "items", "1", "url"])
    assert await counted(services) == (0, 0)


async def test_limits_are_named(api: Api, services: Services) -> None:
    query = "{ limits { maxFetchRows maxFetchListSize maxUrlLength exportDays } }"
    assert (await api.run(query))["limits"] == {
        "maxFetchRows": 1000,
        "maxFetchListSize": 4 << 20,
        "maxUrlLength": 1000,
        "exportDays": 7,
    }
    payload = await fetching.create(api, *[URL] * 1001)
    (error,) = payload["userErrors"]
    assert (error["code"], error["limit"], error["actual"]) == ("LIMIT_EXCEEDED", 1000, 1001)
    (error,) = (await fetching.create(api))["userErrors"]
    assert (error["code"], error["path"]) == ("INVALID_ARGUMENT", ["source", "items"])
    item = {"url": URL, "title": "x" * 256}
    payload = await api.run(fetching.CREATE, input={"source": {"items": [item]}})
    (error,) = payload["createFetch"]["userErrors"]
    assert (error["limit"], error["path"]) == (255, ["source", "items", "0", "title"])
    assert await counted(services) == (0, 0)


async def test_a_source_id_needs_a_source_type(api: Api, services: Services) -> None:
    values = {"source": {"items": [{"url": URL, "sourceId": "1"}]}}
    (error,) = (await api.run(fetching.CREATE, input=values))["createFetch"]["userErrors"]
    assert (error["code"], error["path"]) == ("INVALID_ARGUMENT", ["sourceType"])
    assert await counted(services) == (0, 0)


async def test_a_category_must_be_ones_own(
    api: Api, stranger: Api, services: Services, owner: factories.Owner
) -> None:
    async with services.db.write() as session:
        category = Category(account_id=owner.account.id, number=2, name="May")
        session.add(category)
        await session.flush()
    id = ids.encode("Category", category.id)
    fetch = await fetching.begin(api, URL, categoryId=id)
    query = "query ($id: ID!) { task(id: $id) { ... on FetchTask { category { id } } } }"
    assert (await api.run(query, id=fetch))["task"] == {"category": {"id": id}}
    (error,) = (await fetching.create(stranger, URL, categoryId=id))["userErrors"]
    assert (error["code"], error["path"]) == ("NOT_FOUND", ["categoryId"])
    (error,) = (await send_list(stranger, LIST.encode(), categoryId=id))["userErrors"]
    assert (error["code"], error["path"]) == ("NOT_FOUND", ["categoryId"])
    assert await counted(services) == (1, 1)


LIST = (
    'url,title,sourceId\r\nhttp://films.example/1.mp4,"电影,一",a\r\nhttp://films.example/2,,\r\n'
)
ENCODINGS = ("utf-8", "utf-8-sig", "gb18030")


@pytest.mark.parametrize("encoding", ENCODINGS)
async def test_a_list_in_csv(api: Api, encoding: str) -> None:
    id = (await send_list(api, LIST.encode(encoding)))["task"]["id"]
    rows = await fetching.rows(api, id)
    shown = [(one["url"], one["title"], one["sourceId"]) for one in rows]
    assert shown == [
        ("http://films.example/1.mp4", "电影,一", "a"),
        ("http://films.example/2", None, None),
    ]
    assert (await fetching.state(api, id))["fileName"] == "list.csv"


async def send_list(api: Api, data: bytes, **input: Any) -> dict[str, Any]:
    values = {"source": {"csvFile": None}, "sourceType": "cms", **input}
    file = {"variables.input.source.csvFile": ("list.csv", data, "text/csv")}
    body = (await forms.post(api, fetching.CREATE, {"input": values}, file)).json()
    assert "errors" not in body, body
    return body["data"]["createFetch"]


async def test_a_stored_list(api: Api, stranger: Api, services: Services) -> None:
    stored = await forms.run(api, STORE, {}, LIST.encode(), name="stored.csv")
    id = stored["uploadObject"]["storedObject"]["storageId"]
    values = {"source": {"csvStorageId": id}, "sourceType": "cms"}
    payload = (await api.run(fetching.CREATE, input=values))["createFetch"]
    assert (payload["task"]["fileName"], payload["task"]["totalCount"]) == ("stored.csv", 2)
    for who, sent in ((stranger, id), (api, "nothing"), (api, "\0")):
        values["source"] = {"csvStorageId": sent}
        (error,) = (await who.run(fetching.CREATE, input=values))["createFetch"]["userErrors"]
        assert (error["code"], error["path"]) == ("NOT_FOUND", ["source", "csvStorageId"])
    assert await counted(services) == (1, 2)


async def test_wrong_lines_of_a_list_are_named_together(api: Api, services: Services) -> None:
    data = f"url\n{URL}\nftp://films.example/a\n{URL}\nhttp://films.example:1/b\n".encode()
    (error,) = (await send_list(api, data))["userErrors"]
    assert (error["code"], error["path"]) == ("INVALID_ARGUMENT", ["source", "csvFile"])
    assert "Line 3: " in error["message"]
    assert "Line 5: " in error["message"]
    (error,) = (await send_list(api, b"http://169.254.169.254/latest\n"))["userErrors"]
    assert "Line 1: The server's address is not one of the public" in error["message"]
    (error,) = (await send_list(api, f"{URL}\n".encode() * 1001))["userErrors"]
    assert (error["code"], error["limit"]) == ("LIMIT_EXCEEDED", 1000)
    (error,) = (await send_list(api, b"x" * ((4 << 20) + 1)))["userErrors"]
    assert (error["code"], error["limit"]) == ("LIMIT_EXCEEDED", 4 << 20)
    assert await counted(services) == (0, 0)


async def test_nobody_else_sees_a_fetch(api: Api, stranger: Api, anonymous: Api) -> None:
    id = await fetching.begin(api, URL)
    (row,) = await fetching.rows(api, id)
    node = "query ($id: ID!) { node(id: $id) { id } }"
    assert await api.run(node, id=row["id"]) == {"node": {"id": row["id"]}}
    assert await stranger.run(fetching.FETCH, id=id) == {"task": None}
    assert await stranger.run(node, id=row["id"]) == {"node": None}
    assert await stranger.run("{ tasks { totalCount } }") == {"tasks": {"totalCount": 0}}
    for query in (fetching.FETCH, node):
        with pytest.raises(OperationFailed) as refused:
            await anonymous.run(query, id=id)
        assert refused.value.codes == ["UNAUTHENTICATED"]
    with pytest.raises(OperationFailed) as refused:
        await fetching.create(anonymous, URL)
    assert refused.value.codes == ["UNAUTHENTICATED"]


async def test_only_its_owner_deletes_a_fetch(
    api: Api, stranger: Api, anonymous: Api, services: Services
) -> None:
    id = await fetching.begin(api, URL)
    other = (await api.run("{ viewer { id } }"))["viewer"]["id"]
    for who, sent in ((stranger, id), (api, other), (api, "x")):
        payload = (await who.run(DELETE, id=sent))["deleteFetch"]
        assert payload["deletedIds"] == []
        (error,) = payload["userErrors"]
        assert error == {"code": "NOT_FOUND", "path": ["id"], "ids": [sent]}
    with pytest.raises(OperationFailed):
        await anonymous.run(DELETE, id=id)
    assert await counted(services) == (1, 1)
    done = {"deletedIds": [id], "userErrors": []}
    assert (await api.run(DELETE, id=id))["deleteFetch"] == done
    assert await counted(services) == (0, 0)
    assert await fetching.state(api, id) is None
    (error,) = (await api.run(DELETE, id=id))["deleteFetch"]["userErrors"]
    assert error["code"] == "NOT_FOUND"
