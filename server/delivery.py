"""Handing videos to players: `GET /v/{token}/…`. The token in the path says who may."""

from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp

from domain.errors import DomainError, StorageBusy
from domain.playback import content_type
from resolvers import playback
from server import requests
from server.files import FileResponse
from storage.base import Redirect


async def master(request: Request) -> Response:
    """The master playlist: it grows while play sets become READY, so it is not kept."""
    try:
        text = await playback.master(requests.anonymous(request), request.path_params["token"])
    except DomainError as failure:
        return refusal(failure)
    headers = {"Cache-Control": "private, no-cache"}
    return Response(text, headers=headers, media_type=content_type("master.m3u8"))


async def key(request: Request) -> Response:
    """The key of encrypted segments (RFC 8216, 4.3.2.4): 16 bytes that nobody may keep."""
    token, key_id = request.path_params["token"], request.path_params["key_id"]
    try:
        value = await playback.key(requests.anonymous(request), token, key_id)
    except DomainError as failure:
        return refusal(failure)
    headers = {"Cache-Control": "no-store", "X-Content-Type-Options": "nosniff"}
    return Response(value, headers=headers, media_type="application/octet-stream")


async def media(request: Request) -> ASGIApp:
    """A playlist, a track, a picture: never changes under its name, so it may be kept."""
    token, path = request.path_params["token"], request.path_params["path"]
    try:
        found = await playback.file(requests.anonymous(request), token, path)
    except DomainError as failure:
        return refusal(failure)
    kept = f"private, max-age={found.max_age_s}"
    if isinstance(found.file, bytes):
        headers = {"Cache-Control": f"{kept}, immutable"}
        return Response(found.file, headers=headers, media_type=content_type(found.name))
    if isinstance(found.file, Redirect):
        # The URL may end before our link does, with the credentials that signed it.
        return RedirectResponse(found.file.url, headers={"Cache-Control": "private, no-cache"})
    return FileResponse(
        found.file.path,
        content_type=content_type(found.name),
        cache_control=f"{kept}, immutable",
        headers={"x-content-type-options": "nosniff"},
    )


def refusal(failure: DomainError) -> Response:
    """Why a link does not give what it names."""
    content = {"code": failure.code.value, "message": str(failure)}
    headers = {"Cache-Control": "no-store"}
    if isinstance(failure, StorageBusy):
        return JSONResponse(content, 503, headers | {"Retry-After": "5"})
    return JSONResponse(content, 403, headers)
