"""`reelgraph serve`: the API, and a worker beside it."""

import argparse
import asyncio
import contextlib
import os
import socket
import sys
from collections.abc import Generator
from pathlib import Path

import uvicorn
from starlette.applications import Starlette
from typing_extensions import override

from jobs import worker
from server import logs, memory, processes, settings, wiring
from server.app import create_app
from server.settings import NotReady, Settings

GRACE_S = 3
"""How long open requests may take once the server stops; streams are cut off then."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--no-worker", action="store_true", help="only the API; run `reelgraph worker` elsewhere"
    )


def run(args: argparse.Namespace) -> int:
    current = settings.load()
    logs.configure(form=current.log_format, level=current.log_level)
    with _listen(current) as listener:
        wiring.open_data_dir(current)
        processes.run(_serve(current, listener, with_worker=not args.no_worker))
    return 0


async def _serve(current: Settings, listener: socket.socket, *, with_worker: bool) -> None:
    async with contextlib.AsyncExitStack() as stack:
        url = await stack.enter_async_context(wiring.open_database(current))
        services = await stack.enter_async_context(wiring.open_services(current, url))
        key_file = await wiring.open_house(current, services.db)
        work: list[asyncio.Task[None]] = []
        if with_worker:
            tools = await stack.enter_async_context(wiring.open_tools(current, services))
            work.append(asyncio.create_task(worker.work(tools)))
        app = create_app(
            services,
            public_url=current.public_url,
            operation_timeout_s=current.operation_timeout,
        )
        banner = _banner(current, listener, key_file)
        work.append(asyncio.create_task(_answer(app, listener, banner)))
        memory.settle()
        await processes.until_stopped(*work)


async def _answer(app: Starlette, listener: socket.socket, banner: str) -> None:
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
    )
    server = _Server(config, banner)
    serving = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        await asyncio.shield(serving)
    finally:
        server.should_exit = True
        await serving


class _Server(uvicorn.Server):
    """Leaves signals to us: uvicorn would kill the process before the database is stopped."""

    def __init__(self, config: uvicorn.Config, banner: str) -> None:
        super().__init__(config)
        self._banner = banner

    @override
    @contextlib.contextmanager
    def capture_signals(self) -> Generator[None]:
        yield

    @override
    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            print(self._banner, flush=True)


def _listen(current: Settings) -> socket.socket:
    """Taken first of all, so that a port in use is known before anything is started."""
    try:
        family = socket.AF_INET6 if ":" in current.host else socket.AF_INET
        return socket.create_server((current.host, current.port), family=family, backlog=2048)
    except OSError as failure:
        raise NotReady(
            f"Cannot listen on {current.host} port {current.port}"
            f" ({os.strerror(failure.errno or 0)}). Choose another with"
            f" {settings.variable('port')} or {settings.variable('host')}."
        ) from failure


def _banner(current: Settings, listener: socket.socket, key_file: Path | None) -> str:
    host = current.host if current.host not in ("0.0.0.0", "::") else "127.0.0.1"  # noqa: S104
    port = listener.getsockname()[1]
    url = current.public_url or f"http://{f'[{host}]' if ':' in host else host}:{port}"
    elsewhere = "" if port == settings.DEFAULT_PORT else f"{settings.variable('url')}={url} "
    return "\n".join(
        (
            f"Reelgraph is ready at {url}",
            f"  Explore the API   {url}/graphql",
            f"  Your API key      {key_file or 'made by the first start, elsewhere'}",
            f"  Upload a video    {elsewhere}{_program()} upload FILE --watch",
            f"  Stop              Ctrl-C; everything is kept in {current.data_dir}",
        )
    )


def _program() -> str:
    """How this program is called from where it was started."""
    path = Path(sys.argv[0])
    if path.name != "reelgraph":
        return "reelgraph"
    try:
        return str(path.resolve().relative_to(Path.cwd()))
    except ValueError:
        return path.name
