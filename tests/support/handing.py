"""One file, handed out by a real server."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path

import httpx
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from server.files import FileResponse

CLIP = b"0123456789"


@dataclass
class Site:
    """A real server of one file that answers as `response` says, and what it last sent."""

    path: Path
    port: int
    client: httpx.AsyncClient
    etag: str | None = None
    sent: list[str | int] = field(default_factory=list[str | int])
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def get(self, headers: dict[str, str] | None = None) -> httpx.Response:
        return await self.client.get("/", headers=headers)

    async def answer(self, scope: Scope, receive: Receive, send: Send) -> None:
        async def record(message: Message) -> None:
            await send(message)
            self.sent.append(len(message["body"]) if "body" in message else message["type"])

        try:
            await response(self.path, etag=self.etag)(scope, receive, record)
        except FileNotFoundError:
            await Response(status_code=404)(scope, receive, send)
        finally:
            self.ended.set()

    def is_open(self) -> bool:
        """Whether this process holds a descriptor of the file."""
        links = list(Path("/proc/self/fd").iterdir())
        return any(link.exists() and link.samefile(self.path) for link in links)


def response(path: Path, *, etag: str | None = None) -> FileResponse:
    return FileResponse(
        path,
        content_type="video/mp4",
        cache_control="public, max-age=60",
        etag=etag,
        headers={"Access-Control-Allow-Origin": "*"},
    )
