"""How many bytes videos take: one by one, by category, and all together."""

import uuid
from typing import Any

import psycopg
import pytest

from db import categories, play_sets
from db.models import Video
from domain.videos import Resolution, VideoStatus
from resolvers.context import Services
from schema import ids
from tests.support import factories
from tests.support.api import Api, OperationFailed
from tests.support.categorizing import chain
from tests.support.factories import READY
from tests.support.statements import recorded
from tests.support.templating import category

SIZES = """
query ($videos: [ID!], $categories: [ID!], $deep: Boolean! = false, $first: Int, $after: String) {
  videoSizes(
    videoIds: $videos, categoryIds: $categories, includeSubcategories: $deep,
    first: $first, after: $after
  ) {
    totalCount
    pageInfo { hasNextPage endCursor }
    nodes {
      durationMs video { id } category { id }
      sizes {
        totalSize sourceSize playSetSize soundSize resolutions { resolution durationMs size }
      }
    }
  }
}
"""
COUNTS = """
query ($deep: Boolean! = false) {
  categories {
    nodes {
      name
      videoCount(includeSubcategories: $deep)
      totalDurationMs(includeSubcategories: $deep)
      totalSize(includeSubcategories: $deep)
    }
  }
}
"""
USAGE = """
{ usage { storageUsed storageQuota videoCount totalDurationMs sourceBytes playSetBytes } }
"""
SOUND = {
    "playlist_key": "", "file_size": 0, "bandwidth": 128_000, "average_bandwidth": 1, "codecs": "x"
}  # fmt: skip


async def sizes(api: Api, **variables: Any) -> dict[str, Any]:
    return (await api.run(SIZES, **{"first": 100, **variables}))["videoSizes"]


async def shown(api: Api, **variables: Any) -> list[str]:
    found = await sizes(api, **variables)
    assert found["totalCount"] == len(found["nodes"])
    return [one["video"]["id"] for one in found["nodes"]]


def key(category_id: str) -> uuid.UUID:
    return ids.decode(category_id, "Category")


def id_of(video: Video) -> str:
    return ids.encode("Video", video.id)


async def play_set(
    services: Services, video: Video, rung: Resolution, size: int, sound: uuid.UUID | None = None
) -> None:
    """A play set that is READY, 10 ms shorter than its source."""
    task = await factories.transcode_task(services.db, video, rung)
    values = {**READY, "file_size": size, "duration_ms": 3_990, "audio_track_id": sound}
    async with services.db.write() as session:
        (made,) = (await play_sets.of_tasks(session, [task.id]))[task.id]
        await play_sets.finish(session, made.id, values)


async def sounds(services: Services, video: Video, *file_sizes: int) -> list[uuid.UUID]:
    async with services.db.write() as session:
        return [
            await play_sets.save_sound(
                session,
                video.id,
                str(size),
                {**SOUND, "file_size": size, "playlist_key": str(size)},
            )
            for size in file_sizes
        ]


async def made(services: Services, owner: factories.Owner, **values: Any) -> Video:
    """A video of 1,000 bytes, with 60 of play sets, and 7 of the sound that they share."""
    video = await factories.video(services.db, owner.account, **values)
    heard, _ = await sounds(services, video, 7, 900)  # the second one was replaced
    await play_set(services, video, Resolution.P720, 20, heard)
    await play_set(services, video, Resolution.P360, 10, heard)
    await play_set(services, video, Resolution.ORIGIN, 30)
    await factories.transcode_task(services.db, video, Resolution.P1080)  # is not READY
    return video


