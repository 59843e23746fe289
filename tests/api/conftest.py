"""Videos of the caller, and films to upload."""

from pathlib import Path

import pytest

from db.models import Video
from domain.videos import VideoStatus
from resolvers.context import Services
from schema import ids
from tests.support import factories, samples


@pytest.fixture
async def video(services: Services, owner: factories.Owner) -> Video:
    """One that is being processed."""
    return await factories.video(services.db, owner.account)


@pytest.fixture
async def published(services: Services, owner: factories.Owner) -> Video:
    return await factories.video(services.db, owner.account, status=VideoStatus.PUBLISHED)


@pytest.fixture
def published_id(published: Video) -> str:
    return ids.encode("Video", published.id)


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two seconds of 480P, in several chunks."""
    folder = tmp_path_factory.mktemp("film")
    return samples.make(folder / "film.mp4", seconds=2, size="852x480")


@pytest.fixture(scope="session")
def small_film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """Two seconds of 360P."""
    return samples.make(tmp_path_factory.mktemp("video") / "video.mp4", seconds=2).read_bytes()
