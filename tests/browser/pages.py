"""A page that uploads with @reelgraph/uploader, and what leaves it."""

import re
import subprocess
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any, Self

from playwright.async_api import Page, Request, Response, Route

OPERATION = re.compile(r"(?:query|mutation|subscription) (\w+)")
Reply = Callable[[Route], Awaitable[None]]
PATH = "/uploader/"
"""Where the page is: below the server's own origin, so that nothing else is asked of a test."""

HTML = """
<!doctype html>
<input type=file>
<script type=module>
  import { Upload } from './index.js';

  window.heard = { state: [], hash: [], progress: [], verify: [], retry: [], video: [] };
  const plain = ({ code, message, status, chunk }) => ({ code, message, status, chunk });

  window.begin = (options) => {
    const [file] = document.querySelector('input').files;
    window.upload = new Upload(file, options);
    for (const name of Object.keys(heard)) upload.on(name, (event) => heard[name].push(event));
    upload.on('retry', (event) => { event.error = plain(event.error); });
    window.again();
  };
  window.again = () => {
    window.ended = upload.start().catch((failure) => ({ error: plain(failure) }));
  };
  document.title = 'ready';
</script>
"""


def build(root: Path) -> Path:
    """Bundle the uploader and its tests; returns the folder of the bundles. Takes 0.2 s."""
    command = ["node", "web/uploader/build.js", "--test"]
    subprocess.run(command, cwd=root, check=True, timeout=60)
    return root / "web/uploader/dist"


async def lose_request(route: Route) -> None:
    """The server never hears of it."""
    await route.abort()


async def lose_answer(route: Route) -> None:
    """The server does what it is asked, but the page does not hear of it."""
    await route.fetch()
    await route.abort()


async def send_twice(route: Route) -> None:
    """As something in between may, after a connection that broke off."""
    await route.fetch()
    await route.fulfill(response=await route.fetch())


class UploadPage:
    """A page of `origin`. `puts` has the URLs of the chunks that it sent, in their order."""

    def __init__(self, page: Page, origin: str, dist: Path) -> None:
        self.page = page
        self.puts: list[str] = []
        self.stored: list[str] = []
        """Those that were answered with success."""
        self.asked: list[str] = []
        """Names of the operations that it sent."""
        self._url = origin + PATH
        self._dist = dist

    async def open(self, headers: Mapping[str, str] | None = None) -> Self:
        """Load it; `headers` are what its own server sends with it."""

        async def serve(route: Route) -> None:
            if route.request.url.endswith(".js"):
                await route.fulfill(path=self._dist / "index.js", content_type="text/javascript")
            else:
                sent = {"content-type": "text/html", **(headers or {})}
                await route.fulfill(body=HTML, headers=sent)

        await self.page.route(f"{self._url}**", serve)
        self.page.on("request", self._note)
        self.page.on("response", self._note_stored)
        await self.page.goto(self._url)
        await self._ready()
        return self

    async def reload(self) -> None:
        await self.page.reload()
        await self._ready()

    async def begin(self, file: Path, **options: Any) -> None:
        """Choose the file and start; options are those of `Upload`."""
        await self.page.set_input_files("input", file)
        await self.page.evaluate("(options) => begin(options)", options)

    async def again(self) -> None:
        """Start the same upload another time, as a button "try again" does."""
        await self.page.evaluate("again()")

    async def call(self, method: str) -> None:
        await self.page.evaluate(f"upload.{method}()")

    async def answer(self, operation: str, reply: Reply, *, times: int = 1) -> None:
        """Have `reply` deal with the next requests of this name, instead of the server."""
        replies = iter([reply] * times)

        async def deal(route: Route) -> None:
            is_meant = OPERATION.findall(route.request.post_data or "") == [operation]
            mine = next(replies, None) if is_meant else None
            await (mine(route) if mine else route.fallback())

        await self.page.route("**/graphql", deal)

    async def until(self, condition: str) -> None:
        """Wait until this JavaScript is true."""
        await self.page.wait_for_function(condition, timeout=20_000)

    async def reached(self, state: str) -> None:
        await self.until(f"['{state}', 'failed'].includes(upload.state)")
        assert await self.page.evaluate("upload.state") == state, await self.ended()

    async def ended(self) -> dict[str, Any]:
        """What `start()` resolved with, or its `error`."""
        return await self.page.evaluate("ended")

    async def failed(self) -> dict[str, Any]:
        ended = await self.ended()
        assert "error" in ended, ended
        return ended["error"]

    async def heard(self, name: str) -> list[dict[str, Any]]:
        return await self.page.evaluate(f"heard.{name}")

    async def states(self) -> list[str]:
        return [event["state"] for event in await self.heard("state")]

    async def _ready(self) -> None:
        await self.until("document.title === 'ready'")

    def _note(self, request: Request) -> None:
        if request.method == "PUT":
            self.puts.append(request.url)
        elif request.method == "POST":
            self.asked.extend(OPERATION.findall(request.post_data or ""))

    def _note_stored(self, response: Response) -> None:
        if response.request.method == "PUT" and response.ok:
            self.stored.append(response.url)
