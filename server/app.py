"""The ASGI application: one GraphQL endpoint, and the routes that carry bytes."""

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import TypedDict

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route, WebSocketRoute

from resolvers.context import Services
from server import cors, delivery, exports, requests, uploads
from server.graphql import GraphQLEndpoint
from server.operations import OPERATION_TIMEOUT_S
from server.posts import PATH, Posts
from server.tus import routes as tus

log = logging.getLogger(__name__)


class State(TypedDict):
    services: Services
    public_url: str | None


def create_app(
    services: Services,
    *,
    public_url: str | None = None,
    operation_timeout_s: float = OPERATION_TIMEOUT_S,
) -> Starlette:
    @asynccontextmanager
    async def lifespan(_app: Starlette) -> AsyncGenerator[State]:
        yield State(services=services, public_url=public_url)

    graphql = GraphQLEndpoint(operation_timeout_s=operation_timeout_s)
    return Starlette(
        lifespan=lifespan,
        middleware=[
            Middleware(Posts, operation_timeout_s=operation_timeout_s),
            Middleware(cors.middleware),
        ],
        routes=[
            Route("/", to_explorer),
            Route(PATH, graphql),
            WebSocketRoute(PATH, graphql),
            Route("/uploads/{token}/{number}", uploads.put_part, methods=["PUT"]),
            Route("/tus", tus.CREATION),
            Route("/tus/{token}", tus.UPLOAD),
            Route("/v/{token}/master.m3u8", delivery.master),
            Route("/v/{token}/keys/{key_id}", delivery.key),
            Route("/v/{token}/source", delivery.source),
            Route("/v/{token}/{path:path}", delivery.media),
            Route("/exports/{token}", exports.download),
            Route("/health", health),
        ],
        exception_handlers={FileNotFoundError: missing, Exception: bug},
    )


async def to_explorer(_request: Request) -> Response:
    return RedirectResponse(PATH)


async def health(request: Request) -> Response:
    """200 as long as the database answers."""
    try:
        await requests.services(request).db.ping()
    except OSError as failure:
        log.warning("not healthy: %s", failure)
        return JSONResponse({"status": "the database does not answer"}, 503)
    return JSONResponse({"status": "ok"})


async def missing(_request: Request, _failure: Exception) -> Response:
    return JSONResponse({"code": "NOT_FOUND", "message": "There is no such file."}, 404)


async def bug(_request: Request, _failure: Exception) -> Response:
    """The server logs the trace; the caller learns no more than that."""
    return JSONResponse({"code": "INTERNAL", "message": "Internal error."}, 500)
