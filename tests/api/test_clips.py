"""What may be cut out of a video, and what is there at once."""

from typing import Any
from uuid import uuid4

import pytest
from sqlalchemy import delete, select, update

from db import videos
from db.models import ClipSegment, Content, Task, Video
from domain.media import LONGEST_MS
from domain.videos import VideoStatus
from resolvers.context import Services
from schema import ids
from tests.support import cancelling, factories
from tests.support.api import Api, OperationFailed
from tests.support.templating import category

CREATE = """
mutation ($input: CreateClipInput!) {
  createClip(input: $input) {
    task {
      id __typename status progress source { id }
      segments { startMs endMs video { id } }
      video { id }
    }
    video { id status title sourceKind fileSize clippedFrom { id } tasks { nodes { id } } }
    userErrors {
      __typename code message path
      ... on LimitExceededError { limit actual }
      ... on NotFoundError { ids }
    }
  }
}
"""
CLIPS = """
query ($id: ID!) {
  video(by: {id: $id}) { sourceKind clippedFrom { id } clips(first: 2) { totalCount nodes { id } } }
}
"""
TASK = "query ($id: ID!) { task(id: $id) { id } node(id: $id) { id } }"
FIRST = {"startMs": 1_000, "endMs": 6_000}


async def create(
    api: Api, video_id: str, *segments: Any, title: str = "A clip", **others: Any
) -> dict[str, Any]:
    pieces = [
        one if isinstance(one, dict) else {"startMs": one[0], "endMs": one[1]} for one in segments
    ]
    input = {"videoId": video_id, "title": title, "segments": pieces, **others}
    return (await api.run(CREATE, input=input))["createClip"]


async def lasting(
    services: Services, owner: factories.Owner, duration_ms: int | None = 60_000, **values: Any
) -> str:
    """The id of a video that lasts so long."""
    video = await factories.video(services.db, owner.account, status=VideoStatus.PUBLISHED)
    async with services.db.write() as session:
        changed = {"duration_ms": duration_ms, **values}
        await session.execute(update(Video).where(Video.id == video.id).values(changed))
    return ids.encode("Video", video.id)


@pytest.fixture
async def video(services: Services, owner: factories.Owner) -> str:
    return await lasting(services, owner)


async def nothing_was_made(services: Services) -> bool:
    async with services.db.read() as session:
        videos = (await session.scalars(select(Video))).all()
        tasks = (await session.scalars(select(Task))).all()
        segments = (await session.scalars(select(ClipSegment))).all()
    return (len(videos), len(tasks), len(segments)) == (1, 0, 0)


async def test_the_task_and_the_video_are_there_at_once(api: Api, video: str) -> None:
    payload = await create(api, video, (30_000, 36_000), (1_000, 60_000), (30_000, 36_000))
    clip, task = payload["video"]["id"], payload["task"]["id"]
    assert payload == {
        "task": {
            "id": task,
            "__typename": "ClipTask",
            "status": "QUEUED",
            "progress": 0.0,
            "source": {"id": video},
            "segments": [
                {"startMs": 30_000, "endMs": 36_000, "video": {"id": video}},
                {"startMs": 1_000, "endMs": 60_000, "video": {"id": video}},
                {"startMs": 30_000, "endMs": 36_000, "video": {"id": video}},
            ],
            "video": {"id": clip},
        },
        "video": {
            "id": clip,
            "status": "PROCESSING",
            "title": "A clip",
            "sourceKind": "TRIM",
            "fileSize": 0,
            "clippedFrom": {"id": video},
            "tasks": {"nodes": [{"id": task}]},
        },
        "userErrors": [],
    }
    assert await api.run(TASK, id=task) == {"task": {"id": task}, "node": {"id": task}}


async def test_what_is_said_of_the_clip_is_the_new_videos(
    api: Api, services: Services, video: str
) -> None:
    place = (await category(api))["id"]
    said: dict[str, Any] = {
        "description": "The best.",
        "categoryId": place,
        "skipAutoTranscode": True,
    }
    made = (await create(api, video, FIRST, **said))["video"]["id"]
    async with services.db.read() as session:
        row = await session.get_one(Video, ids.decode(made, "Video"))
    assert (row.description, row.skip_auto_transcode) == ("The best.", True)
    assert row.category_id == ids.decode(place, "Category")


