"""Playing ends when its owner wants it to, whatever link a player has."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from db import migrate
from db.embedded import EmbeddedPostgres
from db.models import Video
from db.session import Database
from db.standings import Standings
from db.video_states import end_playback
from domain.errors import DomainError, LinkInvalid
from domain.events import topic
from domain.playback import PlaybackUnavailable
from domain.playback_rules import Client
from domain.tokens import Grant
from domain.videos import Resolution, VideoStatus
from resolvers.context import Context, Services
from resolvers.gate import RULES, Gate
from resolvers.playback import for_viewer
from tests.support import factories, playing, postgres
from tests.support.api import Api
from tests.support.playing import (
    Playable,
    answers,
    everywhere,
    make_ready,
    place_of,
    said,
    until_said,
)
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

SET_RULES = """
mutation { setPlaybackRules(input: {networks: ["203.0.113.0/24"]}) { userErrors { code } } }
"""


@pytest.fixture
async def video(services: Services, owner: factories.Owner, tmp_path: Path) -> Playable:
    return await playing.playable(services, owner, tmp_path)


def grant(video: Playable) -> Grant:
    row, ends = video.row, datetime.now(UTC) + timedelta(seconds=100)
    return Grant(row.id, ends, row.epoch, row.content_id)


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
        "delete from play_set; delete from segment_key; delete from task; delete from video",
    ],
)
async def test_what_ends_playing_is_found_also_when_nobody_tells(
    api: Api, video: Playable, wiper: psycopg.Connection, change: str
) -> None:
    place = await place_of(api, video)
    assert await answers(api.http, place, video) == everywhere("OK")
    wiper.execute(change.encode())
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


async def test_rules_are_told_by_the_bus_as_well(
    services: Services, api: Api, owner: factories.Owner, video: Playable
) -> None:
    place = await place_of(api, video)
    assert await answers(api.http, place, video) == everywhere("OK")
    async with services.bus.subscribe(topic(RULES, owner.account.id)) as told:
        await api.run(SET_RULES)
        await told.changed()
    assert await answers(api.http, place, video) == everywhere("ADDRESS_NOT_ALLOWED")


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
    await make_ready(services, video.row, Resolution.P720)

    async def has_both() -> bool:
        return (await api.http.get(url)).text.count("EXT-X-STREAM-INF") == 2

    await until(has_both, timeout_s=5)


async def test_with_auth_play_only_tokens_that_were_asked_for_play(
    services: Services, api: Api, video: Playable
) -> None:
    anybody = Context(services, api.base_url)
    links = await for_viewer(anybody, video.row, ttl_seconds=100)
    assert links is not None
    public = links.hls_url.removesuffix("master.m3u8")
    token, own = await playing.token_place(api, video), await place_of(api, video)
    streams = everywhere("OK") | {"source": "LINK_INVALID"}
    for place, opened in ((public, streams), (token, everywhere("OK")), (own, everywhere("OK"))):
        assert await answers(api.http, place, video) == opened
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
    async with services.db.read() as session:
        row = await session.get_one(Video, video.row.id)
    assert await for_viewer(anybody, row, ttl_seconds=100) is None
    for place in [await playing.token_place(api, video), await place_of(api, video)]:
        assert await answers(api.http, place, video) == everywhere("OK")


async def test_viewers_get_links_only_to_what_can_be_played(
    services: Services, api: Api, video: Playable
) -> None:
    anybody = Context(services, api.base_url)
    assert await for_viewer(anybody, video.row, ttl_seconds=100) is not None
    for seconds in (9, 86_401):
        with pytest.raises(DomainError):
            await for_viewer(anybody, video.row, ttl_seconds=seconds)
    video.row.status = VideoStatus.BANNED
    assert await for_viewer(anybody, video.row, ttl_seconds=100) is None


async def test_a_video_in_the_recycle_bin_is_not_changed(
    api: Api, video: Playable, wiper: psycopg.Connection
) -> None:
    wiper.execute("update video set status = 'deleted'")
    done = (await api.run(AUTH_PLAY, ids=[video.id], enabled=True))["setAuthPlay"]
    assert (done["changedCount"], done["userErrors"]) == (0, [{"code": "NO_ELIGIBLE_ITEM"}])
    assert done["results"][0]["error"] == {"code": "INVALID_STATE"}
    assert wiper.execute("select auth_play from video").fetchone() == (False,)
    assert wiper.execute("select count(*) from event").fetchone() == (0,)


async def test_nobody_chooses_for_videos_of_others(
    api: Api, stranger: Api, anonymous: Api, video: Playable
) -> None:
    done = (await stranger.run(AUTH_PLAY, ids=[video.id], enabled=True))["setAuthPlay"]
    assert done["changedCount"] == 0
    assert done["results"] == [{"changed": False, "video": None, "error": {"code": "NOT_FOUND"}}]
    with pytest.raises(AssertionError, match="UNAUTHENTICATED"):
        await anonymous.run(AUTH_PLAY, ids=[video.id], enabled=True)
    found = await api.run(
        "query ($id: ID!) { video(by: {id: $id}) { authPlayEnabled } }", id=video.id
    )
    assert found["video"] == {"authPlayEnabled": False}


ANYBODY = Client("127.0.0.1")


@asynccontextmanager
async def gate_of(services: Services, **options: Any) -> AsyncGenerator[Gate]:
    """A process's gate, with other times than usual."""
    gate = Gate(Standings(services.db.conninfo), services.bus, **options)
    try:
        yield gate
    finally:
        await gate.close()


