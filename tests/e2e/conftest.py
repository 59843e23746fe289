"""A real server process for each test."""

from collections.abc import Iterator

import pytest

from tests.support import processes
from tests.support.processes import Server


@pytest.fixture
def server() -> Iterator[Server]:
    with processes.server() as one:
        one.start()
        yield one
