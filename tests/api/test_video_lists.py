"""Lists of videos: every filter and order, and the one video that is asked for."""

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from db.models import Category, Video
from domain.videos import ShareState, SourceKind, VideoStatus
from resolvers.context import Services
from schema import ids
from tests.support import factories
from tests.support.api import Api, OperationFailed
from tests.support.factories import EPOCH, Owner

LIST = """
query ($filter: VideoFilter, $orderBy: VideoOrderInput, $first: Int, $after: String) {
  videos(filter: $filter, orderBy: $orderBy, first: $first, after: $after) {
    totalCount nodes { title } edges { cursor } pageInfo { hasNextPage endCursor }
  }
}
"""
BY = "query ($by: VideoBy!) { video(by: $by) { title } }"


async def titles(api: Api, filter: Any = None, **arguments: Any) -> str:
    """The titles, which are letters, in their order; the count agrees."""
    ask = {"first": 100, "filter": filter, **arguments}
    found = (await api.run(LIST, **ask))["videos"]
    assert found["totalCount"] == len(found["nodes"])
    return "".join(node["title"] for node in found["nodes"])


async def walked(api: Api, **arguments: Any) -> str:
    """The same, one after the other by their cursors."""
    read, after = "", None
    while True:
        found = (await api.run(LIST, first=1, after=after, **arguments))["videos"]
        read += "".join(node["title"] for node in found["nodes"])
        after = found["pageInfo"]["endCursor"]
        if not found["pageInfo"]["hasNextPage"]:
            assert found["totalCount"] == len(read)
            return read


async def one(api: Api, **by: Any) -> str | None:
    found = (await api.run(BY, by=by))["video"]
    return found and found["title"]


async def add(services: Services, owner: Owner, title: str, **columns: Any) -> Video:
    """A video with these values in its columns, a minute newer for each letter before its title."""
    row = await factories.video(services.db, owner.account, title=title, minutes=ord(title))
    if columns:
        async with services.db.write() as session:
            await session.execute(update(Video).where(Video.id == row.id).values(**columns))
    return row


async def category(services: Services, owner: Owner, number: int, parent: Any = None) -> Category:
    async with services.db.write() as session:
        row = Category(
            account_id=owner.account.id, number=number, name=str(number), parent_id=parent
        )
        session.add(row)
        await session.flush()
    return row


@pytest.fixture
async def library(services: Services, owner: Owner) -> dict[str, Any]:
    """Videos a to f, f the newest, and the categories 101 > 102 > 103, and 104."""
    numbers, made, parent = (101, 102, 103, 104), dict[str, Any](), None
    for number in numbers:
        row = await category(services, owner, number, parent if number != numbers[-1] else None)
        made[str(number)] = ids.encode("Category", row.id)
        made[f"key {number}"] = parent = row.id
    rows: dict[str, dict[str, Any]] = {
        "a": {"source_type": "crm", "source_id": "1", "owner_phone": "+86 138", "tags": ["x"]},
        "b": {"source_type": "crm", "source_id": "2", "source_kind": SourceKind.FETCH},
        "c": {"source_kind": SourceKind.TRIM, "tags": ["x", "y"], "owner_phone": "+86 138"},
        "d": {"share_state": ShareState.PUBLIC, "tags": ["y", "%"]},
        "e": {"share_state": ShareState.PASSWORD, "status": VideoStatus.BANNED},
        "f": {"status": VideoStatus.DELETED, "owner_phone": "+86 138", "tags": ["x", "y"]},
    }
    places = {"a": 101, "b": 102, "c": 103, "d": 104, "f": 101}
    for title, columns in rows.items():
        if title in places:
            columns["category_id"] = made[f"key {places[title]}"]
        made[title] = await add(services, owner, title, **columns)
    return made


def at(title: str) -> str:
    """When the video of this title was made."""
    return (EPOCH + timedelta(minutes=ord(title))).isoformat()


