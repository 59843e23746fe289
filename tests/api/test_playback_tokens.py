"""Playback tokens: links for one viewer, which the owner's server asks for."""

import asyncio
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from domain.tokens import Grant
from domain.videos import Resolution
from jobs import maintenance
from jobs.runs import Tools
from resolvers.context import Services
from schema import ids
from server import answering as answer
from server.app import create_app
from tests.support import factories, playing
from tests.support.api import Api, OperationFailed
from tests.support.playing import (
    CREATE,
    Playable,
    answers,
    create,
    everywhere,
    make_ready,
    place_of,
    said,
    token_place,
)

REVOKE = """
mutation ($id: ID!) {
  revokePlayback(videoId: $id) { video { id } userErrors { code path } }
}
"""


@asynccontextmanager
async def answering(services: Services, *, proxies: str) -> AsyncGenerator[str]:
    """The URL of a server that believes these proxies."""
    with answer.listen("127.0.0.1", 0, advice="") as listener:
        serving = asyncio.create_task(
            answer.answer(create_app(services), listener, proxies=proxies)
        )
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


@pytest.fixture
async def video(services: Services, owner: factories.Owner, tmp_path: Path) -> Playable:
    return await playing.playable(services, owner, tmp_path, title='Zoë\'s "film" 1/2')


def at(address: str) -> dict[str, str]:
    """Headers of a proxy on this machine, whose client has that address."""
    return {"x-forwarded-for": address}


def grant_of(services: Services, place: str) -> Grant:
    return services.playback_links.read(place.split("/")[4])


async def test_a_token_plays_everything_for_ten_minutes(
    api: Api, services: Services, video: Playable
) -> None:
    before = datetime.now(UTC).replace(microsecond=0)
    made = await create(api, video.id, viewerId="viewer-7")
    links = made["playback"]
    place = f"{api.base_url}/v/{made['token']}/"
    expires_at = datetime.fromisoformat(links.pop("expiresAt"))
    assert timedelta(0) <= expires_at - before - timedelta(seconds=600) <= timedelta(seconds=5)
    assert made["userErrors"] == []
    assert links == {
        "hlsUrl": f"{place}master.m3u8",
        "coverUrl": f"{place}{video.folder}poster.jpg",
        "storyboardUrl": f"{place}{video.folder}storyboard.vtt",
        "fileUrl": f"{place}source",
        "viewerId": "viewer-7",
        "playSets": [{"resolution": "P360"}],
    }
    assert await answers(api.http, place, video) == everywhere("OK")
    row = video.row
    assert grant_of(services, place) == Grant(
        row.id, expires_at, 0, row.content_id, viewer="viewer-7"
    )


async def test_a_token_needs_no_input(api: Api, video: Playable) -> None:
    made = (await api.run(CREATE, id=video.id))["createPlaybackToken"]
    assert (made["userErrors"], made["playback"]["viewerId"]) == ([], None)


@pytest.mark.parametrize(
    ("input", "code", "path"),
    [
        ({"ttlSeconds": 9}, "INVALID_ARGUMENT", "ttlSeconds"),
        ({"ttlSeconds": 86_401}, "LIMIT_EXCEEDED", "ttlSeconds"),
        ({"ip": "203.0.113.256"}, "INVALID_ARGUMENT", "ip"),
        ({"ip": "203.0.113.0/24"}, "INVALID_ARGUMENT", "ip"),
        ({"ip": ""}, "INVALID_ARGUMENT", "ip"),
        ({"viewerId": "v" * 65}, "LIMIT_EXCEEDED", "viewerId"),
        ({"viewerId": " "}, "INVALID_ARGUMENT", "viewerId"),
        ({"viewerId": "a\0"}, "INVALID_ARGUMENT", "viewerId"),
    ],
)
async def test_what_a_token_cannot_be(
    api: Api, video: Playable, input: dict[str, Any], code: str, path: str
) -> None:
    made = await create(api, video.id, **input)
    assert [(one["code"], one["path"]) for one in made["userErrors"]] == [(code, [path])]
    assert (made["token"], made["playback"]) == (None, None)


