"""What viewers see of videos that are shared, with a key and without."""

import statistics
import time
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import psycopg
import pytest

from db.models import Video
from domain.videos import VideoStatus
from resolvers.context import Services
from schema import ids
from storage import keys
from tests.support import factories, playing
from tests.support.api import Api, OperationFailed
from tests.support.shares import outcome, share, shared

WHOLE = """
query ($id: ID!, $password: String) {
  sharedVideo(id: $id, password: $password) {
    ... on SharedVideo {
      vid title description durationMs width height publishedAt tags
      aspectRatio autoPlay playerId playerName playabilityReason
      keyPoints { atMs description }
      playback(ttlSeconds: 60) {
        hlsUrl coverUrl storyboardUrl
        playSets { resolution width height encryption codecs bandwidth }
      }
    }
  }
}
"""
NOTHING = {"__typename": "ShareNotAvailable", "message": "There is no video here for viewers."}
"""What is said of whatever viewers cannot see."""


@pytest.fixture
async def video(services: Services, owner: factories.Owner) -> Video:
    return await factories.video(services.db, owner.account, status=VideoStatus.PUBLISHED)


async def make_ready(services: Services, video: Video) -> None:
    assert video.content_id is not None
    key = keys.attempt(video.content_id, uuid4(), 1)
    await factories.ready_play_set(services.db, video, playlist_key=f"{key}360P.m3u8")


async def test_a_public_video_is_everybodys(
    api: Api,
    stranger: Api,
    anonymous: Api,
    services: Services,
    video: Video,
    wiper: psycopg.Connection,
) -> None:
    await make_ready(services, video)
    wiper.execute(
        "update video set tags = '{a,b}', player_id = 'p', player_name = 'P', auto_play = true,"
        " aspect_ratio = '4:3', published_at = '2026-01-01T00:00:00Z', description = 'D'"
    )
    for at_ms in (3_000, 1_000):
        wiper.execute(
            "insert into key_point (id, video_id, at_ms, description) values (%s, %s, %s, 'Here')",
            [uuid4(), video.id, at_ms],
        )
    await share(api, video, "PUBLIC")
    for caller in (api, stranger, anonymous):
        found = (await caller.run(WHOLE, id=video.vid))["sharedVideo"]
        place = found["playback"].pop("hlsUrl")
        assert found == {
            "vid": video.vid,
            "title": "A video",
            "description": "D",
            "durationMs": 4_000,
            "width": 1_280,
            "height": 720,
            "publishedAt": "2026-01-01T00:00:00.000000Z",
            "tags": ["a", "b"],
            "aspectRatio": "R4_3",
            "autoPlay": True,
            "playerId": "p",
            "playerName": "P",
            "playabilityReason": None,
            "keyPoints": [
                {"atMs": 1_000, "description": "Here"},
                {"atMs": 3_000, "description": "Here"},
            ],
            "playback": {
                "coverUrl": None,
                "storyboardUrl": None,
                "playSets": [
                    {
                        "resolution": "P360",
                        "width": 640,
                        "height": 360,
                        "encryption": "NONE",
                        "codecs": "avc1.64001e",
                        "bandwidth": 800_000,
                    }
                ],
            },
        }
        assert (await httpx_get(place)).status_code == 200
        # A password that nobody asks for does not matter.
        assert await outcome(caller, video, "anything") == "SharedVideo"


async def test_viewers_are_told_why_there_is_nothing_to_play(
    api: Api, anonymous: Api, services: Services, video: Video, wiper: psycopg.Connection
) -> None:
    await share(api, video, "PASSWORD", "secret")

    async def reason() -> str:
        found = (await anonymous.run(WHOLE, id=video.vid, password="secret"))["sharedVideo"]  # noqa: S106
        assert found["playback"] is None
        return found["playabilityReason"]

    assert await reason() == "NOT_READY"
    await make_ready(services, video)
    wiper.execute("update video set auth_play = true")
    assert await reason() == "TOKEN_REQUIRED"


async def test_viewers_get_no_file_as_it_was_uploaded(
    api: Api, anonymous: Api, services: Services, owner: factories.Owner, tmp_path: Path
) -> None:
    video = await playing.playable(services, owner, tmp_path)
    await share(api, video.row, "PUBLIC")
    found = (await anonymous.run(WHOLE, id=video.row.vid))["sharedVideo"]
    place = found["playback"]["hlsUrl"].removesuffix("master.m3u8")
    opened = await playing.answers(anonymous.http, place, video)
    assert opened == playing.everywhere("OK") | {"source": "LINK_INVALID"}


async def httpx_get(url: str) -> httpx.Response:
    async with httpx.AsyncClient(trust_env=False) as http:
        return await http.get(url)


async def test_a_video_with_a_password_is_for_who_knows_it(
    api: Api, stranger: Api, anonymous: Api, video: Video
) -> None:
    await share(api, video, "PASSWORD", "caf\u00e9")
    for caller in (api, stranger, anonymous):
        assert await shared(caller, video.vid) == {
            "__typename": "SharePasswordRequired",
            "message": "The video has a password: send it.",
        }
        assert await shared(caller, video.vid, "cafe") == {
            "__typename": "SharePasswordWrong",
            "attemptsLeft": 9,
        }
        for password in ("caf\u00e9", "cafe\u0301"):
            assert await shared(caller, video.vid, password) == {
                "__typename": "SharedVideo",
                "vid": video.vid,
                "title": "A video",
            }


