"""What tests of the upload client share."""

import os
from pathlib import Path

import pytest

from server.client import retries, sources


@pytest.fixture
def no_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retries, "FIRST_PAUSE_S", 0.0)


@pytest.fixture
def film(tmp_path: Path) -> Path:
    path = tmp_path / "film.mp4"
    path.write_bytes(os.urandom(2 * sources.BLOCK_BYTES + 1000))
    return path
