"""A database of the suite's own, filled once: other tests empty theirs before each test."""

import logging
from collections.abc import AsyncIterator, Iterator

import pytest

from db import migrate
from db.embedded import EmbeddedPostgres
from resolvers.context import Services
from server import wiring
from server.settings import Settings
from tests.equivalence import data, tally
from tests.support import postgres


@pytest.fixture(scope="session")
async def filled(
    postgres_server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Services]:
    """Services on the suite's rows, which no test may change."""
    url = postgres.create_database(postgres_server, "equivalence")
    migrate.upgrade(url)
    settings = Settings(
        data_dir=tmp_path_factory.mktemp("equivalence"),
        database_url=url,
        readable_share_passwords=True,
    )
    async with wiring.open_services(settings, url) as services:
        await data.fill(services.db)
        yield services


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """Bugs are what some questions ask for; a trace of each would take most of the time."""
    logger = logging.getLogger("schema.failures")
    logger.disabled = True
    yield
    logger.disabled = False


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    for line in tally.REPORTS:
        terminalreporter.write_line(line)
