"""Playing ends when its owner wants it to, whatever link a player has."""

from pathlib import Path

import psycopg
import pytest

from db.standings import Standings
from db.videos import end_playback
from domain.errors import LinkInvalid
from domain.events import topic
from domain.playback import PlaybackUnavailable
from domain.playback_rules import Client
from domain.tokens import Grant
from resolvers.context import Services
from resolvers.gate import Gate
from tests.support import factories, playing
from tests.support.api import Api
from tests.support.playing import Playable, answers, everywhere, place_of, said
from tests.support.statements import recorded
from tests.support.waiting import until

AUTH_PLAY = """
mutation ($ids: [ID!]!, $enabled: Boolean!) {
  setAuthPlay(ids: $ids, enabled: $enabled) {
    changedCount results { changed video { authPlayEnabled } error { code } }
    userErrors { code }
  }
}
"""


@pytest.fixture
async def video(services: Services, owner: factories.Owner, tmp_path: Path) -> Playable:
    return await playing.playable(services, owner, tmp_path)


async def until_said(api: Api, url: str, wanted: str) -> None:
    async def is_said() -> bool:
        return said(await api.http.get(url)) == wanted

    await until(is_said, timeout_s=5)


async def test_a_link_plays_everything(api: Api, video: Playable) -> None:
    place = await place_of(api, video)
    assert await answers(api.http, place, video) == everywhere("OK")
    assert (await api.http.get(f"{place}{video.folder}360P.mp4")).content == playing.SEGMENT
    assert (await api.http.get(f"{place}keys/{video.key_id.hex}")).content == playing.KEY


@pytest.mark.parametrize(
    "change",
    [
        "update video set status = 'banned'",
        "update video set status = 'deleted'",
        "update video set status = 'upload_failed'",
        "update video set epoch = epoch + 1",
        "delete from video",
    ],
)
async def test_what_ends_playing_is_found_also_when_nobody_tells(
    api: Api, video: Playable, wiper: psycopg.Connection, change: str
) -> None:
    place = await place_of(api, video)
    assert await answers(api.http, place, video) == everywhere("OK")
    wiper.execute("delete from play_set; delete from segment_key" if "delete" in change else "")
    wiper.execute(change)
    await until_said(api, f"{place}{video.folder}360P.mp4", "LINK_INVALID")
    assert await answers(api.http, place, video) == everywhere("LINK_INVALID")


async def test_once_the_bus_has_told_the_next_request_is_refused(
    services: Services, api: Api, video: Playable
) -> None:
    place = await place_of(api, video)
    assert await answers(api.http, place, video) == everywhere("OK")
    async with services.bus.subscribe(topic("video", video.row.id)) as told:
        async with services.db.write() as session:
            await end_playback(session, [video.row.id])
        await told.changed()
    assert await answers(api.http, place, video) == everywhere("LINK_INVALID")
    assert await answers(api.http, await place_of(api, video), video) == everywhere("OK")


async def test_a_video_that_is_being_played_costs_no_statement(
    services: Services, api: Api, video: Playable
) -> None:
    place = await place_of(api, video)
    urls = [place + video.paths()[name] for name in ("master", "media")]
    for url in urls:
        assert said(await api.http.get(url)) == "OK"
    with recorded(services) as statements:
        for _ in range(10):
            for url in urls:
                assert said(await api.http.get(url)) == "OK"
    assert statements == []


async def test_a_playlist_grows_while_it_is_being_played(
    services: Services, api: Api, video: Playable
) -> None:
    url = f"{await place_of(api, video)}master.m3u8"
    assert (await api.http.get(url)).text.count("EXT-X-STREAM-INF") == 1
    await factories.ready_play_set(services.db, video.row, playlist_key="x/480P.m3u8")

    async def has_both() -> bool:
        return (await api.http.get(url)).text.count("EXT-X-STREAM-INF") == 2

    await until(has_both, timeout_s=5)


async def test_with_auth_play_only_tokens_that_were_asked_for_play(
    services: Services, api: Api, video: Playable
) -> None:
    grant = grant_of(services, await place_of(api, video))
    public = f"{api.base_url}/v/{services.playback_links.sign(public_of(grant))}/"
    token, own = await playing.token_place(api, video), await place_of(api, video)
    for place in (public, token, own):
        assert await answers(api.http, place, video) == everywhere("OK")
    done = (await api.run(AUTH_PLAY, ids=[video.id], enabled=True))["setAuthPlay"]
    assert done == {
        "changedCount": 1,
        "results": [{"changed": True, "video": {"authPlayEnabled": True}, "error": None}],
        "userErrors": [],
    }
    await until_said(api, f"{public}master.m3u8", "LINK_INVALID")
    assert await answers(api.http, public, video) == everywhere("LINK_INVALID")
    for place in (token, own):
        assert await answers(api.http, place, video) == everywhere("OK")


async def test_nobody_chooses_for_videos_of_others(
    api: Api, stranger: Api, anonymous: Api, video: Playable
) -> None:
    done = (await stranger.run(AUTH_PLAY, ids=[video.id], enabled=True))["setAuthPlay"]
    assert done["changedCount"] == 0
    assert done["results"] == [{"changed": False, "video": None, "error": {"code": "NOT_FOUND"}}]
    with pytest.raises(AssertionError, match="UNAUTHENTICATED"):
        await anonymous.run(AUTH_PLAY, ids=[video.id], enabled=True)
    found = await api.run("query ($id: ID!) { video(by: {id: $id}) { authPlayEnabled } }", id=video.id)
    assert found["video"] == {"authPlayEnabled": False}
