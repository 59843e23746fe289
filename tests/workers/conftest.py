"""A worker's house, and a short film to work on."""

from pathlib import Path

import pytest

from jobs.runs import Tools
from server.settings import Settings
from tests.support import factories, samples
from tests.support.house import House


@pytest.fixture(scope="session")
def source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two encoded rungs, sound, and an Origin."""
    path = tmp_path_factory.mktemp("transcode") / "source.mp4"
    return samples.make(path, seconds=1, size="854x480")


@pytest.fixture
def house(tools: Tools, owner: factories.Owner, settings: Settings) -> House:
    return House(tools, owner, settings)
