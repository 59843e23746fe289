"""A task to run."""

import pytest

from domain.videos import Resolution
from jobs.runs import Tools
from tests.support import factories
from tests.support.run_house import House


@pytest.fixture
async def house(tools: Tools, owner: factories.Owner) -> House:
    """A queued first play of a video whose bytes nobody ever stored."""
    video = await factories.video(tools.db, owner.account)
    return House(tools, video, await factories.transcode_task(tools.db, video, Resolution.P360))
