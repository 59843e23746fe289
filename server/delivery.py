"""Handing videos to players: `GET /v/{token}/…`. The token in the path says who may."""

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp

from domain.errors import DomainError, LinkInvalid, StorageBusy
from domain.playback import PlaybackUnavailable, content_type
from resolvers import delivery
from server import requests
from server.files import FileResponse
from storage.base import Redirect


async def master(request: Request) -> Response:
    """The master playlist: it grows while play sets become READY, so it is not kept."""
    try:
        text = await delivery.master(
            requests.anonymous(request),
            _token(request),
            requests.client(request),
            spends=request.method == "GET",
        )
    except DomainError as failure:
        return refusal(failure)
    headers = {"Cache-Control": "private, no-cache"}
    return Response(text, headers=headers, media_type=content_type("master.m3u8"))


async def key(request: Request) -> Response:
    """The key of encrypted segments (RFC 8216, 4.3.2.4): 16 bytes that nobody may keep."""
    key_id = request.path_params["key_id"]
    try:
        value = await delivery.key(
            requests.anonymous(request), _token(request), key_id, requests.client(request)
        )
    except DomainError as failure:
        return refusal(failure)
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return Response(value, headers=headers, media_type="application/octet-stream")


async def media(request: Request) -> ASGIApp:
    """A playlist, a track, a picture: never changes under its name, so it may be kept."""
    path = request.path_params["path"]
    try:
        found = await delivery.file(
            requests.anonymous(request),
            _token(request),
            path,
            requests.client(request),
            method=request.method,
        )
    except DomainError as failure:
        return refusal(failure)
    kept = f"private, max-age={found.max_age_s}"
    if isinstance(found.file, bytes):
        headers = {"Cache-Control": f"{kept}, immutable", "X-Content-Type-Options": "nosniff"}
        return Response(found.file, headers=headers, media_type=found.content_type)
    if isinstance(found.file, Redirect):
        # The URL may end before our link does, with the credentials that signed it.
        return RedirectResponse(found.file.url, headers={"Cache-Control": "private, no-cache"})
    return FileResponse(
        found.file.path,
        content_type=found.content_type,
        cache_control=f"{kept}, immutable",
        headers={"x-content-type-options": "nosniff"},
    )


async def source(request: Request) -> ASGIApp:
    """The file as it was uploaded; whether it may be had can change, so it is not kept."""
    try:
        found = await delivery.source(
            requests.anonymous(request),
            _token(request),
            requests.client(request),
            method=request.method,
        )
    except DomainError as failure:
        return refusal(failure)
    if isinstance(found.file, Redirect):
        return RedirectResponse(found.file.url, headers={"Cache-Control": "private, no-cache"})
    headers = {**found.headers, "x-content-type-options": "nosniff"}
    return FileResponse(
        found.file.path,
        content_type=headers.pop("content-type"),
        cache_control="private, no-cache",
        headers=headers,
    )


def _token(request: Request) -> str:
    """A link is used as it was given: whoever adds to it wants something else."""
    if request.scope["query_string"]:
        raise LinkInvalid
    return request.path_params["token"]


def refusal(failure: DomainError) -> Response:
    """Why a link does not give what it names."""
    content = {"code": failure.code.value, "message": str(failure)}
    headers = {"Cache-Control": "no-store"}
    if isinstance(failure, StorageBusy | PlaybackUnavailable):
        return JSONResponse(content, 503, headers | {"Retry-After": "5"})
    return JSONResponse(content, 403, headers)
