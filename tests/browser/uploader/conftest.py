"""The uploader in a page of its own, and a film for it to send."""

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext

from jobs import worker
from jobs.runs import Tools
from tests.browser import pages
from tests.browser.conftest import missing
from tests.browser.pages import UploadPage
from tests.browser.uploader import chunks
from tests.support import factories, samples
from tests.support.work import Work

OpenPage = Callable[..., Awaitable[UploadPage]]


@pytest.fixture(scope="session")
def dist(root: Path) -> Path:
    if not (root / "web/node_modules/esbuild").exists():
        missing("esbuild is not there: run npm ci --prefix web")
    return pages.build(root)


@pytest.fixture(scope="session")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of eight chunks."""
    return samples.make(tmp_path_factory.mktemp("film") / "My film.mp4", seconds=2)


@pytest.fixture
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    """A profile of its own."""
    async with await browser.new_context() as context:
        yield context


@pytest.fixture
def open_page(context: BrowserContext, base_url: str, dist: Path) -> OpenPage:
    async def open(origin: str = base_url, **headers: str) -> UploadPage:
        return await UploadPage(await context.new_page(), origin, dist).open(headers)

    return open


@pytest.fixture
async def page(open_page: OpenPage) -> UploadPage:
    return await open_page()


@pytest.fixture
def wishes(owner: factories.Owner) -> dict[str, Any]:
    return {"apiKey": owner.api_key, "chunkSize": chunks.SIZE}


@pytest.fixture
def verify(tools: Tools) -> Work:
    """Makes videos of what was sent, and transcodes nothing."""

    async def run() -> None:
        await worker.work_until_empty(tools, worker.LANES[:1])

    return run
