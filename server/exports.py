"""Handing exports out: `GET /exports/{token}`. The token in the path says which, and until when."""

from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.types import ASGIApp

from domain.errors import DomainError
from domain.files import attachment
from resolvers import exports
from server import requests
from server.delivery import refusal
from server.files import FileResponse
from storage.base import LocalFile

_TYPE = "text/csv;charset=UTF-8"


async def download(request: Request) -> ASGIApp:
    """The file, to be saved under its name."""
    try:
        found = await exports.opened(requests.anonymous(request), request.path_params["token"])
    except DomainError as failure:
        return refusal(failure)
    headers = {
        "content-disposition": attachment(found.name),
        "x-content-type-options": "nosniff",
        "cache-control": "private, no-store",
    }
    if isinstance(found.file, LocalFile):
        return FileResponse(found.file.path, content_type=_TYPE, headers=headers)
    headers |= {"content-type": _TYPE, "content-length": str(found.file.size)}
    if request.method == "HEAD":
        return Response(headers=headers)
    return StreamingResponse(found.file.blocks, headers=headers)
