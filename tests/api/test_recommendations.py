"""What to watch after a video: for its owner, and for viewers."""

from typing import Any
from uuid import UUID

import psycopg
import pytest

from db.models import Account, Video
from domain.recommendations import Signals, score
from jobs import recommendations
from jobs.runs import Tools
from resolvers.context import Services
from schema import ids
from tests.support import factories, recommending
from tests.support.api import Api, OperationFailed
from tests.support.recommending import of, page, recommended, titles, watched
from tests.support.statements import recorded

CATEGORY = """
mutation ($input: SaveCategoryInput!) {
  saveCategory(input: $input) { category { id } userErrors { message } }
}
"""
SHARED = """
query ($id: ID!, $first: Int, $exclude: [ID!]) {
  sharedVideo(id: $id) {
    ... on SharedVideo { recommended(first: $first, exclude: $exclude) { title vid } }
  }
}
"""


@pytest.fixture
def account(owner: factories.Owner) -> Account:
    return owner.account


async def category(api: Api, name: str, *, parent: str | None = None) -> str:
    made = (await api.run(CATEGORY, input={"name": name, "parentId": parent}))["saveCategory"]
    assert made["userErrors"] == []
    return made["category"]["id"]


def key(id: str) -> UUID:
    found = ids.find(id, "Category")
    assert found is not None
    return found


async def publish(services: Services, account: Account, title: str, **details: Any) -> Video:
    return await recommending.published(services.db, account, title, **details)


async def test_what_is_watched_by_the_same_viewers_comes_first(
    api: Api, services: Services, tools: Tools, account: Account
) -> None:
    first, both, hit, other = [
        await publish(services, account, title, category_id=key(await category(api, title)))
        for title in ("abc", "def", "ghi", "jkl")
    ]
    for viewer in ("1", "2"):
        await watched(services.db, viewer, first, both, hit)
    for viewer in range(10, 40):
        await watched(services.db, str(viewer), hit)
    await watched(services.db, None, first, other)  # nobody knows who that was
    await recommendations.recommend(tools)
    found = await recommended(api, first)
    assert [(one["video"]["title"], one["reasons"]) for one in found[:2]] == [
        ("def", ["CO_WATCHED", "NEW"]),
        ("ghi", ["CO_WATCHED", "NEW"]),
    ]
    assert [one["score"] for one in found] == [
        score(Signals(2, (2, 2), is_new=True)),
        score(Signals(2, (2, 32), is_new=True)),
        score(Signals(is_new=True)),
    ]


async def test_what_is_watched_no_more_does_not_count(
    api: Api, services: Services, tools: Tools, account: Account, wiper: psycopg.Connection
) -> None:
    first, second = [await publish(services, account, title) for title in ("abc", "def")]
    await watched(services.db, "1", first, second)
    wiper.execute("update play set started_at = now() - interval '91 days'")
    await recommendations.recommend(tools)
    (found,) = await recommended(api, first)
    assert "CO_WATCHED" not in found["reasons"]


async def test_tags_categories_and_titles_count_as_far_as_they_are_shared(
    api: Api, services: Services, tools: Tools, account: Account
) -> None:
    top = await category(api, "top")
    places = {name: await category(api, name, parent=top) for name in ("here", "beside")}
    here, beside = key(places["here"]), key(places["beside"])
    far = key(await category(api, "far"))
    first = await publish(
        services, account, "Baking bread", tags=("a", "b"), category_id=here, day=-60
    )
    wanted = {
        "xyz": (Signals(category=1, days=30), {"category_id": here, "day": -30}),
        "uvw": (Signals(category=0.4, days=30), {"category_id": beside, "day": -30}),
        "rst": (Signals(category=0.4, days=0), {"category_id": key(top)}),
        "opq": (Signals(tags=1 / 3, days=30), {"tags": ("b", "c"), "category_id": far, "day": -30}),
        "lmn": (Signals(tags=1, days=60), {"tags": ("b", "a"), "category_id": far, "day": -60}),
        "Baking bread": (Signals(title=1, days=60), {"category_id": far, "day": -60}),
        "ijk": (Signals(days=60), {"category_id": far, "day": -60}),
    }
    for title, (_, details) in wanted.items():
        await publish(services, account, title, **details)
    await recommendations.recommend(tools)
    found = await recommended(api, first)
    assert {one["video"]["title"]: one["score"] for one in found} == {
        title: score(signals) for title, (signals, _) in wanted.items()
    }
    assert [one["score"] for one in found] == sorted((one["score"] for one in found), reverse=True)
    reasons = {one["video"]["title"]: one["reasons"] for one in found}
    assert reasons == {
        "xyz": ["SAME_CATEGORY", "NEW"],
        "uvw": ["SAME_CATEGORY", "NEW"],
        "rst": ["SAME_CATEGORY", "NEW"],
        "opq": ["SAME_TAGS", "NEW"],
        "lmn": ["SAME_TAGS", "NEW"],
        "Baking bread": ["SIMILAR_TITLE", "NEW"],
        "ijk": ["NEW"],
    }