async def test_a_clip_lies_where_its_source_does(api: Api, services: Services, video: str) -> None:
    place = ids.decode((await category(api))["id"], "Category")
    async with services.db.write() as session:
        await videos.put_into(session, [ids.decode(video, "Video")], place)
    made = (await create(api, video, FIRST))["video"]["id"]
    async with services.db.read() as session:
        row = await session.get_one(Video, ids.decode(made, "Video"))
    assert row.category_id == place


async def test_an_unknown_category_is_refused(api: Api, services: Services, video: str) -> None:
    for unknown in ("", video, ids.encode("Category", uuid4())):
        payload = await create(api, video, FIRST, categoryId=unknown)
        (error,) = payload["userErrors"]
        assert (error["code"], error["path"]) == ("NOT_FOUND", ["categoryId"])
    long = await create(api, video, FIRST, description="x" * 5_001)
    assert [one["path"] for one in long["userErrors"]] == [["description"]]
    assert await nothing_was_made(services)


async def test_the_source_is_shown_when_the_clip_is_gone(
    api: Api, services: Services, video: str
) -> None:
    made = await create(api, video, FIRST)
    async with services.db.write() as session:
        one = Task.id == ids.decode(made["task"]["id"], "ClipTask")
        await session.execute(update(Task).where(one).values(video_id=None))
        await session.execute(
            delete(Video).where(Video.id == ids.decode(made["video"]["id"], "Video"))
        )
    query = "query ($id: ID!) { task(id: $id) { ... on ClipTask { source { id } video { id } } } }"
    shown = (await api.run(query, id=made["task"]["id"]))["task"]
    assert shown == {"source": {"id": video}, "video": None}


async def test_a_video_knows_its_clips(api: Api, video: str) -> None:
    made = [(await create(api, video, FIRST))["video"]["id"] for _ in range(3)]
    shown = (await api.run(CLIPS, id=video))["video"]
    assert shown["clips"] == {"totalCount": 3, "nodes": [{"id": made[2]}, {"id": made[1]}]}
    assert (shown["sourceKind"], shown["clippedFrom"]) == ("UPLOAD", None)
    assert (await api.run(CLIPS, id=made[0]))["video"] == {
        "sourceKind": "TRIM",
        "clippedFrom": {"id": video},
        "clips": {"totalCount": 0, "nodes": []},
    }