@pytest.mark.parametrize("status", [one for one in VideoStatus if one is not VideoStatus.PUBLISHED])
async def test_only_what_is_published_is_shared(
    anonymous: Api,
    services: Services,
    owner: factories.Owner,
    wiper: psycopg.Connection,
    status: VideoStatus,
) -> None:
    video = await factories.video(services.db, owner.account, status=status)
    for state in ("public", "password", "private"):
        wiper.execute("update video set share_state = %s, share_password_hash = 'x'", [state])
        for password in (None, "", "secret"):
            assert await shared(anonymous, video.vid, password) == NOTHING


async def test_a_private_video_looks_like_none_at_all(
    api: Api, stranger: Api, anonymous: Api, video: Video, wiper: psycopg.Connection
) -> None:
    await share(api, video, "PASSWORD", "secret")
    await share(api, video, "PRIVATE")
    unknown = ids.encode("Video", uuid4())
    foreign = ids.encode("Account", video.account_id)
    known = (video.vid, ids.encode("Video", video.id))
    for caller in (api, stranger, anonymous):
        for id in (*known, unknown, foreign, "nobody", "", "\0", "é", "x" * 300):
            for password in (None, "secret", "wrong"):
                assert await shared(caller, id, password) == NOTHING
    assert wiper.execute("select count(*) from password_attempt").fetchone() == (0,)


async def test_neither_answer_nor_its_time_tells_a_private_video_from_none(
    api: Api, anonymous: Api, video: Video
) -> None:
    await share(api, video, "PASSWORD", "secret")
    await share(api, video, "PRIVATE")

    async def took(id: str) -> float:
        started = time.perf_counter()
        await shared(anonymous, id, "secret")
        return time.perf_counter() - started

    times = {id: [await took(id) for _ in range(3)] for id in (video.vid, "nobody")}
    for _ in range(30):
        for id, found in times.items():
            found.append(await took(id))
    private, unknown = (statistics.median(found) for found in times.values())
    assert abs(private - unknown) < 0.02  # working the password out takes twice that


async def test_a_password_is_no_way_to_what_is_the_owners(
    api: Api, anonymous: Api, stranger: Api, services: Services, video: Video
) -> None:
    await make_ready(services, video)
    await share(api, video, "PUBLIC")
    node = "query ($id: ID!) { node(id: $id) { id } }"
    by = "query ($id: ID!) { video(by: {id: $id}) { id } }"
    id = ids.encode("Video", video.id)
    assert await stranger.run(node, id=id) == {"node": None}
    assert await stranger.run(by, id=id) == {"video": None}
    for query in (node, by):
        with pytest.raises(OperationFailed) as failure:
            await anonymous.run(query, id=id)
        assert failure.value.codes == ["UNAUTHENTICATED"]


OWNERS = {
    "id",
    "status",
    "storageId",
    "sha256",
    "tasks",
    "sourceId",
    "share",
    "category",
    "playSets",
}


async def test_what_viewers_see_has_no_way_to_the_owners_types(api: Api) -> None:
    found = await api.run(
        "{ __schema { types { name fields { name type { name ofType { name ofType { name"
        " ofType { name } } } } } } } }"
    )
    types = {one["name"]: one["fields"] for one in found["__schema"]["types"]}

    def named(kind: dict[str, Any] | None) -> str:
        while kind and not kind["name"]:
            kind = kind["ofType"]
        return kind["name"] if kind else ""

    seen, waiting = set[str](), ["SharedVideo"]
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += [named(one["type"]) for one in types[name] or ()]
    objects = {name for name in seen if types[name]}
    assert objects == {"SharedVideo", "SharedPlayback", "SharedPlaySet", "SharedKeyPoint"}
    assert not OWNERS & {one["name"] for one in types["SharedVideo"]}


async def test_another_password_ends_what_viewers_play(
    api: Api, anonymous: Api, services: Services, video: Video
) -> None:
    await make_ready(services, video)
    await share(api, video, "PASSWORD", "one")
    found = await anonymous.run(WHOLE, id=video.vid, password="one")  # noqa: S106
    url = found["sharedVideo"]["playback"]["hlsUrl"]
    assert (await httpx_get(url)).status_code == 200
    await share(api, video, "PASSWORD", "one")
    assert (await httpx_get(url)).status_code == 200
    await share(api, video, "PASSWORD", "two")
    assert (await httpx_get(url)).status_code == 403
    assert await outcome(anonymous, video, "one") == "SharePasswordWrong"


async def test_it_may_be_asked_for_by_get(api: Api, anonymous: Api, video: Video) -> None:
    await share(api, video, "PUBLIC")
    query = f'{{ sharedVideo(id: "{video.vid}") {{ __typename }} }}'
    answer = await anonymous.http.get("/graphql", params={"query": query})
    assert answer.json()["data"] == {"sharedVideo": {"__typename": "SharedVideo"}}