def watched(services: Services, video: Playable) -> int:
    return services.bus.subscribers(topic("video", video.row.id))


async def test_what_may_be_played_again_is_found_by_whoever_was_refused(
    services: Services, video: Playable, wiper: psycopg.Connection
) -> None:
    async with gate_of(services, poll_s=3_600, trusted_s=3_600) as gate:
        wiper.execute("update video set status = 'banned'")

        async def is_let_in() -> bool:
            try:
                await gate.admit(grant(video), ANYBODY)
            except LinkInvalid:
                return False
            return True

        assert not await is_let_in()
        wiper.execute("update video set status = 'published'")
        await until(is_let_in)


async def test_what_nobody_plays_any_more_is_forgotten(services: Services, video: Playable) -> None:
    async with gate_of(services, poll_s=0.02, cool_s=0.1) as gate:
        await gate.admit(grant(video), ANYBODY)
        assert watched(services, video) == 1

        async def is_forgotten() -> bool:
            return watched(services, video) == 0

        await until(is_forgotten)
        await gate.admit(grant(video), ANYBODY)
        assert watched(services, video) == 1


async def test_only_so_many_videos_are_known_at_once(
    services: Services, owner: factories.Owner, video: Playable, tmp_path: Path
) -> None:
    others = [await playing.playable(services, owner, tmp_path) for _ in range(2)]
    async with gate_of(services, most=2) as gate:
        for one in (video, others[0], video, others[1]):
            await gate.admit(grant(one), ANYBODY)
        assert [watched(services, one) for one in (video, *others)] == [1, 0, 1]
        with pytest.raises(LinkInvalid):
            await gate.admit(replace(grant(video), subject=uuid4()), ANYBODY)


class Place:
    """A database of its own, which can be out of reach."""

    def __init__(self, server: EmbeddedPostgres) -> None:
        self.url = postgres.create_database(server, "gate")
        migrate.upgrade(self.url)
        self._above = server.url("postgres")

    def reach(self, *, allowed: bool) -> None:
        with psycopg.connect(self._above, autocommit=True) as connection:
            connection.execute(f"alter database gate allow_connections {allowed}".encode())
            connection.execute(
                "select pg_terminate_backend(pid) from pg_stat_activity where datname = 'gate'"
            )


async def test_without_the_database_only_what_is_known_is_played_and_not_for_long(
    services: Services, postgres_server: EmbeddedPostgres
) -> None:
    place = await asyncio.to_thread(Place, postgres_server)
    db = Database(place.url)
    account = (await factories.owner(db)).account
    rows = [await factories.video(db, account) for _ in range(2)]
    await db.close()
    ends = datetime.now(UTC) + timedelta(seconds=100)
    known, other = (Grant(row.id, ends) for row in rows)
    gate = Gate(Standings(place.url), services.bus, poll_s=0.02, trusted_s=1)
    try:
        await gate.admit(known, ANYBODY)
        place.reach(allowed=False)
        with pytest.raises(PlaybackUnavailable):
            await gate.admit(other, ANYBODY)
        await gate.admit(known, ANYBODY)

        async def is_over() -> bool:
            return not await is_admitted(gate, known)

        await until(is_over)
        place.reach(allowed=True)

        async def goes_on() -> bool:
            return await is_admitted(gate, known) and await is_admitted(gate, other)

        await until(goes_on)
    finally:
        await gate.close()


async def test_what_was_said_to_have_changed_is_not_trusted(
    services: Services, postgres_server: EmbeddedPostgres
) -> None:
    place = await asyncio.to_thread(Place, postgres_server)
    db = Database(place.url)
    row = await factories.video(db, (await factories.owner(db)).account)
    await db.close()
    known = Grant(row.id, datetime.now(UTC) + timedelta(seconds=100))
    gate = Gate(Standings(place.url), services.bus, poll_s=60)
    try:
        played = await gate.admit(known, ANYBODY)
        place.reach(allowed=False)
        assert await is_admitted(gate, known)
        played.wake()
        assert not await is_admitted(gate, known)
    finally:
        await gate.close()


async def is_admitted(gate: Gate, grant: Grant) -> bool:
    try:
        await gate.admit(grant, ANYBODY)
    except PlaybackUnavailable:
        return False
    return True
