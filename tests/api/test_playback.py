"""Playing a video: signed links and the master playlist."""

import asyncio
import socket
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import psycopg
import pytest
import uvicorn

from db.models import Video
from domain.tokens import Grant
from domain.videos import Resolution
from resolvers.context import Services
from schema import ids
from server.app import create_app
from storage import keys
from tests.support import factories, uploading
from tests.support.api import Api, OperationFailed
from tests.support.house import content_of
from tests.support.playing import code, link, make_ready
from tests.support.waiting import until

PLAYBACK = """
query ($id: ID!, $ttl: Int! = 14400) {
  video(by: {id: $id}) {
    playback(ttlSeconds: $ttl) {
      hlsUrl coverUrl storyboardUrl fileUrl expiresAt playSets { resolution status }
    }
  }
}
"""


async def playback(api: Api, video: Video, **variables: Any) -> dict[str, Any] | None:
    found = await api.run(PLAYBACK, id=ids.encode("Video", video.id), **variables)
    return found["video"]["playback"]


async def test_nothing_can_be_played_before_a_play_set_is_ready(
    api: Api, services: Services, video: Video
) -> None:
    assert await playback(api, video) is None
    await factories.transcode_task(services.db, video, Resolution.P360)
    assert await playback(api, video) is None
    answer = await api.http.get(link(api, services, video, "master.m3u8"))
    assert (answer.status_code, code(answer)) == (403, "LINK_INVALID")


async def test_links_name_what_there_is_and_when_they_end(
    api: Api, services: Services, video: Video, wiper: psycopg.Connection
) -> None:
    folder = await make_ready(services, video, Resolution.P360)
    await factories.transcode_task(services.db, video, Resolution.P720)
    before = datetime.now(UTC).replace(microsecond=0)
    found = await playback(api, video, ttl=60)
    assert found is not None
    expires_at = datetime.fromisoformat(found.pop("expiresAt"))
    assert timedelta(0) <= expires_at - before - timedelta(seconds=60) <= timedelta(seconds=5)
    place = found["hlsUrl"].removesuffix("master.m3u8")
    assert found == {
        "fileUrl": f"{place}source",
        "hlsUrl": f"{place}master.m3u8",
        "coverUrl": None,
        "storyboardUrl": None,
        "playSets": [{"resolution": "P360", "status": "READY"}],
    }
    token = place.removeprefix(f"{api.base_url}/v/").removesuffix("/")
    assert services.playback_links.read(token) == Grant(video.id, expires_at, 0, video.content_id)
    prefix = keys.media(content_of(video)) + folder
    wiper.execute(
        "update video set poster_key = %s, storyboard_key = %s",
        [f"{prefix}poster.jpg", f"{prefix}storyboard.vtt"],
    )
    found = await playback(api, video)
    assert found is not None
    assert found["coverUrl"].endswith(f"/{folder}poster.jpg")
    assert found["storyboardUrl"].endswith(f"/{folder}storyboard.vtt")


SOUND = 'GROUP-ID="audio",NAME="audio"'
P360 = (
    'BANDWIDTH=896000,AVERAGE-BANDWIDTH=790000,CODECS="avc1.64001e,mp4a.40.2",'
    'RESOLUTION=640x360,FRAME-RATE=30.000,AUDIO="audio"'
)
P720 = (
    'BANDWIDTH=3000000,AVERAGE-BANDWIDTH=2500000,CODECS="avc1.64001f",'
    "RESOLUTION=1280x720,FRAME-RATE=29.970"
)


async def test_the_master_playlist_has_every_ready_play_set_and_its_sound(
    api: Api, services: Services, video: Video
) -> None:
    first = await make_ready(services, video, Resolution.P360, audio="audio")
    larger: dict[str, Any] = {
        "width": 1280,
        "height": 720,
        "frame_rate": "30000/1001",
        "codecs": "avc1.64001f",
        "bandwidth": 3_000_000,
        "average_bandwidth": 2_500_000,
    }
    second = await make_ready(services, video, Resolution.P720, **larger)
    found = await playback(api, video)
    assert found is not None
    answer = await api.http.get(found["hlsUrl"])
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "application/vnd.apple.mpegurl"
    assert answer.headers["cache-control"] == "private, no-cache"
    assert (
        answer.text
        == f"""\
#EXTM3U
#EXT-X-VERSION:7
#EXT-X-INDEPENDENT-SEGMENTS
#EXT-X-MEDIA:TYPE=AUDIO,{SOUND},DEFAULT=YES,AUTOSELECT=YES,URI="{first}audio.m3u8"
#EXT-X-STREAM-INF:{P360}
{first}360P.m3u8
#EXT-X-STREAM-INF:{P720}
{second}720P.m3u8
"""
    )