async def test_a_video_that_cannot_be_played_gets_none(
    api: Api, video: Playable, wiper: psycopg.Connection
) -> None:
    wiper.execute("update video set status = 'banned'")
    (error,) = (await create(api, video.id))["userErrors"]
    assert error == {
        "code": "VIDEO_NOT_PLAYABLE",
        "message": "The video cannot be played: BANNED. Lift the ban: `setVideosBanned`.",
        "path": ["videoId"],
    }


async def test_nobody_gets_tokens_for_videos_of_others(
    api: Api, stranger: Api, anonymous: Api, video: Playable
) -> None:
    unknown = ids.encode("Video", "00000000-0000-0000-0000-000000000001")
    found = [
        await create(stranger, id) for id in (video.id, unknown, ids.encode("Task", video.row.id))
    ]
    assert [one["userErrors"][0]["code"] for one in found] == ["NOT_FOUND"] * 3
    assert [one["userErrors"][0]["path"] for one in found] == [["videoId"]] * 3
    assert [one["token"] for one in found] == [None] * 3
    with pytest.raises(OperationFailed) as failure:
        await create(anonymous, video.id)
    assert failure.value.codes == ["UNAUTHENTICATED"]
    assert (await create(api, video.id))["userErrors"] == []


@pytest.mark.parametrize(
    ("bound", "same"),
    [
        ("203.0.113.7", "::ffff:203.0.113.7"),
        ("::ffff:203.0.113.7", "203.0.113.7"),
        ("2001:DB8::7", "2001:db8:0::7"),
    ],
)
async def test_a_token_for_one_address_plays_nowhere_else(
    api: Api, video: Playable, bound: str, same: str
) -> None:
    place = await token_place(api, video, ip=bound)
    assert await answers(api.http, place, video, at(same)) == everywhere("OK")
    for other in ("203.0.113.8", "2001:db8::8", "127.0.0.1", "unknown"):
        refused = await answers(api.http, place, video, at(other))
        assert refused == everywhere("ADDRESS_NOT_ALLOWED"), other
    assert await answers(api.http, place, video) == everywhere("ADDRESS_NOT_ALLOWED")


async def test_only_proxies_say_who_their_clients_are(
    services: Services, owner: factories.Owner, video: Playable
) -> None:
    async with answering(services, proxies="203.0.113.9") as url, Api(url, owner.api_key) as api:
        place = await token_place(api, video, ip="203.0.113.7")
        refused = await answers(api.http, place, video, at("203.0.113.7"))
        assert refused == everywhere("ADDRESS_NOT_ALLOWED")
        place = await token_place(api, video, ip="127.0.0.1")
        assert await answers(api.http, place, video, at("203.0.113.7")) == everywhere("OK")


async def test_a_token_for_one_use_plays_for_the_first_who_uses_it(
    api: Api, services: Services, video: Playable
) -> None:
    made = await create(api, video.id, singleUse=True, viewerId="viewer-7")
    links = made["playback"]
    assert links["fileUrl"] is None
    first = await api.http.get(links["hlsUrl"], headers=at("203.0.113.7"))
    assert first.status_code == 200
    place, folder = led_to(links["hlsUrl"], first.text)
    assert folder == f"{video.folder}360P.m3u8"
    grant = grant_of(services, place)
    assert (grant.once, str(grant.address), grant.viewer) == (None, "203.0.113.7", "viewer-7")
    assert grant.expires_at == datetime.fromisoformat(links["expiresAt"])
    opened = everywhere("OK") | {"source": "LINK_INVALID"}
    assert await answers(api.http, place, video, at("203.0.113.7")) == opened
    other = await answers(api.http, place, video, at("203.0.113.8"))
    assert other == everywhere("ADDRESS_NOT_ALLOWED") | {"source": "LINK_INVALID"}
    for address in ("203.0.113.7", "203.0.113.8"):
        again = await api.http.get(links["hlsUrl"], headers=at(address))
        assert (again.status_code, said(again)) == (403, "LINK_SPENT")


