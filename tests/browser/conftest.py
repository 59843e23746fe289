"""A real browser, and a real server with real videos."""

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from playwright.async_api import Browser, async_playwright

from tests.support import processes
from tests.support.processes import Server

QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
]
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
PLAYER = Path("web/node_modules/hls.js/dist/hls.min.js")


def missing(what: str) -> None:
    """Where the browser tests must run, what they need must be there."""
    if os.environ.get("REELGRAPH_REQUIRE_BROWSER"):
        pytest.fail(what)
    pytest.skip(what)


@pytest.fixture(scope="session")
async def browser() -> AsyncIterator[Browser]:
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    if found is None:
        missing("no Chromium on PATH")
    async with async_playwright() as playwright:
        chromium = await playwright.chromium.launch(executable_path=found, args=QUIET)
        yield chromium
        await chromium.close()


@pytest.fixture(scope="session")
def player(root: Path) -> Path:
    path = root / PLAYER
    if not path.exists():
        missing(f"{PLAYER} is not there: run npm ci --prefix web")
    return path


@pytest.fixture(scope="session")
def server() -> Iterator[Server]:
    with processes.server() as one:
        one.start()
        yield one
