"""A video to choose covers for, and pictures to choose from."""

from pathlib import Path

import pytest

from resolvers.context import Services
from tests.support import factories, pictures
from tests.support.covering import playable


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("pictures")


@pytest.fixture(scope="module")
def film(folder: Path) -> Path:
    """Red for a second, then green, then blue."""
    return pictures.colored(folder / "film.mp4")


@pytest.fixture
async def video(services: Services, owner: factories.Owner) -> str:
    return await playable(services, owner)