async def test_sound_is_below_the_link_of_the_one_use_as_well(
    api: Api, services: Services, owner: factories.Owner
) -> None:
    row = await factories.video(services.db, owner.account)
    folder = await make_ready(services, row, Resolution.P360, audio="audio")
    made = await create(api, ids.encode("Video", row.id), singleUse=True)
    lines = (await api.http.get(made["playback"]["hlsUrl"])).text.splitlines()
    (sound,) = [line for line in lines if line.startswith("#EXT-X-MEDIA")]
    place = lines[-1].removesuffix(f"{folder}360P.m3u8")
    assert f'URI="{place}{folder}audio.m3u8"' in sound


def led_to(url: str, playlist: str) -> tuple[str, str]:
    """Where a playlist leads from its own URL: the place of the link, and the path below it."""
    whole = str(httpx.URL(url).join(playlist.splitlines()[-1]))
    parts = whole.split("/")
    return "/".join(parts[:5]) + "/", "/".join(parts[5:])


async def test_of_many_who_use_it_at_once_one_wins(api: Api, video: Playable) -> None:
    url = (await create(api, video.id, singleUse=True))["playback"]["hlsUrl"]
    found = await asyncio.gather(*(api.http.get(url) for _ in range(20)))
    assert Counter(map(said, found)) == {"OK": 1, "LINK_SPENT": 19}


async def test_a_refused_request_is_no_use(api: Api, video: Playable) -> None:
    made = await create(api, video.id, singleUse=True, ip="203.0.113.7")
    url = made["playback"]["hlsUrl"]
    assert said(await api.http.get(url, headers=at("203.0.113.8"))) == "ADDRESS_NOT_ALLOWED"
    assert (await api.http.head(url, headers=at("203.0.113.7"))).status_code == 200
    assert said(await api.http.get(url, headers=at("203.0.113.7"))) == "OK"


async def test_a_token_for_one_use_opens_the_playlist_only_and_its_pictures_only_pictures(
    api: Api, video: Playable
) -> None:
    links = (await create(api, video.id, singleUse=True))["playback"]
    place = links["hlsUrl"].removesuffix("master.m3u8")
    opened = await answers(api.http, place, video)
    assert opened == everywhere("LINK_INVALID") | {"master": "OK"}
    for name in ("poster.jpg", "storyboard.vtt"):
        assert said(await api.http.get(f"{place}{video.folder}{name}")) == "LINK_INVALID"
    for name in ("coverUrl", "storyboardUrl"):
        assert said(await api.http.get(links[name])) == "OK"
    pictures = links["coverUrl"].removesuffix(f"{video.folder}poster.jpg")
    assert await answers(api.http, pictures, video) == everywhere("LINK_INVALID")


async def test_revoking_ends_every_link_that_was_given_out(
    api: Api, stranger: Api, video: Playable, wiper: psycopg.Connection
) -> None:
    places = [await token_place(api, video), await place_of(api, video)]
    foreign = (await stranger.run(REVOKE, id=video.id))["revokePlayback"]
    assert foreign == {"video": None, "userErrors": [{"code": "NOT_FOUND", "path": ["videoId"]}]}
    for place in places:
        assert await answers(api.http, place, video) == everywhere("OK")
    done = (await api.run(REVOKE, id=video.id))["revokePlayback"]
    assert done == {"video": {"id": video.id}, "userErrors": []}
    for place in places:
        await playing.until_said(api, f"{place}master.m3u8", "LINK_INVALID")
        assert await answers(api.http, place, video) == everywhere("LINK_INVALID")
    assert await answers(api.http, await token_place(api, video), video) == everywhere("OK")
    news = wiper.execute("select type from event").fetchall()
    assert news == [("video_updated",)]


async def test_a_link_ends_with_its_second(api: Api, services: Services, video: Playable) -> None:
    def place(seconds: float) -> str:
        ends = datetime.now(UTC) + timedelta(seconds=seconds)
        row = video.row
        grant = Grant(row.id, ends, row.epoch, row.content_id, viewer="viewer-7")
        return f"{api.base_url}/v/{services.playback_links.sign(grant)}/"

    assert await answers(api.http, place(10), video) == everywhere("OK")
    assert await answers(api.http, place(-1), video) == everywhere("LINK_EXPIRED")


