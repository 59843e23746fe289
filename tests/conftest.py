"""Fixtures: one database, one server and one set of tools for the run; one account a test."""

import asyncio
import socket
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest
import uvicorn

from db import migrate
from db.embedded import EmbeddedPostgres
from jobs import worker
from jobs.runs import Tools
from resolvers.context import Services
from server import wiring
from server.app import create_app
from server.settings import Settings
from tests.support import factories, postgres
from tests.support.api import Api
from tests.support.site import Site
from tests.support.work import Work

KEPT = ["alembic_version", "queue_schema", "signing_secret"]
"""Tables that belong to the installation, not to a test."""
KEPT_ROWS = {"template": "account_id is null"}
"""Rows that do: the built-in templates."""

LOCK_TIMEOUT = "-c lock_timeout=10s"
"""Emptying a table waits for whoever still uses it; a test that left one behind must fail."""


@pytest.fixture(scope="session")
def root() -> Path:
    return Path(__file__).parent.parent


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[EmbeddedPostgres]:
    with postgres.running() as server:
        yield server


@pytest.fixture(scope="session")
async def database_url(postgres_server: EmbeddedPostgres) -> str:
    url = postgres.create_database(postgres_server, "test")
    migrate.upgrade(url)
    await postgres.install_wipe(url, keep=KEPT, keep_rows=KEPT_ROWS)
    return url


@pytest.fixture(scope="session")
async def open_site() -> AsyncIterator[Site]:
    async with Site() as one:
        yield one


@pytest.fixture
async def site(open_site: Site) -> AsyncIterator[Site]:
    """Another server, on loopback, with no page yet."""
    yield open_site
    await open_site.clear()


@pytest.fixture(scope="session")
def settings(
    database_url: str, open_site: Site, tmp_path_factory: pytest.TempPathFactory
) -> Settings:
    folder = tmp_path_factory.mktemp("data")
    return Settings(
        data_dir=folder,
        database_url=database_url,
        ffmpeg_threads=2,
        fetch_ports=f"80,443,{open_site.port}",
        fetch_networks="127.0.0.1/32",
    )


@pytest.fixture(scope="session")
async def shared_services(settings: Settings, database_url: str) -> AsyncIterator[Services]:
    async with wiring.open_services(settings, database_url) as services:
        yield services


@pytest.fixture(scope="session")
async def shared_tools(settings: Settings, shared_services: Services) -> AsyncIterator[Tools]:
    async with wiring.open_tools(settings, shared_services) as tools:
        yield tools


@pytest.fixture(scope="session")
async def base_url(shared_services: Services) -> AsyncIterator[str]:
    """Where the application answers real HTTP, in this process."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(
        create_app(shared_services),
        log_config=None,
        ws="websockets-sansio",
        timeout_graceful_shutdown=1,
    )
    server = uvicorn.Server(config)
    serving = asyncio.create_task(server._serve([listener]))
    yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    server.should_exit = True
    await serving


@pytest.fixture(scope="session")
def wiper(database_url: str) -> Iterator[psycopg.Connection]:
    with psycopg.connect(database_url, autocommit=True, options=LOCK_TIMEOUT) as connection:
        yield connection


@pytest.fixture
async def services(shared_services: Services, wiper: psycopg.Connection) -> AsyncIterator[Services]:
    """The process's services, on a database that is empty before and after.

    Emptied in a thread: what the server still does after a test's last answer goes on meanwhile.
    """
    await asyncio.to_thread(wiper.execute, "select wipe()")
    yield shared_services
    await asyncio.to_thread(wiper.execute, "select wipe()")


@pytest.fixture
async def owner(services: Services) -> factories.Owner:
    return await factories.owner(services.db)


@pytest.fixture
async def api(base_url: str, owner: factories.Owner) -> AsyncIterator[Api]:
    async with Api(base_url, owner.api_key) as client:
        yield client


@pytest.fixture
async def stranger(base_url: str, services: Services) -> AsyncIterator[Api]:
    """Another account of the same installation."""
    async with Api(base_url, (await factories.owner(services.db)).api_key) as client:
        yield client


@pytest.fixture
async def anonymous(base_url: str, services: Services) -> AsyncIterator[Api]:
    del services
    async with Api(base_url, None) as client:
        yield client


@pytest.fixture
def tools(services: Services, shared_tools: Tools) -> Tools:
    del services
    return shared_tools


@pytest.fixture
def work(tools: Tools) -> Work:
    async def run() -> None:
        await worker.work_until_empty(tools)

    return run
