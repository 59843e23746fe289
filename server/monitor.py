"""A door for those who run the installation: whether this process is well, and what it does.

It tells of all tenants, so it is never on the address of the API, and closed unless asked for.
"""

import asyncio
import contextlib
import socket
from collections.abc import Generator

from prometheus_client.exposition import CONTENT_TYPE_PLAIN_0_0_4
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from db.session import Database
from jobs.presence import Vitals
from server import answering, metrics
from server.settings import split_address, variable


def create_monitor(db: Database, vitals: Vitals | None) -> Starlette:
    """`/metrics`, and `/healthz` if this process is a worker."""

    async def tell(_request: Request) -> Response:
        return Response(await metrics.exposition(db), media_type=CONTENT_TYPE_PLAIN_0_0_4)

    async def health(_request: Request) -> Response:
        complaint = vitals.complaint() if vitals else None
        return JSONResponse({"status": complaint or "ok"}, 503 if complaint else 200)

    routes = [Route("/metrics", tell)]
    return Starlette(routes=[*routes, Route("/healthz", health)] if vitals else routes)


@contextlib.contextmanager
def listening(address: str | None, *, of: str) -> Generator[socket.socket | None]:
    """A socket there while the block lasts; None without an address. `of` is its setting."""
    if address is None:
        yield None
        return
    host, port = split_address(address)
    with answering.listen(host, port, advice=f"Choose another with {variable(of)}.") as listener:
        yield listener


async def run(listener: socket.socket, db: Database, vitals: Vitals | None) -> None:
    """Answer there until cancelled."""
    async with asyncio.TaskGroup() as group:
        group.create_task(metrics.watch_loop())
        group.create_task(answering.answer(create_monitor(db, vitals), listener))