async def test_the_same_data_gives_the_same_list_and_ties_are_ordered_by_id(
    api: Api, services: Services, tools: Tools, account: Account, wiper: psycopg.Connection
) -> None:
    videos = [await publish(services, account, "Twins") for _ in range(8)]
    await recommendations.recommend(tools)
    others = sorted(one.id for one in videos[1:])
    rows = "select other_id from recommendation where video_id = %s order by rank"
    for _ in range(2):
        found = wiper.execute(rows, [videos[0].id]).fetchall()
        assert [row[0] for row in found] == others
        wiper.execute("update video set updated_at = now()")
        await recommendations.recommend(tools)
    assert len({one["score"] for one in await recommended(api, videos[0])}) == 1


async def test_a_new_video_has_the_newest_of_its_category_and_then_of_the_others(
    api: Api, services: Services, account: Account
) -> None:
    there = key(await category(api, "there"))
    first = await publish(services, account, "first", day=9)
    for day, title in enumerate(("old", "middle", "late")):
        await publish(services, account, title, day=day)
        await publish(services, account, f"{title} there", day=day + 5, category_id=there)
    found = await recommended(api, first)
    assert [(one["video"]["title"], one["score"], one["reasons"]) for one in found] == [
        ("late", 0.0, ["SAME_CATEGORY"]),
        ("middle", 0.0, ["SAME_CATEGORY"]),
        ("old", 0.0, ["SAME_CATEGORY"]),
        ("late there", 0.0, ["NEW"]),
        ("middle there", 0.0, ["NEW"]),
        ("old there", 0.0, ["NEW"]),
    ]


async def test_nobody_is_left_without_a_video_who_has_another(
    api: Api, services: Services, tools: Tools, account: Account, wiper: psycopg.Connection
) -> None:
    first, *others = [await publish(services, account, str(at), day=at) for at in range(160)]
    await recommendations.recommend(tools)
    (made,) = wiper.execute(
        "select count(*) from recommendation where video_id = %s", [first.id]
    ).fetchall()
    assert made == (50,)
    newest = others[-100:]
    found = await titles(api, first, exclude=[of(one) for one in newest])
    assert found[0] == str(159 - 100)
    wiper.execute("update video set status = 'banned' where title >= '1' and title <> '7'")
    assert await titles(api, first) == ["7"]


async def test_only_what_can_be_played_now_is_recommended_and_never_the_video_itself(
    api: Api, services: Services, tools: Tools, account: Account, wiper: psycopg.Connection
) -> None:
    first, *_ = [await publish(services, account, title, day=1) for title in ("a", "b", "c", "d")]
    before = await titles(api, first)
    await recommendations.recommend(tools)
    after = await titles(api, first)
    assert sorted(before) == sorted(after) == ["b", "c", "d"]
    for title, status in (("b", "deleted"), ("c", "processing")):
        wiper.execute("update video set status = %s where title = %s", [status, title])
    assert await titles(api, first) == ["d"]
    wiper.execute("delete from recommendation")
    assert await titles(api, first) == ["d"]


async def test_what_is_excluded_is_left_out(
    api: Api, services: Services, tools: Tools, account: Account
) -> None:
    first, *others = [await publish(services, account, str(at), day=at) for at in range(4)]
    unknown = [ids.encode("Video", account.id), "x", ids.encode("Category", others[0].id)]
    for _ in range(2):
        assert await titles(api, first, exclude=[of(others[1]), *unknown]) == ["3", "1"]
        assert await titles(api, first, exclude=unknown) == ["3", "2", "1"]
        assert await titles(api, first, exclude=[]) == ["3", "2", "1"]
        assert await titles(api, first, exclude=[of(one) for one in others]) == []
        await recommendations.recommend(tools)
    with pytest.raises(OperationFailed) as failure:
        await page(api, first, exclude=["x"] * 101)
    assert failure.value.codes == ["LIMIT_EXCEEDED"]


async def test_pages_go_on_where_they_ended_also_when_newer_ones_come(
    api: Api, services: Services, tools: Tools, account: Account
) -> None:
    videos = [await publish(services, account, str(at), day=at) for at in range(7)]
    await recommendations.recommend(tools)
    videos += [await publish(services, account, str(at), day=at) for at in range(7, 10)]
    found, after = list[str](), None
    while True:
        part = await page(api, videos[0], first=2, after=after)
        found += [one["video"]["title"] for one in part["nodes"]]
        await publish(services, account, "newer", day=100 + len(found))
        if not part["pageInfo"]["hasNextPage"]:
            break
        after = part["pageInfo"]["endCursor"]
    known = [title for title in found if title != "newer"]
    assert known == ["6", "5", "4", "3", "2", "1", "9", "8", "7"]