REFUSED: dict[str, tuple[list[tuple[int, int]], str, list[str], str]] = {
    "none": ([], "CLIP_SEGMENTS_EMPTY", ["segments"], "Name at least one segment."),
    "negative": (
        [(0, 5_000), (-1, 9_000)],
        "CLIP_SEGMENTS_INVALID",
        ["segments", "1", "startMs"],
        "A segment cannot begin before 0.",
    ),
    "backwards": (
        [(6_000, 5_999)],
        "CLIP_END_BEFORE_START",
        ["segments", "0", "endMs"],
        "The segment ends before it begins.",
    ),
    "short": (
        [(0, 5_000), (0, 4_999)],
        "CLIP_SEGMENT_TOO_SHORT",
        ["segments", "1"],
        "The segment lasts 4999 ms; the least is 5000.",
    ),
    "empty": (
        [(7_000, 7_000)],
        "CLIP_SEGMENT_TOO_SHORT",
        ["segments", "0"],
        "The segment lasts 0 ms; the least is 5000.",
    ),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_segments_that_cannot_be_cut(
    api: Api, services: Services, video: str, name: str
) -> None:
    segments, code, path, message = REFUSED[name]
    assert await create(api, video, *segments) == {
        "task": None,
        "video": None,
        "userErrors": [
            {"__typename": "GenericError", "code": code, "message": message, "path": path}
        ],
    }
    assert await nothing_was_made(services)


LIMITS: dict[str, tuple[list[tuple[int, int]], str, int, int, list[str]]] = {
    "six": ([(0, 5_000)] * 6, "CLIP_TOO_MANY_SEGMENTS", 5, 6, ["segments"]),
    "after the end": (
        [(0, 60_000), (50_000, 60_001)],
        "CLIP_END_AFTER_VIDEO",
        60_000,
        60_001,
        ["segments", "1", "endMs"],
    ),
}


@pytest.mark.parametrize("name", LIMITS)
async def test_a_limit_is_named(api: Api, services: Services, video: str, name: str) -> None:
    segments, code, limit, actual, path = LIMITS[name]
    (error,) = (await create(api, video, *segments))["userErrors"]
    assert (error["__typename"], error["code"]) == ("LimitExceededError", code)
    assert (error["limit"], error["actual"], error["path"]) == (limit, actual, path)
    assert await nothing_was_made(services)


async def test_a_clip_is_no_longer_than_any_video_may_be(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    video = await lasting(services, owner, LONGEST_MS)
    (error,) = (await create(api, video, (0, LONGEST_MS), (0, 5_000)))["userErrors"]
    assert (error["code"], error["path"]) == ("LIMIT_EXCEEDED", ["segments"])
    assert (error["limit"], error["actual"]) == (LONGEST_MS, LONGEST_MS + 5_000)
    assert (await create(api, video, (0, LONGEST_MS)))["userErrors"] == []


@pytest.mark.parametrize("id", ["", "x", "VmlkZW86", "VXBsb2FkU2Vzc2lvbjox"])
async def test_what_is_no_video_is_not_found(
    api: Api, services: Services, video: str, id: str
) -> None:
    del video
    (error,) = (await create(api, id, FIRST))["userErrors"]
    assert (error["code"], error["path"], error["ids"]) == ("NOT_FOUND", ["videoId"], [id])
    assert await nothing_was_made(services)


async def test_only_the_owner_cuts(
    stranger: Api, anonymous: Api, services: Services, video: str
) -> None:
    (error,) = (await create(stranger, video, FIRST))["userErrors"]
    assert (error["code"], error["ids"]) == ("NOT_FOUND", [video])
    with pytest.raises(OperationFailed) as refused:
        await create(anonymous, video, FIRST)
    assert refused.value.codes == ["UNAUTHENTICATED"]
    assert await nothing_was_made(services)


async def test_others_see_nothing_of_a_clip(api: Api, stranger: Api, video: str) -> None:
    payload = await create(api, video, FIRST)
    task, clip = payload["task"]["id"], payload["video"]["id"]
    assert await stranger.run(TASK, id=task) == {"task": None, "node": None}
    assert await stranger.run(CLIPS, id=clip) == {"video": None}


UNREADABLE: dict[str, dict[str, Any]] = {
    "not probed": {"duration_ms": None, "content_id": None, "status": VideoStatus.PROCESSING},
    "failed": {"duration_ms": None, "content_id": None, "status": VideoStatus.UPLOAD_FAILED},
    "deleted": {"status": VideoStatus.DELETED},
}


@pytest.mark.parametrize("name", UNREADABLE)
async def test_a_video_without_a_file_cannot_be_cut(
    api: Api, services: Services, owner: factories.Owner, name: str
) -> None:
    video = await lasting(services, owner, **UNREADABLE[name])
    (error,) = (await create(api, video, FIRST))["userErrors"]
    assert (error["code"], error["path"]) == ("CLIP_INIT_FAILED", ["videoId"])
    assert await nothing_was_made(services)


async def test_a_damaged_file_cannot_be_cut(api: Api, services: Services, video: str) -> None:
    async with services.db.write() as session:
        await session.execute(update(Content).values(damaged_at=factories.EPOCH))
    (error,) = (await create(api, video, FIRST))["userErrors"]
    assert error["code"] == "CLIP_INIT_FAILED"
    assert await nothing_was_made(services)


@pytest.mark.parametrize("title", ["", " \t", "x" * 256])
async def test_a_clip_has_a_title(api: Api, services: Services, video: str, title: str) -> None:
    (error,) = (await create(api, video, FIRST, title=title))["userErrors"]
    assert error["path"] == ["title"]
    assert await nothing_was_made(services)


async def test_a_clip_that_is_cancelled_before_it_runs_fails(api: Api, video: str) -> None:
    payload = await create(api, video, FIRST)
    cancelled = await api.run(cancelling.TASK, id=payload["task"]["id"])
    assert cancelled == {"cancelTask": {"task": {"status": "CANCELLED"}, "userErrors": []}}
    query = "query ($id: ID!) { node(id: $id) { ... on Video { status statusReason } } }"
    assert await api.run(query, id=payload["video"]["id"]) == {
        "node": {"status": "UPLOAD_FAILED", "statusReason": "The task was cancelled."}
    }
