"""`reelgraph serve`: the API, and a worker beside it."""

import argparse
import asyncio
import contextlib
import socket
import sys
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, Final

from starlette.types import ASGIApp

from jobs import worker
from jobs.lanes import Lane
from jobs.presence import Vitals
from server import answering, logs, memory, monitor, processes, settings, wiring
from server.app import create_app
from server.metrics import CountedRequests
from server.settings import Settings

_OTHERS: Final = f"Choose another with {settings.variable('port')} or {settings.variable('host')}."


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--no-worker", action="store_true", help="only the API; run `reelgraph worker` elsewhere"
    )


def run(args: argparse.Namespace) -> int:
    current = settings.load()
    lanes = None if args.no_worker else wiring.choose_lanes(current)
    logs.configure(form=current.log_format, level=current.log_level)
    with (
        answering.listen(current.host, current.port, advice=_OTHERS) as listener,
        monitor.listening(current.metrics_address, of="metrics_address") as watched,
    ):
        wiring.open_data_dir(current)
        processes.run(_serve(current, listener, watched, lanes))
    return 0


async def _serve(
    current: Settings,
    listener: socket.socket,
    watched: socket.socket | None,
    lanes: Sequence[Lane] | None,
) -> None:
    async with contextlib.AsyncExitStack() as stack:
        url = await stack.enter_async_context(wiring.open_database(current))
        services = await stack.enter_async_context(wiring.open_services(current, url))
        key_file = await wiring.open_house(current, services.db)
        work: list[Coroutine[Any, Any, None]] = []
        vitals = None
        if lanes is not None:
            tools = await stack.enter_async_context(wiring.open_tools(current, services))
            await wiring.is_isolated()
            vitals = Vitals(lanes)
            work.append(worker.work(tools, lanes, vitals=vitals))
        app: ASGIApp = create_app(
            services,
            public_url=current.public_url,
            operation_timeout_s=current.operation_timeout,
        )
        if watched is not None:
            app = CountedRequests(app)
            work.append(monitor.run(watched, services.db, vitals))
        banner = _banner(current, listener, key_file)
        work.append(
            answering.answer(
                app,
                listener,
                ready=lambda: print(banner, flush=True),
                proxies=current.trusted_proxies,
            )
        )
        memory.settle()
        await processes.until_stopped(*(asyncio.create_task(one) for one in work))


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
