"""Searching for videos: by their titles in any language, and by their ids."""

from typing import Any

import pytest
from sqlalchemy import update

from db import videos
from db.models import Video
from domain.videos import VideoStatus
from resolvers.context import Services
from schema import ids
from tests.support import factories
from tests.support.api import Api, OperationFailed

SEARCH = """
query (
  $filter: VideoFilter, $orderBy: VideoOrderInput, $first: Int, $after: String,
  $last: Int, $before: String, $page: Int
) {
  videos(
    filter: $filter, orderBy: $orderBy, first: $first, after: $after, last: $last,
    before: $before, page: $page
  ) {
    totalCount nodes { title } pageInfo { startCursor endCursor hasNextPage hasPreviousPage }
  }
}
"""
TITLES = (
    *("深海的秘密 第1集", "The Deep SEA", "Ｆｕｌｌ　ｗｉｄｔｈ", "Cafe\u0301 Noir", "🚲 到上海"),  # noqa: RUF001
    *("100% real_life \\o/", "straße", "Deep   space"),
)
SEARCHES: tuple[tuple[str | None, list[int]], ...] = (
    ("深", [0]),
    ("海", [4, 0]),
    ("的秘", [0]),
    ("深海的秘密", [0]),
    ("海深", []),
    ("第1集", [0]),
    ("e", [7, 6, 5, 1]),
    ("E", [7, 6, 5, 1]),
    ("dEEp", [7, 1]),
    ("deep sea", [1]),
    ("deep  space", [7]),
    ("Deep\u3000Space", [7]),
    ("  deep ", [7, 1]),
    ("full WIDTH", [2]),
    ("ｗｉｄ", [2]),  # noqa: RUF001
    ("é", [3]),
    ("e\u0301", [3]),
    ("CAFÉ", [3]),
    ("cafe", []),
    ("STRASSE", [6]),
    ("ß", [6]),
    ("🚲", [4]),
    ("🚲 到", [4]),
    ("%", [5]),
    ("_", [5]),
    ("\\", [5]),
    ("0% r", [5]),
    ("l_l", [5]),
    ("%_\\", []),
    ("e%e", []),
    ("_eep", []),
    ("'", []),
    ("ZZ", []),
    ("🚲上", []),
    ("ea ee", []),
    ("deepsea", []),
    ("x" * 255, []),
    ("", [7, 6, 5, 4, 3, 2, 1, 0]),
    (" \t", [7, 6, 5, 4, 3, 2, 1, 0]),
    (None, [7, 6, 5, 4, 3, 2, 1, 0]),
)
"""What is searched for, and which of the titles are found, newest first."""


async def page(api: Api, **arguments: Any) -> dict[str, Any]:
    return (await api.run(SEARCH, **{"first": 100, **arguments}))["videos"]


async def found(api: Api, **arguments: Any) -> list[str]:
    """The titles on the page; the whole list's count agrees where the page is the list."""
    one = await page(api, **arguments)
    titles = [node["title"] for node in one["nodes"]]
    if not one["pageInfo"]["hasNextPage"] and not one["pageInfo"]["hasPreviousPage"]:
        assert one["totalCount"] == len(titles)
    return titles


@pytest.fixture
async def library(services: Services, owner: factories.Owner) -> list[Video]:
    """One video a title; the last is the newest."""
    made = enumerate(TITLES)
    return [
        await factories.video(services.db, owner.account, title=title, minutes=minutes)
        for minutes, title in made
    ]


@pytest.mark.usefixtures("library")
@pytest.mark.parametrize("field", ["search", "title"])
async def test_titles_are_found_by_any_part(api: Api, field: str) -> None:
    for text, places in SEARCHES:
        titles = await found(api, filter={field: text})
        assert (text, titles) == (text, [TITLES[place] for place in places])


@pytest.mark.usefixtures("library")
async def test_pairs_that_are_there_but_not_side_by_side_are_not_found(api: Api) -> None:
    """By the index alone they would be found: it has all pairs of these texts."""
    for field in ("search", "title"):
        for text in ("eeep", "sss", "ssss"):
            assert await found(api, filter={field: text}) == []


