"""A video of which everything is encrypted plays in a browser, with a link and only so."""

from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import httpx
import pytest
from playwright.async_api import Browser

from tests.browser.test_playback import play, upload
from tests.support import processes, samples, templating
from tests.support.processes import Server

ENCRYPTED = [16, 17]
"""Templates of 360P and 480P with AES-128."""


@pytest.fixture
def strict_server() -> Iterator[Server]:
    """One whose account has a rule of its own."""
    with processes.server() as one:
        one.start()
        yield one


async def encrypt_everything(server: Server) -> None:
    rule = {"templateIds": [templating.built_in(number) for number in ENCRYPTED]}
    async with server.api() as api:
        saved = await api.run(templating.SAVE_RULE, input=rule)
    assert saved["saveAutoTranscodeRule"]["userErrors"] == []


async def lines_of(http: httpx.AsyncClient, url: str) -> list[str]:
    answer = await http.get(url)
    assert answer.status_code == 200, answer.text
    return answer.text.splitlines()


async def test_every_level_plays_and_its_key_needs_the_link(
    browser: Browser, strict_server: Server, player: Path, tmp_path: Path
) -> None:
    await encrypt_everything(strict_server)
    film = samples.make(tmp_path / "film.mp4", size="854x480")
    ended = upload(strict_server, film)
    assert ended.returncode == 0, ended.stderr
    url = ended.stdout.splitlines()[-1].split()[1]
    sizes = [[640, 360], [854, 480]]
    for level in range(len(sizes)):
        assert await play(browser, strict_server, player, url, level) == {
            "start": 0,
            "size": sizes[level],
            "ended": True,
            "levels": sizes,
            "sound": True,
        }
    async with httpx.AsyncClient() as http:
        tracks = [one for one in await lines_of(http, url) if one.endswith(".m3u8")]
        assert len(tracks) == len(sizes)
        for track in tracks:
            place = urljoin(url, track)
            (line,) = [one for one in await lines_of(http, place) if "EXT-X-KEY" in one]
            key = urljoin(place, line.partition('URI="')[2].partition('"')[0])
            assert len((await http.get(key)).content) == 16
            token = url.split("/v/")[1].split("/")[0]
            without = key.replace(token, token[:-4] + "AAAA")
            assert (await http.get(without)).status_code == 403
