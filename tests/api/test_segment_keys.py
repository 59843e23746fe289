"""The keys of encrypted segments: for holders of a link to their video, and nobody else."""

from uuid import UUID, uuid4

import psycopg
import pytest

from db import play_sets
from db.models import Video
from domain.videos import Resolution
from resolvers.context import Services
from tests.support import factories
from tests.support.api import Api
from tests.support.playing import code, link, make_ready
from tests.support.waiting import until

VALUE = bytes(range(16))


async def add_key(services: Services, video: Video, value: bytes = VALUE) -> UUID:
    id = uuid4()
    async with services.db.write() as session:
        await play_sets.add_key(session, id, video.id, value)
    return id


async def test_whoever_may_play_gets_the_key_and_keeps_it_nowhere(
    api: Api, services: Services, video: Video
) -> None:
    key = await add_key(services, video)
    answer = await api.http.get(link(api, services, video, f"keys/{key.hex}"))
    assert (answer.status_code, answer.content) == (200, VALUE)
    assert answer.headers["cache-control"] == "no-store"
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_players_of_other_sites_get_it_too(
    api: Api, services: Services, video: Video
) -> None:
    key = await add_key(services, video)
    url = link(api, services, video, f"keys/{key.hex}")
    answer = await api.http.get(url, headers={"Origin": "https://player.example"})
    assert answer.headers["access-control-allow-origin"] == "*"


async def test_a_link_to_one_video_opens_no_other(
    api: Api, services: Services, owner: factories.Owner, video: Video
) -> None:
    other = await factories.video(services.db, owner.account, title="Other")
    key = await add_key(services, other)
    answer = await api.http.get(link(api, services, video, f"keys/{key.hex}"))
    assert (answer.status_code, code(answer)) == (403, "LINK_INVALID")


async def test_an_expired_link_opens_nothing(api: Api, services: Services, video: Video) -> None:
    key = await add_key(services, video)
    answer = await api.http.get(link(api, services, video, f"keys/{key.hex}", seconds=-1))
    assert (answer.status_code, code(answer)) == (403, "LINK_EXPIRED")
    assert VALUE not in answer.content


async def test_a_link_that_was_ended_opens_nothing(
    api: Api, services: Services, video: Video, wiper: psycopg.Connection
) -> None:
    key = await add_key(services, video)
    url = link(api, services, video, f"keys/{key.hex}")
    assert (await api.http.get(url)).status_code == 200
    wiper.execute("update video set epoch = epoch + 1")

    async def is_refused() -> bool:
        return (await api.http.get(url)).status_code != 200

    await until(is_refused)
    answer = await api.http.get(url)
    assert (answer.status_code, code(answer)) == (403, "LINK_INVALID")


@pytest.mark.parametrize("name", ["00" * 16, "0", "A" * 32, "x" * 32, f"{'0' * 31}%00", "0" * 33])
async def test_what_is_no_key_is_refused(
    api: Api, services: Services, video: Video, name: str
) -> None:
    await add_key(services, video)
    answer = await api.http.get(link(api, services, video, f"keys/{name}"))
    assert (answer.status_code, code(answer)) == (403, "LINK_INVALID")


async def test_sound_of_two_runs_has_two_names(api: Api, services: Services, video: Video) -> None:
    first = await make_ready(services, video, Resolution.P360, audio="audio")
    second = await make_ready(services, video, Resolution.P480, audio="audio")
    answer = await api.http.get(link(api, services, video, "master.m3u8"))
    sounds = [line for line in answer.text.splitlines() if line.startswith("#EXT-X-MEDIA")]
    assert len(sounds) == 2
    assert 'GROUP-ID="audio"' in sounds[0]
    assert f'URI="{first}audio.m3u8"' in sounds[0]
    assert 'GROUP-ID="audio:2"' in sounds[1]
    assert f'URI="{second}audio.m3u8"' in sounds[1]
    assert 'AUDIO="audio:2"' in answer.text
