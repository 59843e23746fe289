"""Videos of the caller."""

import pytest

from db.models import Video
from domain.videos import VideoStatus
from resolvers.context import Services
from schema import ids
from tests.support import factories


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
