"""Categories: the tree, and videos in it."""

import asyncio
from typing import Any

import psycopg
import pytest

from domain import categories
from domain.paging import MAX_PAGE_SIZE
from tests.api.test_objects import CREATE, create
from tests.api.test_small_uploads import small, stored
from tests.support import uploading
from tests.support.api import Api
from tests.support.possession import take_over
from tests.support.templating import category, codes, rule, save_category, save_rule

LIST = "{ categories { totalCount nodes { id name parent { id } } } }"
OF_VIDEO = "query ($id: ID!) { node(id: $id) { ... on Video { category { name } } } }"
OF_UPLOAD = "query ($id: ID!) { uploadSession(id: $id) { category { id } video { id } } }"
NOT_FOUND = [("NOT_FOUND", ["categoryId"])]


async def chain(api: Api, length: int) -> list[str]:
    """Categories that lie in one another, the outermost first."""
    made: list[str] = []
    for number in range(length):
        place = {"parentId": made[-1]} if made else {}
        made.append((await category(api, str(number), **place))["id"])
    return made


async def place(api: Api, video_id: str) -> dict[str, Any] | None:
    return (await api.run(OF_VIDEO, id=video_id))["node"]["category"]


async def test_categories_are_listed_by_name(api: Api, stranger: Api) -> None:
    sports = await category(api, " Sports ")
    football = await category(api, "Football", parentId=sports["id"])
    assert await api.run(LIST) == {
        "categories": {
            "totalCount": 2,
            "nodes": [
                {"id": football["id"], "name": "Football", "parent": {"id": sports["id"]}},
                {"id": sports["id"], "name": "Sports", "parent": None},
            ],
        }
    }
    assert (await stranger.run(LIST))["categories"]["totalCount"] == 0


async def test_an_empty_id_is_no_id_that_was_left_out(api: Api) -> None:
    assert codes(await save_category(api, id="")) == [("NOT_FOUND", ["id"])]
    assert codes(await save_category(api, parentId="")) == [("NOT_FOUND", ["parentId"])]
    (outer,) = await chain(api, 1)
    assert codes(await save_category(api, id=outer, parentId="")) == [("NOT_FOUND", ["parentId"])]
    assert (await category(api, id=None, parentId=None))["parent"] is None
    assert (await api.run(LIST))["categories"]["totalCount"] == 2


async def test_a_category_moves_only_when_that_is_asked_for(api: Api) -> None:
    outer, inner = await chain(api, 2)
    renamed = await category(api, "Renamed", id=inner)
    assert renamed == {"id": inner, "name": "Renamed", "parent": {"id": outer}}
    moved = await category(api, "Renamed", id=inner, parentId=None)
    assert moved["parent"] is None
    back = await category(api, "Renamed", id=inner, parentId=outer)
    assert back["parent"] == {"id": outer}


async def test_a_category_cannot_lie_in_itself(api: Api) -> None:
    outer, middle, inner = await chain(api, 3)
    for parent in (outer, middle, inner):
        refused = await save_category(api, id=outer, parentId=parent)
        assert codes(refused) == [("CATEGORY_IS_ANCESTOR", ["parentId"])]
    await category(api, id=inner, parentId=outer)


async def test_two_moves_at_once_make_no_ring(api: Api) -> None:
    one, other = (await category(api))["id"], (await category(api))["id"]
    payloads = await asyncio.gather(
        save_category(api, id=one, parentId=other), save_category(api, id=other, parentId=one)
    )
    refused = [codes(payload) for payload in payloads if payload["userErrors"]]
    assert refused == [[("CATEGORY_IS_ANCESTOR", ["parentId"])]]


async def test_the_tree_is_so_deep_and_no_deeper(api: Api) -> None:
    made = await chain(api, categories.MAX_DEPTH)
    refused = await save_category(api, parentId=made[-1])
    (error,) = refused["userErrors"]
    assert (error["code"], error["limit"], error["actual"]) == ("LIMIT_EXCEEDED", 10, 11)
    await category(api, id=made[-1], parentId=made[0])
    top = await category(api)
    refused = await save_category(api, id=made[0], parentId=top["id"])
    assert codes(refused) == []  # nine lie in one another now
    over = await category(api)
    refused = await save_category(api, id=top["id"], parentId=over["id"])
    assert codes(refused) == [("LIMIT_EXCEEDED", ["parentId"])]


