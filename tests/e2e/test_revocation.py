"""Playing ends within a second on every process, whoever ended it, also when the bus is deaf."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass

import psycopg
import pytest

from db.embedded import EmbeddedPostgres
from tests.support import postgres, samples, uploading
from tests.support.api import Api
from tests.support.playing import said
from tests.support.processes import Server
from tests.support.waiting import until
from tests.support.watching import READY, video_of

LIMIT_S = 1
LINKS = "query ($id: ID!) { video(by: {id: $id}) { playback { hlsUrl } } }"
REVOKE = "mutation ($id: ID!) { revokePlayback(videoId: $id) { userErrors { code } } }"
RULES = """
mutation ($networks: [String!]!) {
  setPlaybackRules(input: {networks: $networks}) { userErrors { code } }
}
"""
CUT = """
select pg_terminate_backend(pid) from pg_stat_activity
where datname = current_database() and query in ('listen reelgraph', 'select 1')
and pid <> pg_backend_pid()
"""


@dataclass(frozen=True)
class Stage:
    """Two processes on one database, and a video that both play."""

    apis: list[Api]
    database_url: str
    video: str

    async def media(self) -> list[str]:
        """A link for each process, to bytes that it hands out itself."""
        found = await self.apis[0].run(LINKS, id=self.video)
        place, _, _ = found["video"]["playback"]["hlsUrl"].rpartition("/")
        master = await self.apis[0].http.get(f"{place}/master.m3u8")
        path = next(one for one in master.text.splitlines() if not one.startswith("#"))
        token = place.rpartition("/")[2]
        return [f"{api.base_url}/v/{token}/{path}" for api in self.apis]


@pytest.fixture(scope="module")
def database() -> Iterator[EmbeddedPostgres]:
    with postgres.running() as server:
        yield server


@pytest.fixture(scope="module")
async def stage(
    database: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Stage]:
    url = postgres.create_database(database, "revocation")
    tmp_path = tmp_path_factory.mktemp("revocation")
    servers = [Server(tmp_path, DATABASE_URL=url) for _ in range(2)]
    try:
        servers[0].start()
        servers[1].start("--no-worker")
        data = samples.make(tmp_path / "short.mp4", seconds=2).read_bytes()
        async with AsyncExitStack() as stack:
            apis = [await stack.enter_async_context(one.api()) for one in servers]
            video = await video_of(apis[0], await uploading.send(apis[0], data))
            async for _ in apis[0].watch(READY, id=video):
                pass
            yield Stage(apis, url, video)
    finally:
        for one in servers:
            one.close()


async def last_let_in(api: Api, url: str, refusal: str) -> float:
    """When the last request began that was let in. Asks until it is refused."""
    last = 0.0

    async def is_refused() -> bool:
        nonlocal last
        began = time.monotonic()
        answer = said(await api.http.get(url))
        last = began if answer == "OK" else last
        assert answer in ("OK", refusal)
        return answer == refusal

    await until(is_refused, timeout_s=10 * LIMIT_S)
    return last


async def check_end(stage: Stage, end: Callable[[], Awaitable[None]], refusal: str) -> None:
    """Play on all processes, have somebody end that, and see how long it goes on."""
    urls = await stage.media()
    for api, url in zip(stage.apis, urls, strict=True):
        assert said(await api.http.get(url)) == "OK"
    players = [
        asyncio.create_task(last_let_in(api, url, refusal))
        for api, url in zip(stage.apis, urls, strict=True)
    ]
    await end()
    ended_at = time.monotonic()
    for last in await asyncio.gather(*players):
        assert last - ended_at <= LIMIT_S


async def test_revoking_ends_playing_on_every_process(stage: Stage) -> None:
    async def revoke() -> None:
        done = await stage.apis[0].run(REVOKE, id=stage.video)
        assert done["revokePlayback"]["userErrors"] == []

    await check_end(stage, revoke, "LINK_INVALID")


async def test_rules_count_on_every_process(stage: Stage) -> None:
    async def set_rules() -> None:
        done = await stage.apis[1].run(RULES, networks=["203.0.113.0/24"])
        assert done["setPlaybackRules"]["userErrors"] == []

    await check_end(stage, set_rules, "ADDRESS_NOT_ALLOWED")
    await stage.apis[1].run(RULES, networks=[])
    urls = await stage.media()

    async def plays() -> bool:
        answers = [await api.http.get(url) for api, url in zip(stage.apis, urls, strict=True)]
        return [said(one) for one in answers] == ["OK", "OK"]

    await until(plays)


async def test_what_the_bus_does_not_hear_counts_all_the_same(stage: Stage) -> None:
    async def revoke_unheard() -> None:
        async with await psycopg.AsyncConnection.connect(stage.database_url) as connection:
            cut = await connection.execute(CUT)
            assert len(await cut.fetchall()) >= len(stage.apis)
            await connection.execute("update video set epoch = epoch + 1")

    await check_end(stage, revoke_unheard, "LINK_INVALID")


async def test_a_ban_that_nobody_is_told_of_ends_playing(stage: Stage) -> None:
    async def ban() -> None:
        async with await psycopg.AsyncConnection.connect(stage.database_url) as connection:
            await connection.execute("update video set status = 'banned'")

    await check_end(stage, ban, "LINK_INVALID")
