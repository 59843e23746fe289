"""Pages by their number, for those who jump."""

from typing import Any

import pytest

from resolvers.context import Services
from tests.support import factories
from tests.support.api import Api, OperationFailed
from tests.support.statements import recorded

PAGE = """
query ($first: Int, $page: Int, $after: String, $last: Int) {
  videos(first: $first, page: $page, after: $after, last: $last) {
    totalCount
    nodes { title tasks(first: 1, page: 2) { nodes { id } pageInfo { pageNumber totalPages } } }
    pageInfo { pageNumber totalPages hasNextPage hasPreviousPage endCursor }
  }
}
"""


@pytest.fixture
async def seven(services: Services, owner: factories.Owner) -> None:
    """Videos a to g; the newest, and so the first, is g."""
    for minutes, title in enumerate("abcdefg"):
        await factories.video(services.db, owner.account, title=title, minutes=minutes)


async def page(api: Api, **arguments: Any) -> dict[str, Any]:
    found = (await api.run(PAGE, **arguments))["videos"]
    return {**found["pageInfo"], "titles": "".join(one["title"] for one in found["nodes"])}


@pytest.mark.usefixtures("seven")
async def test_pages_have_numbers(api: Api) -> None:
    found = [await page(api, first=3, page=number) for number in (1, 2, 3, 4)]
    assert [one["titles"] for one in found] == ["gfe", "dcb", "a", ""]
    assert [one["pageNumber"] for one in found] == [1, 2, 3, 4]
    assert {one["totalPages"] for one in found} == {3}
    assert [one["hasNextPage"] for one in found] == [True, True, False, False]
    assert [one["hasPreviousPage"] for one in found] == [False, True, True, True]


@pytest.mark.usefixtures("seven")
async def test_one_can_go_on_from_a_numbered_page_by_its_cursor(api: Api) -> None:
    second = await page(api, first=2, page=2)
    rest = await page(api, first=9, after=second["endCursor"])
    assert (rest["titles"], rest["pageNumber"], rest["totalPages"]) == ("cba", None, 1)


async def test_lists_inside_of_lists_have_numbered_pages_too(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    video = await factories.video(services.db, owner.account)
    for _ in range(3):
        await factories.transcode_task(services.db, video)
    with recorded(services) as statements:
        found = await api.run(PAGE, first=5)
    (node,) = found["videos"]["nodes"]
    assert len(node["tasks"]["nodes"]) == 1
    assert node["tasks"]["pageInfo"] == {"pageNumber": 2, "totalPages": 3}
    assert len([one for one in statements if "video" in one]) == 1


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"page": 0}, "`page` is 0; pages begin with 1."),
        ({"page": -1}, "`page` is -1; pages begin with 1."),
        ({"page": 2, "after": "x"}, "`page` goes with `first` alone."),
        ({"page": 2, "last": 2}, "`page` goes with `first` alone."),
        (
            {"page": 10_002, "first": 1},
            "The number of items before the page is 10001; the limit is 10000.",
        ),
    ],
)
async def test_a_page_that_cannot_be_is_refused(
    api: Api, arguments: dict[str, Any], message: str
) -> None:
    with pytest.raises(OperationFailed) as failure:
        await api.run(PAGE, **{"first": 15, **arguments})
    (error,) = failure.value.errors
    assert (error["message"], error["path"]) == (message, ["videos"])


async def test_a_page_of_nothing_has_no_number_of_pages(api: Api) -> None:
    query = "{ videos(first: 0) { pageInfo { totalPages } } }"
    assert await api.run(query) == {"videos": {"pageInfo": {"totalPages": None}}}
