"""Each backend in turn, empty."""

from collections.abc import AsyncGenerator
from pathlib import Path

import pytest

from storage.base import ObjectStore
from storage.local import LocalStore


@pytest.fixture(params=["local"])
async def store(tmp_path: Path) -> AsyncGenerator[ObjectStore]:
    local = LocalStore(tmp_path / "store")
    yield local
    await local.close()
