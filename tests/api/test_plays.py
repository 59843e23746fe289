"""Reporting plays: by the owner's server, and by viewers with a link."""

import asyncio
from typing import Any

import psycopg
import pytest

from db.models import Video
from domain.videos import VideoStatus
from resolvers.context import Services
from schema import ids
from tests.support import factories
from tests.support.api import Api, OperationFailed
from tests.support.statements import recorded

RECORD = """
mutation ($input: RecordPlayInput!) {
  recordPlay(input: $input) {
    play { sessionId watchedMs progress startedAt updatedAt }
    userErrors {
      code path
      ... on InvalidStateError { currentState allowedStates }
      ... on LimitExceededError { limit actual }
    }
  }
}
"""
LINK = """
mutation ($id: ID!, $input: PlaybackTokenInput) {
  createPlaybackToken(videoId: $id, input: $input) {
    token playback { coverUrl storyboardUrl } userErrors { message }
  }
}
"""


@pytest.fixture
async def video(services: Services, owner: factories.Owner) -> Video:
    row = await factories.video(services.db, owner.account, status=VideoStatus.PUBLISHED)
    key = f"videos/{row.id.hex}/360P.m3u8"
    await factories.ready_play_set(services.db, row, playlist_key=key)
    return row


def of(video: Video) -> str:
    return ids.encode("Video", video.id)


async def send(api: Api, **input: Any) -> dict[str, Any]:
    values = {"sessionId": "s", "watchedMs": 1_000, "progress": 0.5, **input}
    return (await api.run(RECORD, input=values))["recordPlay"]


async def sent(api: Api, **input: Any) -> dict[str, Any]:
    payload = await send(api, **input)
    assert payload["userErrors"] == []
    return payload["play"]


async def refused(api: Api, **input: Any) -> tuple[str, list[str]]:
    payload = await send(api, **input)
    assert payload["play"] is None
    (error,) = payload["userErrors"]
    return error["code"], error["path"]


async def token(api: Api, video: Video, **input: Any) -> str:
    payload = (await api.run(LINK, id=of(video), input=input))["createPlaybackToken"]
    assert payload["userErrors"] == []
    return payload["token"]


def stored(wiper: psycopg.Connection) -> list[Any]:
    return wiper.execute(
        "select session, viewer, watched_ms, progress from play order by session"
    ).fetchall()


async def test_reports_of_a_session_are_one_play_of_the_greatest_values(
    api: Api, video: Video, wiper: psycopg.Connection
) -> None:
    first = await sent(api, videoId=of(video), watchedMs=2_000, progress=0.2, viewerId="v")
    assert (first["sessionId"], first["watchedMs"], first["progress"]) == ("s", 2_000, 0.2)
    late = await sent(api, videoId=of(video), watchedMs=1_000, progress=0.1)
    assert late == first
    further = await sent(api, videoId=of(video), watchedMs=1_500, progress=0.9, viewerId="w")
    assert (further["watchedMs"], further["progress"]) == (2_000, 0.9)
    assert further["startedAt"] == first["startedAt"]
    assert further["updatedAt"] > first["updatedAt"]
    await sent(api, videoId=of(video), sessionId="t")
    assert stored(wiper) == [("s", "v", 2_000, 0.9), ("t", None, 1_000, 0.5)]


async def test_reports_at_once_lose_nothing(
    api: Api, video: Video, wiper: psycopg.Connection
) -> None:
    reports = [
        send(api, videoId=of(video), watchedMs=at * 100, progress=(20 - at) / 20)
        for at in range(20)
    ]
    assert all(one["userErrors"] == [] for one in await asyncio.gather(*reports))
    assert stored(wiper) == [("s", None, 1_900, 1.0)]


async def test_a_report_is_one_statement(api: Api, services: Services, video: Video) -> None:
    await api.run("{ viewer { id } }")  # from here on the key is known
    with recorded(services) as statements:
        await sent(api, videoId=of(video))
        await sent(api, videoId=of(video), watchedMs=7_000)
    assert len(statements) == 2