async def test_videos_of_others_are_not_recommended(
    api: Api, stranger: Api, anonymous: Api, services: Services, tools: Tools, account: Account
) -> None:
    other = (await factories.owner(services.db)).account
    mine = await publish(services, account, "Twin", tags=("a",))
    theirs = await publish(services, other, "Twin", tags=("a",))
    await watched(services.db, "1", mine, theirs)
    for _ in range(2):
        assert await titles(api, mine) == []
        await recommendations.recommend(tools)
    found = await stranger.run(recommending.QUERY, id=of(mine))
    assert found == {"video": None}
    with pytest.raises(OperationFailed) as failure:
        await anonymous.run(recommending.QUERY, id=of(mine))
    assert failure.value.codes == ["UNAUTHENTICATED"]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("videos(first: $first) { nodes { %s } }", 1),
        # A resolver among the fields: the page, its play sets, the recommendations, their videos.
        ("videos(first: $first) { nodes { playback { hlsUrl } %s } }", 4),
    ],
)
async def test_a_page_costs_the_same_for_any_size(
    api: Api, services: Services, tools: Tools, account: Account, query: str, expected: int
) -> None:
    for at in range(20):
        await publish(services, account, str(at), day=at)
    await recommendations.recommend(tools)
    asked = query % "recommended(first: 5) { nodes { score reasons video { title } } }"
    await api.run("{ viewer { id } }")  # from here on the key is known
    for first in (2, 20):
        with recorded(services) as statements:
            found = await api.run(f"query ($first: Int!) {{ {asked} }}", first=first)
        assert len(statements) == expected
        assert {len(one["recommended"]["nodes"]) for one in found["videos"]["nodes"]} == {5}


async def test_viewers_get_what_everybody_may_watch(
    api: Api,
    anonymous: Api,
    services: Services,
    tools: Tools,
    account: Account,
    wiper: psycopg.Connection,
) -> None:
    videos = [await publish(services, account, str(at), day=at) for at in range(6)]
    wiper.execute("update video set share_state = 'public'")
    wiper.execute("update video set share_state = 'private' where title = '1'")
    wiper.execute("update video set share_state = 'password' where title = '2'")
    wiper.execute("update video set auth_play = true where title = '3'")
    for _ in range(2):
        for caller in (api, anonymous):
            assert await shown(caller, videos[0]) == ["5", "4"]
            assert await shown(caller, videos[0], first=1) == ["5"]
            assert await shown(caller, videos[0], first=0) == []
            left = [videos[5].vid, "\0", "é"]
            assert await shown(caller, videos[0], exclude=left) == ["4"]
        await recommendations.recommend(tools)
    wiper.execute("update video set status = 'banned' where title = '5'")
    assert await shown(anonymous, videos[0]) == ["4"]


async def shown(api: Api, video: Video, **given: Any) -> list[str]:
    found = (await api.run(SHARED, id=video.vid, **({"first": 10} | given)))["sharedVideo"]
    return [one["title"] for one in found["recommended"]]


async def test_viewers_are_told_what_they_ask_too_much(
    anonymous: Api, services: Services, account: Account, wiper: psycopg.Connection
) -> None:
    video = await publish(services, account, "a")
    wiper.execute("update video set share_state = 'public'")
    for given, code in (
        ({"first": 51}, "LIMIT_EXCEEDED"),
        ({"first": -1}, "INVALID_ARGUMENT"),
        ({"exclude": ["x"] * 101}, "LIMIT_EXCEEDED"),
    ):
        with pytest.raises(OperationFailed) as failure:
            await shown(anonymous, video, **given)
        assert failure.value.codes == [code]


async def test_what_viewers_get_costs_the_same_for_any_number(
    anonymous: Api, services: Services, account: Account, wiper: psycopg.Connection
) -> None:
    video, *_ = [await publish(services, account, str(at), day=at) for at in range(12)]
    wiper.execute("update video set share_state = 'public'")
    query = """
    query ($id: ID!, $first: Int!) { sharedVideo(id: $id) { ... on SharedVideo {
      recommended(first: $first) { title playback { hlsUrl } recommended(first: 3) { title } }
    } } }
    """
    for first in (2, 10):
        with recorded(services) as statements:
            found = await anonymous.run(query, id=video.vid, first=first)
        assert len(found["sharedVideo"]["recommended"]) == first
        # The video; its recommendations and their videos; theirs, and theirs; play sets.
        assert len(statements) == 6
