"""A server that files are fetched from: real sockets, and pages that behave as they are told to."""

import asyncio
from dataclasses import dataclass, field
from typing import Any, Self

ETAG = '"one"'


@dataclass
class Page:
    """A file, and how the server gives it away."""

    body: bytes = b""
    status: str = "200 OK"
    ranges: bool = True
    """Whether it can begin in the middle."""
    length: bool = True
    """Whether it says how long the file is."""
    cuts: list[int] = field(default_factory=list[int])
    """After how many bytes the next answers break off, one after the other."""
    statuses: list[str] = field(default_factory=list[str])
    """What the next requests are answered in place of the file."""
    headers: dict[str, str] = field(default_factory=dict[str, str])
    gate: asyncio.Event | None = None
    """What an answer waits for after its first half."""
    etag: str = ETAG


@dataclass
class Seen:
    path: str
    headers: dict[str, str]
    """Names in lower case."""


class Site:
    def __init__(self) -> None:
        self.pages: dict[str, Page] = {}
        self.seen: list[Seen] = []
        self.port = 0
        self._busy: set[asyncio.Task[Any]] = set()

    async def clear(self) -> None:
        """Forget all pages, and end the answers that wait."""
        self.pages.clear()
        self.seen.clear()
        for one in self._busy:
            one.cancel()
        await asyncio.gather(*self._busy)

    def url(self, path: str) -> str:
        return f"http://127.0.0.1:{self.port}{path}"

    def add(self, path: str, page: Page) -> str:
        """The page's URL."""
        self.pages[path.partition("?")[0]] = page
        return self.url(path)

    def ranges(self, path: str) -> list[str | None]:
        """What each request for the page asked for."""
        return [one.headers.get("range") for one in self.seen if one.path == path]

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.clear()
        self._server.close()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._busy.add(task)
        try:
            head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
            pairs = [line.partition(": ") for line in head[1:] if line]
            headers = {name.lower(): value for name, _, value in pairs}
            path = head[0].split()[1].partition("?")[0]
            self.seen.append(Seen(path, headers))
            await _answer(self.pages.get(path, Page(status="404 Not Found")), headers, writer)
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError):
            return  # the client has left, or the test is over
        finally:
            writer.close()
            self._busy.discard(task)


async def _answer(page: Page, asked: dict[str, str], writer: asyncio.StreamWriter) -> None:
    status = page.statuses.pop(0) if page.statuses else page.status
    whole = page.body if status == page.status else b""
    start, headers = 0, dict(page.headers)
    if page.ranges and status.startswith("200"):
        headers["ETag"] = page.etag
        if "range" in asked and asked.get("if-range") == page.etag:
            start = int(asked["range"].removeprefix("bytes=").rstrip("-"))
            status = "206 Partial Content"
            headers["Content-Range"] = f"bytes {start}-{len(whole) - 1}/{len(whole)}"
    body = whole[start:]
    if page.length:
        headers["Content-Length"] = str(len(body))
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    writer.write(f"HTTP/1.1 {status}\r\n{lines}Connection: close\r\n\r\n".encode())
    await _send(page, body, writer)


async def _send(page: Page, body: bytes, writer: asyncio.StreamWriter) -> None:
    if page.cuts:
        body = body[: page.cuts.pop(0)]
    half = len(body) // 2 if page.gate else len(body)
    writer.write(body[:half])
    await writer.drain()
    if page.gate:
        await page.gate.wait()
        writer.write(body[half:])
        await writer.drain()
