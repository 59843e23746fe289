"""Videos: one by its names, and pages of all."""

from typing import Any

import psycopg
import pytest

from domain.videos import VideoStatus
from resolvers.context import Services
from schema import ids
from tests.support import factories
from tests.support.api import Api, OperationFailed

PAGE = """
query (
  $first: Int, $after: String, $last: Int, $before: String,
  $filter: VideoFilter, $orderBy: VideoOrderInput
) {
  videos(
    first: $first, after: $after, last: $last, before: $before, filter: $filter, orderBy: $orderBy
  ) {
    totalCount
    nodes { title }
    edges { cursor node { title } }
    pageInfo { hasNextPage hasPreviousPage startCursor endCursor }
  }
}
"""


async def page(api: Api, **arguments: Any) -> dict[str, Any]:
    """A page; what the cursors say of it is checked for every page that a test asks for."""
    found = (await api.run(PAGE, **arguments))["videos"]
    edges = found.pop("edges")
    assert [edge["node"] for edge in edges] == found["nodes"]
    cursors = [edge["cursor"] for edge in edges]
    info, nodes = found.pop("pageInfo"), found.pop("nodes")
    ends = (cursors[0], cursors[-1]) if cursors else (None, None)
    assert (info["startCursor"], info["endCursor"]) == ends
    return {**found, **info, "titles": "".join(one["title"] for one in nodes)}


async def titles(api: Api, **arguments: Any) -> str:
    return (await page(api, **arguments))["titles"]


@pytest.fixture
async def five(services: Services, owner: factories.Owner) -> None:
    """Five videos, of which b, c and d are of the same moment."""
    for title, minutes in (("a", 0), ("b", 1), ("c", 1), ("d", 1), ("e", 2)):
        await factories.video(services.db, owner.account, title=title, minutes=minutes)


async def in_order(api: Api) -> str:
    """The titles as the list has them: e, then b, c and d by their ids, then a."""
    whole = await titles(api, first=100)
    assert (whole[0], sorted(whole[1:4]), whole[4]) == ("e", ["b", "c", "d"], "a")
    return whole


@pytest.mark.usefixtures("five")
@pytest.mark.parametrize("size", [1, 2, 3])
async def test_pages_forward_hold_everything_once(api: Api, size: int) -> None:
    whole, read, after = await in_order(api), "", None
    while True:
        one = await page(api, first=size, after=after)
        assert (one["totalCount"], one["hasPreviousPage"]) == (5, after is not None)
        read, after = read + one["titles"], one["endCursor"]
        assert one["hasNextPage"] is (len(read) < 5)
        if not one["hasNextPage"]:
            break
    assert read == whole


@pytest.mark.usefixtures("five")
@pytest.mark.parametrize("size", [1, 2, 3])
async def test_pages_backward_hold_everything_once_in_the_same_order(api: Api, size: int) -> None:
    whole, read, before = await in_order(api), "", None
    while True:
        one = await page(api, last=size, before=before)
        assert (one["totalCount"], one["hasNextPage"]) == (5, before is not None)
        read, before = one["titles"] + read, one["startCursor"]
        assert one["hasPreviousPage"] is (len(read) < 5)
        if not one["hasPreviousPage"]:
            break
    assert read == whole


@pytest.mark.usefixtures("five")
async def test_a_cursor_stays_right_while_videos_come_and_go(
    api: Api, services: Services, owner: factories.Owner, wiper: psycopg.Connection
) -> None:
    whole = await in_order(api)
    two = await page(api, first=2)
    await factories.video(services.db, owner.account, title="f", minutes=3)
    wiper.execute("delete from video where title = %s", [whole[1]])  # the cursor's own
    assert await titles(api, first=100, after=two["endCursor"]) == whole[2:]


