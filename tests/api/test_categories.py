"""Categories: the tree, and videos in it."""

import asyncio
from typing import Any

import psycopg
import pytest

from domain import categories
from domain.paging import MAX_PAGE_SIZE
from tests.support import uploading
from tests.support.api import Api, OperationFailed
from tests.support.categorizing import chain, default_id
from tests.support.possession import take_over
from tests.support.storing import CREATE, create, small, stored
from tests.support.templating import category, codes, rule, save_category, save_rule

LIST = """{
  categories { totalCount nodes { id categoryId isDefault name parent { id } } }
}"""
ONE = "query ($by: CategoryBy!) { category(by: $by) { id categoryId } }"
ONE_NAMED = "query ($by: CategoryBy!) { category(by: $by) { name isDefault } }"
FILTERED = """
query ($filter: CategoryFilter) {
  categories(filter: $filter) { totalCount nodes { name } }
}
"""
COUNT = "{ categories { totalCount } }"
OF_VIDEO = "query ($id: ID!) { node(id: $id) { ... on Video { category { name } } } }"
OF_UPLOAD = "query ($id: ID!) { uploadSession(id: $id) { category { id } video { id } } }"
NOT_FOUND = [("NOT_FOUND", ["categoryId"])]


async def place(api: Api, video_id: str) -> dict[str, Any] | None:
    return (await api.run(OF_VIDEO, id=video_id))["node"]["category"]


async def test_categories_are_listed_by_name(api: Api, stranger: Api) -> None:
    sports = await category(api, " Sports ")
    football = await category(api, "Football", parentId=sports["id"])
    found = (await api.run(LIST))["categories"]
    default, *others = found["nodes"]
    assert default == {
        "id": default["id"],
        "categoryId": "1",
        "isDefault": True,
        "name": "Default",
        "parent": None,
    }
    assert others == [
        {
            "id": football["id"],
            "categoryId": "3",
            "isDefault": False,
            "name": "Football",
            "parent": {"id": sports["id"]},
        },
        {
            "id": sports["id"],
            "categoryId": "2",
            "isDefault": False,
            "name": "Sports",
            "parent": None,
        },
    ]
    assert found["totalCount"] == 3
    theirs = (await stranger.run(LIST))["categories"]["nodes"]
    assert [one["name"] for one in theirs] == ["Default"]
    assert theirs[0]["id"] != default["id"]


async def test_a_category_is_found_by_its_id_or_its_number(
    api: Api, stranger: Api, anonymous: Api
) -> None:
    made = (await category(api))["id"]
    for by in ({"id": made}, {"categoryId": "2"}):
        assert await api.run(ONE, by=by) == {"category": {"id": made, "categoryId": "2"}}
        assert await stranger.run(ONE, by=by) == {"category": None}
        with pytest.raises(OperationFailed) as refused:
            await anonymous.run(ONE, by=by)
        assert refused.value.codes == ["UNAUTHENTICATED"]
    assert (await stranger.run(ONE, by={"categoryId": "1"}))["category"]["categoryId"] == "1"


@pytest.mark.parametrize("number", ["", "0", "3", "-1", " 2", "2.0", "²", "x", "\0", "9" * 4_300])
async def test_there_is_no_category_with_another_number(api: Api, number: str) -> None:
    await category(api)
    assert await api.run(ONE, by={"categoryId": number}) == {"category": None}


async def test_numbers_are_never_given_out_again(api: Api) -> None:
    first = (await category(api))["id"]
    await api.run("mutation ($id: ID!) { deleteCategory(id: $id) { deletedIds } }", id=first)
    second = (await category(api))["id"]
    assert (await api.run(ONE, by={"categoryId": "3"}))["category"]["id"] == second


async def test_categories_are_listed_by_where_they_lie_and_what_they_are_called(api: Api) -> None:
    outer = (await category(api, "Sports"))["id"]
    for name in ("Tennis", "FOOTBALL", "100% sports_"):
        await category(api, name, parentId=outer)

    async def listed(**filter: Any) -> list[str]:
        found = (await api.run(FILTERED, filter=filter))["categories"]
        names = [one["name"] for one in found["nodes"]]
        assert found["totalCount"] == len(names)
        return names

    assert await listed() == ["100% sports_", "Default", "FOOTBALL", "Sports", "Tennis"]
    assert await listed(parentId=None) == ["Default", "Sports"]
    assert await listed(parentId=outer) == ["100% sports_", "FOOTBALL", "Tennis"]
    assert await listed(search="football") == ["FOOTBALL"]
    assert await listed(search="SPORTS", parentId=None) == ["Sports"]
    assert await listed(search="%") == ["100% sports_"]
    assert await listed(search="_", parentId=outer) == ["100% sports_"]
    assert await listed(search="") == await listed(search=None) == await listed()
    assert await listed(parentId="") == await listed(parentId=outer[:-4]) == []


async def test_strangers_see_nothing_in_a_category(api: Api, stranger: Api) -> None:
    outer, _ = await chain(api, 2)
    for filter in ({"parentId": outer}, {"search": "0"}):
        found = (await stranger.run(FILTERED, filter=filter))["categories"]
        assert found == {"totalCount": 0, "nodes": []}