async def test_a_link_shows_what_became_ready_after_it_was_made(
    api: Api, services: Services, video: Video
) -> None:
    await make_ready(services, video, Resolution.P360)
    found = await playback(api, video)
    assert found is not None
    second = await make_ready(services, video, Resolution.P720)
    assert f"{second}720P.m3u8" in (await api.http.get(found["hlsUrl"])).text.splitlines()


async def test_a_raised_epoch_ends_every_link(
    api: Api, services: Services, video: Video, wiper: psycopg.Connection
) -> None:
    await make_ready(services, video, Resolution.P360)
    url = link(api, services, video, "master.m3u8")
    assert (await api.http.get(url)).status_code == 200
    wiper.execute("update video set epoch = epoch + 1")

    async def is_refused() -> bool:
        return (await api.http.get(url)).status_code != 200

    await until(is_refused)
    answer = await api.http.get(url)
    assert (answer.status_code, code(answer)) == (403, "LINK_INVALID")
    found = await playback(api, video)
    assert found is not None
    assert (await api.http.get(found["hlsUrl"])).status_code == 200


async def test_a_master_playlist_needs_a_link_that_holds(
    api: Api, services: Services, video: Video
) -> None:
    await make_ready(services, video, Resolution.P360)
    ended = await api.http.get(link(api, services, video, "master.m3u8", seconds=0))
    assert (ended.status_code, code(ended)) == (403, "LINK_EXPIRED")
    assert ended.headers["cache-control"] == "no-store"
    answer = await api.http.get("/v/x/master.m3u8")
    assert (answer.status_code, code(answer)) == (403, "LINK_INVALID")


async def test_a_video_that_is_gone_has_no_playlist(
    api: Api, services: Services, video: Video
) -> None:
    video.id = uuid4()
    answer = await api.http.get(link(api, services, video, "master.m3u8"))
    assert (answer.status_code, code(answer)) == (403, "LINK_INVALID")


@pytest.mark.parametrize(
    ("seconds", "code"),
    [(9, "INVALID_ARGUMENT"), (-1, "INVALID_ARGUMENT"), (86_401, "LIMIT_EXCEEDED")],
)
async def test_links_hold_from_10_seconds_to_a_day(
    api: Api, services: Services, video: Video, seconds: int, code: str
) -> None:
    await make_ready(services, video, Resolution.P360)
    for allowed in (10, 86_400):
        assert await playback(api, video, ttl=allowed) is not None
    with pytest.raises(OperationFailed) as failure:
        await playback(api, video, ttl=seconds)
    assert failure.value.codes == [code]


@pytest.fixture
async def behind_a_proxy(services: Services) -> AsyncIterator[str]:
    """Where a server answers whose callers know it by another name."""
    listener = socket.create_server(("127.0.0.1", 0))
    app = create_app(services, public_url="https://video.example")
    server = uvicorn.Server(uvicorn.Config(app, log_config=None, ws="none"))
    serving = asyncio.create_task(server._serve([listener]))
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    await serving


async def test_links_use_the_public_url(
    behind_a_proxy: str, services: Services, owner: factories.Owner, video: Video
) -> None:
    await make_ready(services, video, Resolution.P360)
    async with Api(behind_a_proxy, owner.api_key) as api:
        found = await playback(api, video)
        assert found is not None
        assert found["hlsUrl"].startswith("https://video.example/v/")
        upload = await uploading.begin(api, b"x")
        (url,) = await uploading.urls(api, upload["id"], 1)
        assert url.startswith("https://video.example/uploads/")


async def test_links_use_the_name_that_the_caller_used(
    api: Api, services: Services, video: Video
) -> None:
    await make_ready(services, video, Resolution.P360)
    body = {"query": PLAYBACK, "variables": {"id": ids.encode("Video", video.id)}}
    answer = await api.http.post("/graphql", json=body, headers={"host": "tv.example:81"})
    url = answer.json()["data"]["video"]["playback"]["hlsUrl"]
    assert url.startswith("http://tv.example:81/v/")