async def test_a_video_is_found_by_its_former_title_no_more(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    row = await factories.video(services.db, owner.account, title="Before")
    async with services.db.write() as session:
        video = await videos.lock(session, row.id)
        assert video is not None
        videos.entitle(video, "After")
    assert await found(api, filter={"search": "before"}) == []
    assert await found(api, filter={"search": "after"}) == ["After"]


@pytest.mark.usefixtures("library")
async def test_others_find_nothing_and_callers_without_a_key_are_refused(
    api: Api, stranger: Api, anonymous: Api, library: list[Video]
) -> None:
    row = library[0]
    texts = ["e", "深", row.vid, ids.encode("Video", row.id), row.storage_id]
    for text in texts:
        assert await found(stranger, filter={"search": text}) == []
        with pytest.raises(OperationFailed) as failure:
            await found(anonymous, filter={"search": text})
        assert failure.value.codes == ["UNAUTHENTICATED"]
    assert await found(api, filter={"search": row.storage_id}) == [row.title]


@pytest.mark.parametrize(
    ("text", "code"),
    [("a\0b", "INVALID_ARGUMENT"), ("x" * 256, "LIMIT_EXCEEDED"), ("中" * 9_000, "LIMIT_EXCEEDED")],
)
@pytest.mark.parametrize("field", ["search", "title"])
async def test_what_no_title_can_contain_is_refused(
    api: Api, field: str, text: str, code: str
) -> None:
    with pytest.raises(OperationFailed) as failure:
        await found(api, filter={field: text})
    assert failure.value.codes == [code]


NEWEST = {"field": "CREATED_AT", "direction": "DESC"}
OLDEST = {"field": "CREATED_AT", "direction": "ASC"}
BY_TITLE = {"field": "TITLE", "direction": "ASC"}


def names_of(row: Video) -> list[str]:
    return [row.vid, ids.encode("Video", row.id), str(row.storage_id), f" {row.vid} "]


@pytest.mark.parametrize("order", [NEWEST, OLDEST, BY_TITLE])
async def test_the_video_of_an_exact_id_comes_first_whatever_the_order(
    api: Api, services: Services, owner: factories.Owner, order: dict[str, str]
) -> None:
    row = await factories.video(services.db, owner.account, title="M", minutes=5)
    for name in names_of(row):
        for title, minutes in ((f"A {name}", 1), (f"Z {name}", 9)):
            await factories.video(services.db, owner.account, title=title, minutes=minutes)
    for name in names_of(row)[:3]:
        others = [f"A {name}", f"Z {name}"]
        if order is NEWEST:
            others.reverse()
        titles = await found(api, filter={"search": name}, orderBy=order)
        assert titles[0] == "M"
        assert [one for one in titles[1:] if one in others] == others
    assert (await found(api, filter={"search": f" {row.vid} "}, orderBy=order))[0] == "M"


async def test_ids_are_exact(api: Api, services: Services, owner: factories.Owner) -> None:
    row = await factories.video(services.db, owner.account, title="M")
    wrong = [row.vid.swapcase(), row.vid[:-1], ids.encode("Task", row.id), str(row.id)]
    for name in wrong:
        assert await found(api, filter={"search": name}) == []
        assert await found(api, filter={"title": row.vid}) == []


async def test_a_deleted_video_is_found_by_its_id_only_among_the_deleted(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    row = await factories.video(
        services.db, owner.account, title="Gone", status=VideoStatus.DELETED
    )
    for text in (row.vid, "gone"):
        assert await found(api, filter={"search": text}) == []
        assert await found(api, filter={"search": text, "status": ["DELETED"]}) == ["Gone"]


async def led(services: Services, account: Any, count: int) -> tuple[str, list[str]]:
    """A stored object that two videos are made of and `count` titles contain; all, oldest first."""
    first = await factories.video(services.db, account, title="lead 1", minutes=2)
    second = await factories.video(services.db, account, title="lead 2", minutes=3)
    name = str(first.storage_id)
    async with services.db.write() as session:
        await session.execute(update(Video).where(Video.id == second.id).values(storage_id=name))
    for number in range(count):
        title = f"{number} {name}"
        await factories.video(services.db, account, title=title, minutes=number)
    hits = [f"{number} {name}" for number in range(count)]
    return name, ["lead 1", "lead 2", *hits]


@pytest.mark.parametrize("order", [OLDEST, NEWEST])
async def test_pages_of_a_search_hold_everything_once_in_both_directions(
    api: Api, services: Services, owner: factories.Owner, order: dict[str, str]
) -> None:
    name, expected = await led(services, owner.account, 5)
    whole = expected if order is OLDEST else [*expected[1::-1], *expected[:1:-1]]
    ask = {"filter": {"search": name}, "orderBy": order}
    assert await found(api, **ask) == whole
    for size in (1, 2, 3):
        assert await walked(api, ask, size, backwards=False) == whole
        assert await walked(api, ask, size, backwards=True) == whole
        numbered = [await found(api, **ask, first=size, page=page) for page in range(1, 9)]
        assert [title for one in numbered for title in one] == whole


async def walked(api: Api, ask: dict[str, Any], size: int, *, backwards: bool) -> list[str]:
    """All titles, read page by page."""
    titles, cursor = list[str](), None
    while True:
        place = {"last": size, "before": cursor} if backwards else {"first": size, "after": cursor}
        one = (await api.run(SEARCH, **ask, **place))["videos"]
        some, info = [node["title"] for node in one["nodes"]], one["pageInfo"]
        titles = [*some, *titles] if backwards else [*titles, *some]
        if not info["hasPreviousPage" if backwards else "hasNextPage"]:
            return titles
        cursor = info["startCursor" if backwards else "endCursor"]