@pytest.mark.parametrize(
    ("search", "code"), [("a\0b", "INVALID_ARGUMENT"), ("x" * 256, "LIMIT_EXCEEDED")]
)
async def test_a_search_has_the_characters_of_a_name(api: Api, search: str, code: str) -> None:
    with pytest.raises(OperationFailed) as refused:
        await api.run(FILTERED, filter={"search": search})
    assert refused.value.codes == [code]


async def test_a_category_tells_what_lies_in_it_and_where_it_lies(api: Api) -> None:
    outer, middle, inner = await chain(api, 3)
    await category(api, "A", parentId=outer)
    nodes = (await api.run("{ categories { nodes { id path children { name } } } }"))["categories"]
    shown = {one.pop("id"): one for one in nodes["nodes"]}
    assert shown[outer] == {"path": ["0"], "children": [{"name": "1"}, {"name": "A"}]}
    assert shown[middle] == {"path": ["0", "1"], "children": [{"name": "2"}]}
    assert shown[inner] == {"path": ["0", "1", "2"], "children": []}


async def test_a_category_names_the_first_hundred_in_it(
    api: Api, wiper: psycopg.Connection
) -> None:
    outer = (await category(api))["id"]
    wiper.execute(
        "insert into category (id, account_id, parent_id, number, name) select gen_random_uuid(),"
        " account_id, id, 2 + n, to_char(n, 'FM000') from category, generate_series(1, 101) n"
        " where number = 2"
    )
    query = "query ($by: CategoryBy!) { category(by: $by) { children { name } } }"
    found = (await api.run(query, by={"id": outer}))["category"]["children"]
    assert [one["name"] for one in found] == [f"{number:03}" for number in range(1, 101)]
    assert (await api.run(FILTERED, filter={"parentId": outer}))["categories"]["totalCount"] == 101


async def test_the_default_category_can_be_renamed_and_not_moved(api: Api) -> None:
    default, other = await default_id(api), (await category(api))["id"]
    renamed = await category(api, "Unsorted", id=default, parentId=None)
    assert renamed == {"id": default, "name": "Unsorted", "parent": None}
    refused = await save_category(api, "Inner", id=default, parentId=other)
    assert codes(refused) == [("CATEGORY_IS_DEFAULT", ["parentId"])]
    shown = (await api.run(ONE_NAMED, by={"id": default}))["category"]
    assert shown == {"name": "Unsorted", "isDefault": True}
    await category(api, id=other, parentId=default)


async def test_an_empty_id_is_no_id_that_was_left_out(api: Api) -> None:
    assert codes(await save_category(api, id="")) == [("NOT_FOUND", ["id"])]
    assert codes(await save_category(api, parentId="")) == [("NOT_FOUND", ["parentId"])]
    (outer,) = await chain(api, 1)
    assert codes(await save_category(api, id=outer, parentId="")) == [("NOT_FOUND", ["parentId"])]
    assert (await category(api, id=None, parentId=None))["parent"] is None
    assert (await api.run(COUNT))["categories"]["totalCount"] == 3


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
    copies = categories.MAX_CATEGORIES - 1
    wiper.execute(
        "insert into category (id, account_id, number, name) select gen_random_uuid(), account_id,"
        " number + n, name from category, generate_series(1, %s) n",
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
    assert (await api.run(COUNT))["categories"]["totalCount"] == 1


async def test_a_strangers_category_is_not_found(api: Api, stranger: Api) -> None:
    mine = (await category(api))["id"]
    assert codes(await save_category(stranger, id=mine)) == [("NOT_FOUND", ["id"])]
    assert codes(await save_category(stranger, parentId=mine)) == [("NOT_FOUND", ["parentId"])]
    assert codes(await save_rule(stranger, categoryId=mine)) == NOT_FOUND
    query = "query ($id: ID!) { node(id: $id) { id } }"
    assert await stranger.run(query, id=mine) == {"node": None}
    assert await api.run(query, id=mine) == {"node": {"id": mine}}
    assert (await rule(api, categoryId=mine))["category"] == {"id": mine}


async def test_videos_lie_in_the_default_category_unless_the_caller_says_otherwise(
    api: Api,
) -> None:
    kept = (await stored(api, b"x" * 100))["storedObject"]["storageId"]
    simulated = {"simulate": {"durationMs": 1_000}}
    made = [
        (await create(api, kept, sourceId="2"))["video"],
        (await small(api, b"y" * 100))["video"],
        (await api.run(CREATE, input=simulated))["createVideo"]["video"],
    ]
    begun = await uploading.begin(api, b"z" * 100)
    await uploading.put(api, begun["id"], 1, b"z" * 100)
    await uploading.complete(api, begun["id"], uploading.sha256(b"z" * 100))
    shown = (await api.run(OF_UPLOAD, id=begun["id"]))["uploadSession"]
    assert shown["category"] is None
    for video in (*made, shown["video"]):
        assert await place(api, video["id"]) == {"name": "Default"}


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
    made = (await take_over(api, data))["video"]["id"]
    assert await place(api, made) == {"name": "Default"}
