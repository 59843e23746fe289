"""A worker that fetches, and a short film for other servers to have."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from jobs.runs import Tools
from tests.support import fetching, samples
from tests.support.api import Api
from tests.support.fetch_house import Halfway, House, padded
from tests.support.site import Page, Site
from tests.support.waiting import until


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    folder = tmp_path_factory.mktemp("clips")
    return samples.make(folder / "clip.mp4", seconds=2).read_bytes()


@pytest.fixture
async def house(tools: Tools, api: Api) -> House:
    return House(tools, api, frozenset([one.token async for one in tools.store.uploads()]))


@pytest.fixture
async def halfway(house: House, site: Site, clip: bytes) -> AsyncIterator[Halfway]:
    """A fetch that runs, whose server keeps the second half to itself."""
    page = Page(padded(clip), gate=asyncio.Event())
    id = await fetching.begin(house.api, site.add("/a.mp4", page))
    working = asyncio.create_task(house.work())

    async def has_half() -> bool:
        (row,) = await fetching.rows(house.api, id)
        return row["bytesFetched"] == len(page.body) // 2

    await until(has_half)
    yield id, page, working
    if page.gate:
        page.gate.set()
    await working