async def test_a_link_is_used_as_it_was_given(
    api: Api, services: Services, owner: factories.Owner, video: Playable, tmp_path: Path
) -> None:
    place = await token_place(api, video, viewerId="viewer-7")
    token = place.split("/")[4]
    other = await playing.playable(services, owner, tmp_path)
    altered = {
        "cut": place.replace(token, token[:-1]),
        "longer": place.replace(token, token + "A"),
        "other": place.replace(token, token[:20] + ("A" if token[20] != "A" else "B") + token[21:]),
        "shorter": place.replace(token, token[4:]),
    }
    for name, url in altered.items():
        assert await answers(api.http, url, video) == everywhere("LINK_INVALID"), name
    for path in video.paths().values():
        for more in ("?x=1", "?token=", "?_=1700000000", "?e=9999999999&s=0"):
            answer = await api.http.get(place + path + more)
            assert (answer.status_code, said(answer)) == (403, "LINK_INVALID"), more
    assert said(await api.http.get(f"{place}keys/{other.key_id.hex}")) == "LINK_INVALID"
    assert (await api.http.get(f"{place}{other.folder}360P.mp4")).status_code == 404
    for path in ("%2e%2e/x.mp4", f"{video.folder}%2e%2e/360P.mp4", "source/", "source/x", "SOURCE"):
        request = api.http.build_request("GET", "/")
        request.extensions["target"] = (place + path).removeprefix(api.base_url).encode()
        answer = await api.http.send(request)
        assert (answer.status_code, said(answer)) == (403, "LINK_INVALID"), path


async def test_refusals_may_be_read_by_pages_of_other_sites(api: Api, video: Playable) -> None:
    place = await token_place(api, video, ip="203.0.113.7")
    origin = {"origin": "https://player.example"}
    for address, status in (("203.0.113.7", 200), ("203.0.113.8", 403)):
        for path in video.paths().values():
            answer = await api.http.get(place + path, headers=at(address) | origin)
            assert answer.status_code == status
            assert answer.headers["access-control-allow-origin"] == "*"


async def test_the_file_is_handed_out_as_it_was_uploaded(api: Api, video: Playable) -> None:
    url = f"{await token_place(api, video)}source"
    whole = await api.http.get(url)
    assert (whole.status_code, whole.content) == (200, playing.SOURCE)
    headers = {name: whole.headers[name] for name in DESCRIBING}
    assert headers == {
        "content-type": "video/mp4",
        "content-disposition": 'attachment; filename="Zo__s__film__1_2.mp4";'
        " filename*=UTF-8''Zo%C3%AB%27s%20%22film%22%201_2.mp4",
        "x-content-type-options": "nosniff",
        "cache-control": "private, no-cache",
    }
    part = await api.http.get(url, headers={"range": "bytes=4-7"})
    assert (part.status_code, part.content) == (206, playing.SOURCE[4:8])
    assert part.headers["content-range"] == f"bytes 4-7/{len(playing.SOURCE)}"


DESCRIBING = ("content-type", "content-disposition", "x-content-type-options", "cache-control")


async def test_a_video_that_is_encrypted_gives_no_file_away(
    api: Api, video: Playable, wiper: psycopg.Connection
) -> None:
    place = await token_place(api, video)
    wiper.execute(
        "update play_set set template_id ="
        " (select id from template where encryption = 'aes_128' and account_id is null limit 1)"
    )
    assert (await create(api, video.id))["playback"]["fileUrl"] is None
    opened = await answers(api.http, place, video)
    assert opened == everywhere("OK") | {"source": "LINK_INVALID"}


async def test_used_tokens_are_forgotten_when_they_have_expired(
    api: Api, tools: Tools, video: Playable, wiper: psycopg.Connection
) -> None:
    url = (await create(api, video.id, singleUse=True))["playback"]["hlsUrl"]
    assert said(await api.http.get(url)) == "OK"
    await maintenance.expire_uploads(tools)
    assert said(await api.http.get(url)) == "LINK_SPENT"
    wiper.execute("update spent_token set expires_at = now() - interval '1 second'")
    await maintenance.expire_uploads(tools)
    assert wiper.execute("select count(*) from spent_token").fetchone() == (0,)