@pytest.mark.usefixtures("five")
async def test_the_first_page_is_of_15_and_the_newest_first(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    for minutes in range(3, 14):
        await factories.video(services.db, owner.account, title="x", minutes=minutes)
    found = await api.run("{ videos { nodes { title } pageInfo { hasNextPage } } }")
    assert found["videos"]["pageInfo"] == {"hasNextPage": True}
    shown = "".join(one["title"] for one in found["videos"]["nodes"])
    assert shown == "x" * 11 + (await titles(api, first=15))[11:]
    assert (shown[11], sorted(shown[12:])) == ("e", ["b", "c", "d"])


@pytest.mark.parametrize(
    ("field", "ascending"),
    [("CREATED_AT", "bca"), ("UPDATED_AT", "cab"), ("TITLE", "abc")],
)
async def test_each_order_works_both_ways_and_with_cursors(
    api: Api,
    services: Services,
    owner: factories.Owner,
    wiper: psycopg.Connection,
    *,
    field: str,
    ascending: str,
) -> None:
    for title, created, updated in (("a", 3, 2), ("b", 1, 3), ("c", 2, 1)):
        await factories.video(services.db, owner.account, title=title, minutes=created)
        wiper.execute(
            "update video set updated_at = created_at - %s * interval '1 minute' where title = %s",
            [created - updated, title],
        )
    for direction, expected in (("ASC", ascending), ("DESC", ascending[::-1])):
        order = {"field": field, "direction": direction}
        assert await titles(api, first=3, orderBy=order) == expected
        start = await page(api, first=1, orderBy=order)
        rest = await page(api, first=2, after=start["endCursor"], orderBy=order)
        assert start["titles"] + rest["titles"] == expected
        end = await page(api, last=1, orderBy=order)
        rest = await page(api, last=2, before=end["startCursor"], orderBy=order)
        assert rest["titles"] + end["titles"] == expected


async def test_titles_are_in_order_of_their_code_points(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    for title in "aBZé_":
        await factories.video(services.db, owner.account, title=title)
    order = {"field": "TITLE", "direction": "ASC"}
    assert await titles(api, first=5, orderBy=order) == "BZ_aé"


async def test_a_list_may_hold_only_some_states(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    for status in VideoStatus:
        await factories.video(services.db, owner.account, title=status.name[2], status=status)
    kept = "BILLNO"  # all but DELETED
    filters: list[tuple[Any, str]] = [
        ({"status": ["PUBLISHED"]}, "B"),
        ({"status": ["PUBLISHED", "PROCESSING"]}, "BO"),
        ({"status": ["DELETED", "PROCESSING"]}, "LO"),
        ({"status": []}, kept),
        ({"status": None}, kept),
        ({}, kept),
        (None, kept),
    ]
    for filter, expected in filters:
        one = await page(api, first=10, filter=filter)
        assert "".join(sorted(one["titles"])) == expected
        assert one["totalCount"] == len(expected)


async def test_an_empty_list_is_a_page_too(api: Api) -> None:
    assert await page(api, first=10) == {
        "totalCount": 0,
        "titles": "",
        "hasNextPage": False,
        "hasPreviousPage": False,
        "startCursor": None,
        "endCursor": None,
    }


@pytest.mark.usefixtures("five")
async def test_a_page_of_none_only_counts(api: Api) -> None:
    for arguments in ({"first": 0}, {"last": 0}):
        one = await page(api, **arguments)
        assert (one["totalCount"], one["titles"]) == (5, "")
        assert one["hasNextPage"] is ("first" in arguments)
        assert one["hasPreviousPage"] is ("last" in arguments)


REFUSED: list[tuple[dict[str, Any], str]] = [
    ({"first": 101}, "LIMIT_EXCEEDED"),
    ({"last": 101}, "LIMIT_EXCEEDED"),
    ({"first": -1}, "INVALID_ARGUMENT"),
    ({"last": -1}, "INVALID_ARGUMENT"),
    ({"first": None}, "INVALID_ARGUMENT"),
    ({"before": "x"}, "INVALID_ARGUMENT"),
    ({"last": 1, "after": "x"}, "INVALID_ARGUMENT"),
    ({"first": 1, "after": "x", "before": "x"}, "INVALID_ARGUMENT"),
    ({"first": 1, "after": "x"}, "BAD_CURSOR"),
    ({"first": 2**31}, "BAD_USER_INPUT"),
]


@pytest.mark.parametrize(("arguments", "code"), REFUSED)
async def test_a_window_that_cannot_be_is_refused(
    api: Api, arguments: dict[str, Any], code: str
) -> None:
    with pytest.raises(OperationFailed) as failure:
        await page(api, **arguments)
    assert failure.value.codes == [code]


BY = "query ($by: VideoBy!) { video(by: $by) { title vid width durationMs fileSize status } }"


async def test_a_video_is_found_by_its_id_and_by_its_short_one(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    row = await factories.video(services.db, owner.account)
    expected = {
        "title": "A video",
        "vid": row.vid,
        "width": 1280,
        "durationMs": 4000,
        "fileSize": 1000,
        "status": "PROCESSING",
    }
    for by in ({"id": ids.encode("Video", row.id)}, {"vid": row.vid}):
        assert await api.run(BY, by=by) == {"video": expected}


@pytest.mark.parametrize("vid", ["", "x", "x" * 1000, "é", "a\0b", "%"])
async def test_a_short_id_of_nothing_is_null(api: Api, vid: str) -> None:
    assert await api.run(BY, by={"vid": vid}) == {"video": None}


@pytest.mark.parametrize(
    "by", [{}, {"id": "x", "vid": "x"}, {"id": None}, {"vid": None}, {"id": "x", "vid": None}, None]
)
async def test_a_video_is_named_in_exactly_one_way(api: Api, by: Any) -> None:
    with pytest.raises(OperationFailed) as failure:
        await api.run(BY, by=by)
    assert failure.value.codes == ["BAD_USER_INPUT"]
    literal = "null" if by is None else str(by).replace("'", "").replace("x", '"x"')
    with pytest.raises(OperationFailed) as failure:
        await api.run(f"{{ video(by: {literal.replace('None', 'null')}) {{ id }} }}")
    assert set(failure.value.codes) == {"GRAPHQL_VALIDATION_FAILED"}


async def test_moments_are_utc_with_a_z(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    await factories.video(services.db, owner.account, minutes=90)
    assert await api.run("{ videos { nodes { createdAt publishedAt } } }") == {
        "videos": {"nodes": [{"createdAt": "2026-01-01T01:30:00.000000Z", "publishedAt": None}]}
    }
