"""Moving categories."""

import asyncio
import uuid

import pytest

from domain.categories import MAX_DEPTH
from schema import ids
from tests.support.api import Api, OperationFailed
from tests.support.categorizing import UNKNOWN, chain, default_id, delete, move, parent
from tests.support.templating import category, codes


async def test_a_category_moves_with_all_that_lies_in_it(api: Api) -> None:
    outer, middle, inner = await chain(api, 3)
    other = (await category(api))["id"]
    moved = await move(api, middle, other)
    assert moved == {"category": {"id": middle, "parent": {"id": other}}, "userErrors": []}
    assert (await move(api, middle, None))["category"] == {"id": middle, "parent": None}
    assert [await parent(api, one) for one in (outer, middle, inner)] == [None, None, middle]


async def test_where_a_category_cannot_be_moved(api: Api) -> None:
    outer, middle, inner = await chain(api, 3)
    default = await default_id(api)
    refusals = {
        (outer, outer): ("CATEGORY_SAME", "destinationId"),
        (UNKNOWN, UNKNOWN): ("CATEGORY_SAME", "destinationId"),
        (inner, middle): ("CATEGORY_IS_PARENT", "destinationId"),
        (outer, None): ("CATEGORY_IS_PARENT", "destinationId"),
        (outer, middle): ("CATEGORY_IS_ANCESTOR", "destinationId"),
        (outer, inner): ("CATEGORY_IS_ANCESTOR", "destinationId"),
        (default, inner): ("CATEGORY_IS_DEFAULT", "categoryId"),
        (default, None): ("CATEGORY_IS_DEFAULT", "categoryId"),
        ("", inner): ("CATEGORY_REQUIRED", "categoryId"),
        (inner, ""): ("CATEGORY_REQUIRED", "destinationId"),
        ("1", inner): ("CATEGORY_INVALID", "categoryId"),
        (inner, "1"): ("CATEGORY_INVALID", "destinationId"),
        (ids.encode("Video", uuid.UUID(int=7)), inner): ("CATEGORY_INVALID", "categoryId"),
        (UNKNOWN, inner): ("NOT_FOUND", "categoryId"),
        (inner, UNKNOWN): ("NOT_FOUND", "destinationId"),
    }
    for (id, to), (code, path) in refusals.items():
        refused = await move(api, id, to)
        assert (refused["category"], codes(refused)) == (None, [(code, [path])])
    assert [await parent(api, one) for one in (outer, middle, inner)] == [None, outer, middle]


async def test_a_destination_cannot_be_left_out(api: Api) -> None:
    _, inner = await chain(api, 2)
    query = "mutation ($id: ID!) { moveCategory(categoryId: $id) { userErrors { code path } } }"
    refused = (await api.run(query, id=inner))["moveCategory"]
    assert codes(refused) == [("CATEGORY_REQUIRED", ["destinationId"])]


async def test_a_move_makes_the_tree_no_deeper_than_it_may_be(api: Api) -> None:
    made = await chain(api, MAX_DEPTH)
    other = (await category(api))["id"]
    (error,) = (await move(api, made[0], other))["userErrors"]
    assert error == {"code": "LIMIT_EXCEEDED", "path": ["destinationId"], "limit": MAX_DEPTH}
    assert codes(await move(api, made[1], other)) == []


async def test_strangers_and_callers_without_a_key_move_nothing(
    api: Api, stranger: Api, anonymous: Api
) -> None:
    outer, inner = await chain(api, 2)
    theirs = (await category(stranger))["id"]
    assert codes(await move(stranger, inner, None)) == [("NOT_FOUND", ["categoryId"])]
    assert codes(await move(stranger, theirs, outer)) == [("NOT_FOUND", ["destinationId"])]
    assert codes(await delete(stranger, inner)) == [("NOT_FOUND", ["id"])]
    assert codes(await delete(stranger, theirs, outer)) == [("NOT_FOUND", ["videosTo"])]
    assert await parent(api, inner) == outer
    for run in (move(anonymous, inner, None), delete(anonymous, inner)):
        with pytest.raises(OperationFailed) as refused:
            await run
        assert refused.value.codes == ["UNAUTHENTICATED"]


async def test_moves_at_once_make_no_ring(api: Api) -> None:
    made = [(await category(api))["id"] for _ in range(4)]
    ring = zip(made, [*made[1:], made[0]], strict=True)
    payloads = await asyncio.gather(*(move(api, one, to) for one, to in ring))
    refused = [codes(payload) for payload in payloads if payload["userErrors"]]
    assert refused == [[("CATEGORY_IS_ANCESTOR", ["destinationId"])]]
