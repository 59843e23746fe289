"""The chunks of a file that a page sends."""

import asyncio
from pathlib import Path

from playwright.async_api import Route

from tests.browser.pages import UploadPage
from tests.support.waiting import until

SIZE = 65_536
PUTS = "**/uploads/*/*"
"""Matches the URLs that chunks are sent to."""


def count(file: Path) -> int:
    return -(-file.stat().st_size // SIZE)


def numbers(urls: list[str]) -> list[int]:
    return [int(url.rpartition("/")[2]) for url in urls]


class Gate:
    """Lets some chunks through, and holds the others back."""

    def __init__(self, page: UploadPage, *, after: int) -> None:
        self._page = page
        self._left = after
        self._open = asyncio.Event()
        self._abort = False

    async def close(self) -> "Gate":
        await self._page.page.route(PUTS, self._pass)
        return self

    async def _pass(self, route: Route) -> None:
        self._left -= 1
        if self._left < 0:
            await self._open.wait()
        await (route.abort() if self._abort else route.fallback())

    async def passed(self, count: int) -> None:
        """Wait until so many chunks are stored."""

        async def enough() -> bool:
            return len(self._page.stored) >= count

        await until(enough)

    async def open(self, *, abort: bool = False) -> None:
        """Let all through, but those that it holds only if they are not to `abort`."""
        self._abort = abort
        self._open.set()
        await self._page.page.unroute(PUTS, self._pass)
