"""A worker's house, films to work on, and another account."""

from pathlib import Path

import pytest

from jobs.runs import Tools
from server.settings import Settings
from tests.support import factories
from tests.support.house import House
from tests.support.samples import make


@pytest.fixture(scope="session")
def samples(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which samples are made, once each."""
    folder = tmp_path_factory.getbasetemp() / "samples"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two encoded rungs, sound, and an Origin."""
    path = tmp_path_factory.mktemp("transcode") / "source.mp4"
    return make(path, seconds=1, size="854x480")


@pytest.fixture
def house(tools: Tools, owner: factories.Owner, settings: Settings) -> House:
    return House(tools, owner, settings)


@pytest.fixture
async def other(tools: Tools) -> factories.Owner:
    """Another account."""
    return await factories.owner(tools.db)
