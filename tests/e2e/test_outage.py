"""A database that goes away and comes back: the server waits for it."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from db.embedded import EmbeddedPostgres
from tests.support import postgres, samples, uploading
from tests.support.processes import Server
from tests.support.waiting import until
from tests.support.watching import READY, video_of


@pytest.fixture
def database() -> Iterator[EmbeddedPostgres]:
    with postgres.running() as server:
        yield server


async def test_after_an_outage_of_the_database_the_server_and_its_worker_go_on(
    database: EmbeddedPostgres, tmp_path: Path
) -> None:
    data = samples.make(tmp_path / "short.mp4", seconds=2).read_bytes()
    server = Server(tmp_path, DATABASE_URL=postgres.create_database(database, "outage"))
    server.start()
    try:
        async with server.api() as api:

            async def health() -> int:
                return (await api.http.get("/health")).status_code

            async def is_down() -> bool:
                return await health() == 503

            async def is_up() -> bool:
                return await health() == 200

            assert await health() == 200
            database.stop()
            await until(is_down)
            database.start()
            await until(is_up)
            video = await video_of(api, await uploading.send(api, data))
            ready = [one["playSetReady"]["playSet"] async for one in api.watch(READY, id=video)]
            assert sorted(one["resolution"] for one in ready) == ["ORIGIN", "P360"]
        assert server.stop() == 0
    finally:
        server.close()