async def test_there_are_so_many_categories_and_no_more(
    api: Api, wiper: psycopg.Connection
) -> None:
    await category(api)
    copies = categories.MAX_CATEGORIES - 1
    wiper.execute(
        "insert into category (id, account_id, name) select gen_random_uuid(), account_id, name"
        " from category, generate_series(1, %s)",
        (copies,),
    )
    (error,) = (await save_category(api))["userErrors"]
    assert (error["code"], error["limit"], error["actual"]) == ("LIMIT_EXCEEDED", 10_000, 10_001)
    limits = "{ limits { maxCategories maxCategoryDepth maxPageSize } }"
    assert (await api.run(limits))["limits"] == {
        "maxCategories": 10_000,
        "maxCategoryDepth": 10,
        "maxPageSize": MAX_PAGE_SIZE,
    }


@pytest.mark.parametrize("name", ["", "  ", "a\0b", "x" * 256])
async def test_a_category_needs_a_name(api: Api, name: str) -> None:
    ((_, path),) = codes(await save_category(api, name))
    assert path == ["name"]
    assert (await api.run(LIST))["categories"]["totalCount"] == 0


async def test_a_strangers_category_is_not_found(api: Api, stranger: Api) -> None:
    mine = (await category(api))["id"]
    assert codes(await save_category(stranger, id=mine)) == [("NOT_FOUND", ["id"])]
    assert codes(await save_category(stranger, parentId=mine)) == [("NOT_FOUND", ["parentId"])]
    assert codes(await save_rule(stranger, categoryId=mine)) == NOT_FOUND
    query = "query ($id: ID!) { node(id: $id) { id } }"
    assert await stranger.run(query, id=mine) == {"node": None}
    assert await api.run(query, id=mine) == {"node": {"id": mine}}
    assert (await rule(api, categoryId=mine))["category"] == {"id": mine}


async def test_videos_of_objects_are_kept_where_the_caller_says(api: Api, stranger: Api) -> None:
    mine, other = (await category(api))["id"], (await category(stranger))["id"]
    kept = (await stored(api, b"x" * 100))["storedObject"]["storageId"]
    refused = await create(api, kept, categoryId=other)
    assert (refused["video"], codes(refused)) == (None, NOT_FOUND)
    made = (await create(api, kept, categoryId=mine))["video"]["id"]
    assert await place(api, made) == {"name": "Sports"}


async def test_simulated_videos_are_kept_where_the_caller_says(api: Api, stranger: Api) -> None:
    mine, other = (await category(api))["id"], (await category(stranger))["id"]
    input = {"simulate": {"durationMs": 1_000}, "categoryId": other}
    refused = (await api.run(CREATE, input=input))["createVideo"]
    assert (refused["video"], codes(refused)) == (None, NOT_FOUND)
    made = (await api.run(CREATE, input={**input, "categoryId": mine}))["createVideo"]["video"]
    assert await place(api, made["id"]) == {"name": "Sports"}


async def test_uploaded_videos_are_kept_where_the_caller_says(api: Api, stranger: Api) -> None:
    mine, other, data = (await category(api))["id"], (await category(stranger))["id"], b"x" * 100
    input = {"title": "x", "sha256": uploading.sha256(data), "fileSize": 100, "categoryId": other}
    refused = (await api.run(uploading.CREATE, input=input))["createUploadSession"]
    assert (refused["uploadSession"], codes(refused)) == (None, NOT_FOUND)
    begun = await uploading.begin(api, data, categoryId=mine)
    await uploading.put(api, begun["id"], 1, data)
    await uploading.complete(api, begun["id"], uploading.sha256(data))
    shown = (await api.run(OF_UPLOAD, id=begun["id"]))["uploadSession"]
    assert shown["category"] == {"id": mine}
    assert await place(api, shown["video"]["id"]) == {"name": "Sports"}


async def test_small_videos_are_kept_where_the_caller_says(api: Api, stranger: Api) -> None:
    mine, other = (await category(api))["id"], (await category(stranger))["id"]
    refused = await small(api, b"x" * 100, categoryId=other)
    assert (refused["video"], codes(refused)) == (None, NOT_FOUND)
    made = (await small(api, b"x" * 100, categoryId=mine))["video"]["id"]
    assert await place(api, made) == {"name": "Sports"}


async def test_taken_over_videos_are_kept_where_the_caller_says(api: Api, stranger: Api) -> None:
    mine, other, data = (await category(api))["id"], (await category(stranger))["id"], b"y" * 100
    await stored(stranger, data)
    refused = await take_over(api, data, categoryId=other)
    assert (refused["video"], codes(refused)) == (None, NOT_FOUND)
    made = (await take_over(api, data, categoryId=mine))["video"]["id"]
    assert await place(api, made) == {"name": "Sports"}