def filters(library: dict[str, Any]) -> list[tuple[dict[str, Any] | None, str]]:
    return [
        (None, "edcba"),
        ({}, "edcba"),
        ({"status": ["DELETED"]}, "f"),
        ({"status": ["DELETED", "BANNED"]}, "fe"),
        ({"sourceType": "crm"}, "ba"),
        ({"sourceType": "CRM"}, ""),
        ({"sourceType": ""}, ""),
        ({"sourceType": None}, "edcba"),
        ({"sourceKind": ["FETCH"]}, "b"),
        ({"sourceKind": ["TRIM", "FETCH", "SPLICE"]}, "cb"),
        ({"sourceKind": []}, "edcba"),
        ({"ownerPhone": "+86 138"}, "ca"),
        ({"ownerPhone": "+86"}, ""),
        ({"categoryId": library["101"]}, "a"),
        ({"categoryId": library["101"], "includeSubcategories": False}, "a"),
        ({"categoryId": library["101"], "includeSubcategories": True}, "cba"),
        ({"categoryId": library["102"], "includeSubcategories": True}, "cb"),
        ({"categoryId": library["104"], "includeSubcategories": True}, "d"),
        ({"categoryId": None, "includeSubcategories": True}, "edcba"),
        ({"categoryId": ids.encode("Category", library["a"].id)}, ""),
        ({"categoryId": ids.encode("Video", library["a"].id)}, ""),
        ({"categoryId": "", "includeSubcategories": True}, ""),
        ({"shareState": ["PUBLIC"]}, "d"),
        ({"shareState": "PUBLIC"}, "d"),
        ({"shareState": ["PUBLIC", "PASSWORD"]}, "ed"),
        ({"shareState": []}, "edcba"),
        ({"created": {"from": at("b")}}, "edcb"),
        ({"created": {"to": at("b")}}, "a"),
        ({"created": {"from": at("b"), "to": at("d")}}, "cb"),
        ({"created": {"from": at("b"), "to": at("b")}}, ""),
        ({"created": {}}, "edcba"),
        ({"created": None}, "edcba"),
        ({"tags": ["x"]}, "ca"),
        ({"tags": ["y", "x"]}, "c"),
        ({"tags": ["x", "x"]}, "ca"),
        ({"tags": ["X"]}, ""),
        ({"tags": ["%"]}, "d"),
        ({"tags": [""]}, ""),
        ({"tags": []}, "edcba"),
        ({"ownerPhone": "+86 138", "tags": ["y"]}, "c"),
        ({"ownerPhone": "+86 138", "sourceKind": ["FETCH"]}, ""),
        ({"search": "c", "tags": ["x"], "created": {"from": at("c")}}, "c"),
        ({"search": "c", "title": "a"}, ""),
        ({"status": ["DELETED"], "tags": ["x"], "search": "F", "title": "f"}, "f"),
    ]


@pytest.mark.parametrize("order", ["CREATED_AT", "TITLE"])
async def test_every_filter_and_all_together(api: Api, library: dict[str, Any], order: str) -> None:
    by = {"field": order, "direction": "DESC"}
    for filter, expected in filters(library):
        assert (filter, await titles(api, filter, orderBy=by)) == (filter, expected)


async def test_a_page_of_a_filtered_list_goes_on_by_its_cursor(
    api: Api, library: dict[str, Any]
) -> None:
    for filter, expected in filters(library):
        assert (filter, await walked(api, filter=filter)) == (filter, expected)


async def test_others_see_none_of_it_and_nobody_without_a_key(
    stranger: Api, anonymous: Api, library: dict[str, Any]
) -> None:
    for filter, _ in filters(library):
        assert await titles(stranger, filter) == ""
        with pytest.raises(OperationFailed) as failure:
            await titles(anonymous, filter)
        assert failure.value.codes == ["UNAUTHENTICATED"]


@pytest.mark.parametrize(
    ("filter", "code"),
    [
        ({"created": {"from": at("b"), "to": at("a")}}, "INVALID_ARGUMENT"),
        ({"sourceType": "a\0"}, "INVALID_ARGUMENT"),
        ({"ownerPhone": "a\0"}, "INVALID_ARGUMENT"),
        ({"tags": ["a", "\0"]}, "INVALID_ARGUMENT"),
        ({"ownerPhone": "1" * 256}, "LIMIT_EXCEEDED"),
        ({"tags": ["x"] * 101}, "LIMIT_EXCEEDED"),
        ({"tags": ["x" * 256]}, "LIMIT_EXCEEDED"),
        ({"tags": [None]}, "BAD_USER_INPUT"),
        ({"status": ["GONE"]}, "BAD_USER_INPUT"),
    ],
)
async def test_a_filter_that_cannot_be_is_refused(api: Api, filter: Any, code: str) -> None:
    with pytest.raises(OperationFailed) as failure:
        await titles(api, filter)
    assert failure.value.codes == [code]


