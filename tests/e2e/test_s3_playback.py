"""Playing while all files are in a bucket, to which we lead players on."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from functools import partial
from urllib.parse import parse_qs, urljoin, urlsplit

import av
import pytest

from db.embedded import EmbeddedPostgres
from media import hls
from tests.api.test_bans import ban, unban
from tests.support import pictures, postgres, s3_house, templating
from tests.support.s3_house import FRAMES, House, lifetime

PIECE_S = 60
"""How long a place in the bucket is good that a link to a track or a picture leads to."""
REVOKE = "mutation ($id: ID!) { revokePlayback(videoId: $id) { userErrors { code } } }"


@pytest.fixture(scope="module")
async def house(
    postgres_server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[House]:
    url = postgres.create_database(postgres_server, "s3_playback")
    async with s3_house.opened(tmp_path_factory.mktemp("s3"), url) as one:
        yield one


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    return s3_house.film(tmp_path_factory.mktemp("film"))


@pytest.fixture(scope="module")
async def video(house: House, film: bytes) -> str:
    return await house.add(film, title="Three colours")


async def links(house: House, video: str, ttl: int = 3_600) -> dict[str, str]:
    """What a player asks for, and where."""
    playback = (await house.video(video, ttl=ttl))["playback"]
    playlist = await playlist_url(house, playback["hlsUrl"], "360P")
    return {
        "master": playback["hlsUrl"],
        "playlist": playlist,
        "track": playlist.replace(".m3u8", ".mp4"),
        "cover": playback["coverUrl"],
        "storyboard": playback["storyboardUrl"],
        "source": playback["fileUrl"],
        "expiresAt": playback["expiresAt"],
    }


async def playlist_url(house: House, master: str, name: str) -> str:
    lines = (await house.plays(master)).text.splitlines()
    (path,) = [line for line in lines if line.endswith(f"/{name}.m3u8")]
    return urljoin(master, path)


async def decoded(url: str) -> int:
    """How many pictures a player shows that is given a playlist."""
    return await asyncio.to_thread(_decoded, url)


def _decoded(url: str) -> int:
    # By itself the player takes a key only from a file whose name it knows.
    options = {"allowed_extensions": "ALL", "extension_picky": "0"}
    with av.open(url, "r", options=options) as container:
        return sum(1 for _ in container.decode(video=0))


async def test_a_player_gets_every_picture(house: House, video: str) -> None:
    found = await links(house, video)
    assert await decoded(found["master"]) == FRAMES
    assert await decoded(found["playlist"]) == FRAMES
    playlist = await house.viewer.get(found["playlist"])
    assert playlist.headers["content-type"] == "application/vnd.apple.mpegurl"
    assert playlist.headers["x-content-type-options"] == "nosniff"
    track = await house.fetched(found["track"])
    assert (track.status_code, track.headers["content-type"]) == (200, "video/mp4")
    assert len(track.content) == hls.parse(playlist.text).size


async def test_what_only_asks_is_led_to_where_it_may(house: House, video: str) -> None:
    found = await links(house, video)
    for name in ("track", "cover", "source"):
        there = await house.led_to(found[name])
        size = (await house.viewer.get(there)).headers["content-length"]
        asked = await house.viewer.head(await house.led_to(found[name], "HEAD"))
        assert (asked.status_code, asked.headers["content-length"]) == (200, size)
        assert (await house.viewer.head(there)).status_code == 403  # it is for GET alone
    for name in ("master", "playlist", "storyboard"):
        got, asked = await house.viewer.get(found[name]), await house.viewer.head(found[name])
        assert (asked.status_code, asked.content) == (200, b"")
        assert int(asked.headers["content-length"]) == len(got.content)


async def test_the_file_as_it_was_sent_comes_in_ranges(
    house: House, video: str, film: bytes
) -> None:
    there = await house.led_to((await links(house, video))["source"])
    for asked, wanted in (
        ("bytes=100-199", film[100:200]),
        ("bytes=-50", film[-50:]),
        (f"bytes={len(film) - 7}-", film[-7:]),
    ):
        answer = await house.viewer.get(there, headers={"range": asked})
        assert answer.content == wanted
        assert answer.headers["content-range"].endswith(f"/{len(film)}")
    beyond = await house.viewer.get(there, headers={"range": f"bytes={len(film)}-"})
    assert beyond.status_code == 416
    assert (await house.viewer.get(there)).content == film
    query = parse_qs(urlsplit(there).query)
    assert query["response-content-type"] == ["video/mp4"]
    (disposition,) = query["response-content-disposition"]
    assert disposition.startswith('attachment; filename="Three_colours.mp4"')


async def test_the_tiles_of_the_storyboard_are_in_the_bucket(house: House, video: str) -> None:
    url = (await links(house, video))["storyboard"]
    cues = await house.viewer.get(url)
    assert cues.headers["content-type"] == "text/vtt; charset=utf-8"
    name, _, place = next(line for line in cues.text.split() if "#xywh=" in line).partition("#")
    assert name == "storyboard.jpg"
    picture = await house.fetched(urljoin(url, name))
    assert picture.headers["content-type"] == "image/jpeg"
    frame = pictures.opened(picture.content)
    left, top, width, height = map(int, place.removeprefix("xywh=").split(","))
    assert (left, top, frame.width % width, frame.height % height) == (0, 0, 0, 0)


async def test_what_a_link_leads_to_ends_with_the_link_or_before(house: House, video: str) -> None:
    found = await links(house, video)
    for name in ("track", "cover"):
        assert lifetime(await house.led_to(found[name]))[1] == PIECE_S
    expires_at = datetime.fromisoformat(found["expiresAt"])
    ends_at, _ = lifetime(await house.led_to(found["source"]))
    assert timedelta() <= expires_at - ends_at < timedelta(seconds=2)

    short = await links(house, video, ttl=PIECE_S // 2)
    expires_at = datetime.fromisoformat(short["expiresAt"])
    for name in ("track", "cover", "source"):
        ends_at, _ = lifetime(await house.led_to(short[name]))
        assert timedelta() <= expires_at - ends_at < timedelta(seconds=2)


async def check_end(house: House, video: str, end: Callable[[], Awaitable[None]]) -> None:
    """Of a link, nothing is left but what a player was led to before, and that not for long."""
    found = await links(house, video)
    del found["expiresAt"]
    track, source = [await house.led_to(found[name]) for name in ("track", "source")]
    await end()
    for url in found.values():
        assert await house.refusal(url) == "LINK_INVALID"
    left = lifetime(track)[0] - datetime.now(UTC)
    assert left < timedelta(seconds=PIECE_S)
    for there in (track, source):
        assert (await house.viewer.get(there)).status_code == 200


async def test_a_ban_ends_links_and_new_ones_play(house: House, video: str) -> None:
    async def end() -> None:
        assert (await ban(house.api, video))["changedCount"] == 1

    await check_end(house, video, end)
    assert (await house.video(video))["playback"] is None
    assert (await unban(house.api, video))["changedCount"] == 1
    assert await decoded((await links(house, video))["master"]) == FRAMES


async def revoke(house: House, video: str) -> None:
    payload = (await house.api.run(REVOKE, id=video))["revokePlayback"]
    assert payload == {"userErrors": []}


async def test_revoking_ends_links_and_new_ones_play(house: House, video: str) -> None:
    await check_end(house, video, partial(revoke, house, video))
    assert await decoded((await links(house, video))["master"]) == FRAMES


async def test_of_an_encrypted_track_the_key_comes_from_us(house: House, video: str) -> None:
    clear = await links(house, video)
    made = await templating.transcode(house.api, video, templating.built_in(16))
    (play_set,) = made["playSets"]
    assert await house.ended(play_set["task"]["id"]) == ("SUCCEEDED", None)
    playback = (await house.video(video))["playback"]
    assert playback["fileUrl"] is None
    assert await house.refusal(clear["source"]) == "LINK_INVALID"
    url = await playlist_url(house, playback["hlsUrl"], "360P-16")
    assert await decoded(url) == FRAMES

    playlist = hls.parse((await house.viewer.get(url)).text)
    assert playlist.key_uri is not None
    key_url = urljoin(url, playlist.key_uri)
    key = await house.viewer.get(key_url)
    assert (key.status_code, len(key.content)) == (200, 16)
    assert key.headers["cache-control"] == "no-store"
    there = await house.led_to(url.replace(".m3u8", ".mp4"))
    await revoke(house, video)
    assert await house.refusal(key_url) == "LINK_INVALID"
    track = await house.viewer.get(there)  # which is worth nothing without the key
    assert (track.status_code, b"moof" in track.content) == (200, False)
