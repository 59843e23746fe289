"""An ASGI application on a socket of this process."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Callable, Generator

import uvicorn
from starlette.types import ASGIApp
from typing_extensions import override

from server.settings import NotReady

GRACE_S = 3
"""How long open requests may take once the server stops; streams are cut off then."""


def listen(host: str, port: int, *, advice: str) -> socket.socket:
    """A socket there, 0 for any free port. Raises `NotReady`, with what to do about it."""
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host, port), family=family, backlog=2048)
    except OSError as failure:
        reason = os.strerror(failure.errno or 0) if failure.errno else str(failure)
        raise NotReady(f"Cannot listen on {host} port {port} ({reason}). {advice}") from failure


async def answer(
    app: ASGIApp,
    listener: socket.socket,
    *,
    ready: Callable[[], None] | None = None,
    proxies: str = "",
) -> None:
    """Answer requests until cancelled, and those that are open for `GRACE_S` longer.

    What `proxies` (addresses and networks) say of their clients, in X-Forwarded-For and
    X-Forwarded-Proto, is believed.
    """
    config = uvicorn.Config(
        app,
        log_config=None,
        access_log=False,
        ws="websockets-sansio",
        ws_ping_interval=20,
        ws_max_size=1 << 20,
        # Compressing each message for each socket would cost more than all else together.
        ws_per_message_deflate=False,
        timeout_graceful_shutdown=GRACE_S,
        server_header=False,
        forwarded_allow_ips=proxies,
    )
    server = _Server(config, ready)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await asyncio.shield(serving)
    finally:
        server.should_exit = True
        await serving


class _Server(uvicorn.Server):
    """Leaves signals to us: uvicorn would kill the process before the database is stopped."""

    def __init__(self, config: uvicorn.Config, ready: Callable[[], None] | None) -> None:
        super().__init__(config)
        self._ready = ready

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started and self._ready is not None:
            self._ready()