@pytest.mark.parametrize(
    ("field", "ascending"),
    [("FILE_SIZE", "bca"), ("DURATION", "cab"), ("PUBLISHED_AT", "cba")],
)
async def test_what_may_be_unknown_or_very_large_is_an_order_too(
    api: Api, services: Services, owner: Owner, field: str, ascending: str
) -> None:
    """Of c the file was never checked: it has no duration, and was not published."""
    made = {
        "a": {"file_size": 2**53 - 1, "duration_ms": 0, "published_at": EPOCH},
        "b": {"file_size": 0, "duration_ms": 2**31, "published_at": EPOCH - timedelta(days=1)},
        "c": {"file_size": 2**31, "duration_ms": None, "published_at": None},
    }
    for title, columns in made.items():
        await add(services, owner, title, **columns)
    for direction, expected in (("ASC", ascending), ("DESC", ascending[::-1])):
        order = {"field": field, "direction": direction}
        assert await walked(api, orderBy=order) == expected


async def test_a_cursor_of_another_order_is_refused_where_it_cannot_be_read(
    api: Api, services: Services, owner: Owner
) -> None:
    await add(services, owner, "a")
    found = (await api.run(LIST, first=1))["videos"]
    order = {"field": "FILE_SIZE", "direction": "ASC"}
    with pytest.raises(OperationFailed) as failure:
        await titles(api, after=found["edges"][0]["cursor"], orderBy=order)
    assert failure.value.codes == ["BAD_CURSOR"]


async def test_one_video_is_found_in_each_way(
    api: Api, stranger: Api, anonymous: Api, library: dict[str, Any]
) -> None:
    row = library["a"]
    ways: list[dict[str, Any]] = [
        {"id": ids.encode("Video", row.id)},
        {"vid": row.vid},
        {"storageId": row.storage_id},
        {"source": {"sourceType": "crm", "sourceId": "1"}},
        {"sha256": row.source_sha256},
        {"sha256": row.source_sha256.upper()},
    ]
    for by in ways:
        assert await one(api, **by) == "a"
        assert await one(stranger, **by) is None
        with pytest.raises(OperationFailed) as failure:
            await one(anonymous, **by)
        assert failure.value.codes == ["UNAUTHENTICATED"]


async def test_of_several_that_fit_the_newest_is_found(
    api: Api, services: Services, owner: Owner
) -> None:
    sha256, same = "ab" * 32, {"storage_id": "shared", "source_sha256": "ab" * 32}
    for title in "bca":
        await add(services, owner, title, **same)
    await add(services, owner, "d", **same, status=VideoStatus.DELETED)
    assert await one(api, storageId="shared") == "c"
    assert await one(api, sha256=sha256) == "c"


async def test_a_deleted_video_is_found_by_its_ids_alone(
    api: Api, services: Services, owner: Owner
) -> None:
    origin = {"source_type": "crm", "source_id": "1"}
    row = await add(services, owner, "a", **origin, status=VideoStatus.DELETED)
    assert await one(api, id=ids.encode("Video", row.id)) == "a"
    assert await one(api, vid=row.vid) == "a"
    assert await one(api, storageId=row.storage_id) is None
    assert await one(api, sha256=row.source_sha256) is None
    assert await one(api, source={"sourceType": "crm", "sourceId": "1"}) is None


@pytest.mark.parametrize(
    "by",
    [
        {"storageId": ""},
        {"storageId": "a\0"},
        {"storageId": "%"},
        {"sha256": "0" * 64},
        {"source": {"sourceType": "crm", "sourceId": "9"}},
        {"source": {"sourceType": "a\0", "sourceId": "1"}},
        {"source": {"sourceType": "crm", "sourceId": "\0"}},
        {"id": ""},
    ],
)
@pytest.mark.usefixtures("library")
async def test_of_what_there_is_not_the_answer_is_null(api: Api, by: dict[str, Any]) -> None:
    assert await one(api, **by) is None


@pytest.mark.parametrize("by", [{"sha256": "x"}, {"source": {"sourceType": "crm"}}])
async def test_a_name_of_the_wrong_form_is_refused(api: Api, by: dict[str, Any]) -> None:
    with pytest.raises(OperationFailed) as failure:
        await one(api, **by)
    assert failure.value.codes == ["BAD_USER_INPUT"]