async def test_a_video_takes_its_source_its_play_sets_and_their_sound_once(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    place = (await category(api))["id"]
    video = id_of(await made(services, owner, category_id=key(place)))
    assert (await sizes(api, videos=[video]))["nodes"] == [
        {
            "durationMs": 4_000,
            "video": {"id": video},
            "category": {"id": place},
            "sizes": {
                "totalSize": 1_067,
                "sourceSize": 1_000,
                "playSetSize": 67,
                "soundSize": 7,
                "resolutions": [
                    {"resolution": "P360", "durationMs": 3_990, "size": 10},
                    {"resolution": "P720", "durationMs": 3_990, "size": 20},
                    {"resolution": "ORIGIN", "durationMs": 4_000, "size": 1_030},
                ],
            },
        }
    ]


async def test_a_file_that_was_not_checked_takes_nothing(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    async with services.db.write() as session:
        default = await categories.default_id(session, owner.account.id)
        row = factories.bare_video(owner.account, default)
        row.file_size = 1_000
        session.add(row)
    (found,) = (await sizes(api, videos=[id_of(row)]))["nodes"]
    nothing = dict.fromkeys(("totalSize", "sourceSize", "playSetSize", "soundSize"), 0)
    assert found["sizes"] == {**nothing, "resolutions": []}
    (counted,) = (await api.run(COUNTS))["categories"]["nodes"]
    assert counted == {"name": "Default", "videoCount": 1, "totalDurationMs": 0, "totalSize": 0}


async def test_videos_are_named_or_their_categories(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    outer, middle, inner = await chain(api, 3)
    one, two, three, binned = [
        id_of(
            await factories.video(
                services.db, owner.account, category_id=key(place), minutes=number, status=status
            )
        )
        for number, (place, status) in enumerate(
            (
                (outer, VideoStatus.PUBLISHED),
                (middle, VideoStatus.BANNED),
                (inner, VideoStatus.UPLOAD_FAILED),
                (outer, VideoStatus.DELETED),
            )
        )
    ]
    unsorted = id_of(await factories.video(services.db, owner.account, minutes=9))
    assert await shown(api, categories=[outer]) == [one]
    assert await shown(api, categories=[outer], deep=True) == [three, two, one]
    assert await shown(api, categories=[inner, middle]) == [three, two]
    assert await shown(api, categories=[inner, outer], deep=True) == [three, two, one]
    assert await shown(api, videos=[one, unsorted, one, binned]) == [unsorted, one]
    assert await shown(api, videos=[two], categories=[outer]) == [two]
    assert await shown(api, videos=[], categories=[middle]) == [two]
    assert await shown(api, videos=[outer, "x"], categories=[outer]) == []


@pytest.mark.parametrize("named", [{}, {"videos": [], "categories": []}, {"deep": True}])
async def test_something_must_be_named(api: Api, named: dict[str, Any]) -> None:
    with pytest.raises(OperationFailed) as refused:
        await sizes(api, **named)
    assert refused.value.codes == ["INVALID_ARGUMENT"]


@pytest.mark.parametrize("name", ["videos", "categories"])
async def test_so_many_are_named_and_no_more(api: Api, name: str) -> None:
    assert (await sizes(api, **{name: ["x"] * 500}))["nodes"] == []
    with pytest.raises(OperationFailed) as refused:
        await sizes(api, **{name: ["x"] * 501})
    assert refused.value.codes == ["LIMIT_EXCEEDED"]


async def test_sizes_and_counts_are_the_owners_alone(
    api: Api, stranger: Api, anonymous: Api, services: Services, owner: factories.Owner
) -> None:
    place = (await category(api))["id"]
    video = id_of(await made(services, owner, category_id=key(place)))
    for named in ({"videos": [video]}, {"categories": [place]}):
        assert len(await shown(api, **named, deep=True)) == 1
        assert await shown(stranger, **named, deep=True) == []
        with pytest.raises(OperationFailed) as refused:
            await sizes(anonymous, **named)
        assert refused.value.codes == ["UNAUTHENTICATED"]
    (theirs,) = (await stranger.run(COUNTS))["categories"]["nodes"]
    assert theirs == {"name": "Default", "videoCount": 0, "totalDurationMs": 0, "totalSize": 0}


async def test_a_category_counts_the_videos_in_it_and_below_it_if_asked(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    outer, middle, inner = await chain(api, 3)
    for place, number in ((outer, 1), (inner, 2)):
        for _ in range(number):
            await made(services, owner, category_id=key(place))
    await made(services, owner, category_id=key(middle), status=VideoStatus.DELETED)

    def counted(*numbers: int) -> list[dict[str, Any]]:
        return [
            {
                "name": name,
                "videoCount": number,
                "totalDurationMs": 4_000 * number,
                "totalSize": 1_067 * number,
            }
            for name, number in zip(("0", "1", "2", "Default"), numbers, strict=True)
        ]

    assert (await api.run(COUNTS))["categories"]["nodes"] == counted(1, 0, 2, 0)
    assert (await api.run(COUNTS, deep=True))["categories"]["nodes"] == counted(3, 2, 2, 0)


async def test_a_page_costs_the_same_statements_for_any_size(
    api: Api, services: Services, owner: factories.Owner, wiper: psycopg.Connection
) -> None:
    places = await chain(api, 5)
    for place in places:
        await made(services, owner, category_id=key(place))
    wiper.execute("analyze")
    counts = COUNTS.replace("categories {", "categories(first: $first) {")
    counts = counts.replace("$deep", "$first: Int!, $deep", 1)

    async def cost(query: str, **variables: Any) -> int:
        with recorded(services) as statements:
            (found,) = (await api.run(query, **variables)).values()
        assert len(found["nodes"]) == variables["first"]
        return len(statements)

    for deep in (False, True):  # the page, the counts, and the bytes
        found = [await cost(counts, first=first, deep=deep) for first in (1, 5)]
        assert found == [3, 3]
    # the page and its count, the videos, their categories, and the sizes
    asked: dict[str, Any] = {"categories": places[:1], "deep": True}
    assert [await cost(SIZES, first=first, **asked) for first in (1, 5)] == [5, 5]


async def test_sizes_come_in_pages(api: Api, services: Services, owner: factories.Owner) -> None:
    rows = [await factories.video(services.db, owner.account, minutes=n) for n in range(3)]
    videos = [id_of(row) for row in rows]
    first = await sizes(api, videos=videos, first=2)
    assert [one["video"]["id"] for one in first["nodes"]] == [videos[2], videos[1]]
    assert (first["totalCount"], first["pageInfo"]["hasNextPage"]) == (3, True)
    only_rows = "{ videoSizes(%s) { totalCount nodes { video { id } } } }"
    default = (await api.run('{ category(by: {categoryId: "1"}) { id } }'))["category"]["id"]
    below = f'categoryIds: ["{default}"], includeSubcategories: true, first: 1'
    found = (await api.run(only_rows % below))["videoSizes"]  # one statement for all of it
    assert found == {"totalCount": 3, "nodes": [{"video": {"id": videos[2]}}]}
    rest = await sizes(api, videos=videos, first=2, after=first["pageInfo"]["endCursor"])
    assert [one["video"]["id"] for one in rest["nodes"]] == [videos[0]]


async def test_an_account_knows_what_it_uses(
    api: Api,
    stranger: Api,
    anonymous: Api,
    services: Services,
    owner: factories.Owner,
    wiper: psycopg.Connection,
) -> None:
    for status in (VideoStatus.PUBLISHED, VideoStatus.PROCESSING, VideoStatus.DELETED):
        await made(services, owner, status=status)
    wiper.execute("update account set storage_quota = 5000 where id = %s", (owner.account.id,))
    assert (await api.run(USAGE))["usage"] == {
        "storageUsed": 3_000,
        "storageQuota": 5_000,
        "videoCount": 2,
        "totalDurationMs": 8_000,
        "sourceBytes": 2_000,
        "playSetBytes": 134,
    }
    none = dict.fromkeys(
        ("storageUsed", "videoCount", "totalDurationMs", "sourceBytes", "playSetBytes"), 0
    )
    quota = services.limits.storage_quota
    assert (await stranger.run(USAGE))["usage"] == {**none, "storageQuota": quota}
    with pytest.raises(OperationFailed) as refused:
        await anonymous.run(USAGE)
    assert refused.value.codes == ["UNAUTHENTICATED"]