async def test_only_what_is_published_is_played(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    for status in set(VideoStatus) - {VideoStatus.PUBLISHED}:
        video = await factories.video(services.db, owner.account, status=status)
        payload = await send(api, videoId=of(video))
        assert payload == {
            "play": None,
            "userErrors": [
                {
                    "code": "INVALID_STATE",
                    "path": ["videoId"],
                    "currentState": status.name,
                    "allowedStates": ["PUBLISHED"],
                }
            ],
        }


async def test_limits(api: Api, video: Video, wiper: psycopg.Connection) -> None:
    id = of(video)
    assert await refused(api, videoId=id, sessionId="") == ("INVALID_ARGUMENT", ["sessionId"])
    assert await refused(api, videoId=id, sessionId="s" * 65) == ("LIMIT_EXCEEDED", ["sessionId"])
    assert await refused(api, videoId=id, watchedMs=86_400_001) == ("LIMIT_EXCEEDED", ["watchedMs"])
    assert await refused(api, videoId=id, progress=1.5) == ("INVALID_ARGUMENT", ["progress"])
    assert await refused(api, videoId=id, viewerId="v" * 65) == ("LIMIT_EXCEEDED", ["viewerId"])
    assert stored(wiper) == []
    await sent(api, videoId=id, sessionId="s" * 64, watchedMs=86_400_000, viewerId="中" * 64)


async def test_what_is_anothers_is_not_there(
    api: Api, stranger: Api, anonymous: Api, video: Video, wiper: psycopg.Connection
) -> None:
    unknown = ids.encode("Video", ids.find(of(video), "Video") or video.id)[:-6] + "AAAAAA"
    for id in (of(video), unknown, "", "x", ids.encode("PlaySet", video.id)):
        assert await refused(stranger, videoId=id) == ("NOT_FOUND", ["videoId"])
    assert await refused(api) == ("NOT_FOUND", ["videoId"])
    for input in ({"videoId": of(video)}, {"videoId": "x", "sessionId": ""}, {}):
        with pytest.raises(OperationFailed) as failure:
            await send(anonymous, **input)
        assert failure.value.codes == ["UNAUTHENTICATED"]
    assert stored(wiper) == []


async def test_a_link_says_who_watches_what(
    api: Api, stranger: Api, anonymous: Api, video: Video, wiper: psycopg.Connection
) -> None:
    link = await token(api, video, viewerId="v")
    for number, caller in enumerate((anonymous, stranger, api)):
        play = await sent(caller, token=link, sessionId=str(number))
        assert play["watchedMs"] == 1_000
    assert stored(wiper) == [(str(one), "v", 1_000, 0.5) for one in range(3)]
    assert await refused(api, token=link, videoId=of(video)) == ("INVALID_ARGUMENT", ["videoId"])
    assert await refused(api, token=link, viewerId="w") == ("INVALID_ARGUMENT", ["viewerId"])


async def test_links_that_do_not_hold_report_nothing(
    api: Api, anonymous: Api, services: Services, video: Video, wiper: psycopg.Connection
) -> None:
    held = await token(api, video)
    assert await refused(anonymous, token=held[:-1]) == ("LINK_INVALID", [])
    assert await refused(anonymous, token=held[::-1]) == ("LINK_INVALID", [])
    upload = services.upload_links.sign(services.playback_links.read(held))
    assert await refused(anonymous, token=upload) == ("LINK_INVALID", [])
    elsewhere = await token(api, video, ip="203.0.113.9")
    assert (await refused(anonymous, token=elsewhere))[0] == "ADDRESS_NOT_ALLOWED"
    here = await token(api, video, ip="127.0.0.1", singleUse=True)
    await sent(anonymous, token=here)
    wiper.execute("update video set status = 'banned'")
    assert await refused(anonymous, token=held) == ("LINK_INVALID", [])
    wiper.execute("update video set status = 'published', epoch = epoch + 1")
    assert await refused(anonymous, token=held) == ("LINK_INVALID", [])
    assert len(stored(wiper)) == 1


async def test_public_links_end_where_tokens_are_needed(
    api: Api, anonymous: Api, video: Video, wiper: psycopg.Connection
) -> None:
    wiper.execute("update video set share_state = 'public'")
    query = (
        "query ($id: ID!) { sharedVideo(id: $id) { ... on SharedVideo { playback { hlsUrl } } } }"
    )
    found = await anonymous.run(query, id=video.vid)
    link = found["sharedVideo"]["playback"]["hlsUrl"].split("/")[-2]
    await sent(anonymous, token=link)
    owners = await token(api, video)
    wiper.execute("update video set auth_play = true")
    assert await refused(anonymous, token=link, sessionId="t") == ("LINK_INVALID", [])
    await sent(anonymous, token=owners, sessionId="t")
    assert [row[0] for row in stored(wiper)] == ["s", "t"]


async def test_plays_go_with_their_video(api: Api, video: Video, wiper: psycopg.Connection) -> None:
    await sent(api, videoId=of(video))
    wiper.execute("delete from play_set")
    wiper.execute("delete from task")
    wiper.execute("delete from video")
    assert stored(wiper) == []
