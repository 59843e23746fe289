"""The server of a file, on loopback."""

import asyncio
import socket
from collections.abc import AsyncIterator

import httpx
import pytest
import uvicorn

from tests.support.handing import CLIP, Site


@pytest.fixture(scope="module")
async def server(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Site]:
    """Connections wait in the socket's backlog until the server is up, so nobody else has to."""
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        site = Site(tmp_path_factory.mktemp("site") / "clip.mp4", port, client)
        config = uvicorn.Config(
            site.answer, interface="asgi3", lifespan="off", ws="none", log_config=None
        )
        serving = asyncio.create_task((running := uvicorn.Server(config)).serve([listener]))
        yield site
        running.should_exit = True
        await serving


@pytest.fixture
def site(server: Site) -> Site:
    server.path.write_bytes(CLIP)
    server.etag, server.sent, server.ended = None, [], asyncio.Event()
    return server
