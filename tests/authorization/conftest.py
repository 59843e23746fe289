"""The two worlds, made once: no test of this folder may change them."""

from collections.abc import AsyncIterator

import pytest

from db.embedded import EmbeddedPostgres
from tests.authorization import worlds
from tests.authorization.worlds import Worlds


@pytest.fixture(scope="package")
async def both(
    postgres_server: EmbeddedPostgres, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Worlds]:
    folder = tmp_path_factory.mktemp("authorization")
    async with worlds.created(postgres_server, folder) as made:
        yield made
