"""The two kinds of resources of tus: `/tus`, which creates uploads, and each of these.

An upload is a sequential upload session. Its URL is signed: whoever has it may send bytes.
"""

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping
from datetime import datetime
from typing import Final, TypeAlias
from uuid import UUID

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from db.models import UploadSession
from domain.error_codes import ErrorCode
from domain.errors import (
    DomainError,
    IncompleteBody,
    LimitExceeded,
    NotFound,
    OffsetMismatch,
    SessionClosed,
    Unauthenticated,
)
from domain.tokens import Grant
from domain.uploads import TAKES_CHUNKS, UploadPurpose, UploadStatus
from resolvers import chunks, pieces, uploads
from resolvers.context import Context
from schema import ids
from server import bodies, requests
from server.tus import headers
from server.tus.headers import OFFSET_BYTES, PARTIAL, Refused

Body: TypeAlias = AsyncGenerator[bytes]
Handler: TypeAlias = Callable[[Request, Body], Awaitable[Response]]

GONE: Final = ("CANCELLED", "EXPIRED", "FAILED")
"""Sessions of which no byte is kept."""

STATUSES: Final = {
    ErrorCode.INVALID_ARGUMENT: 400,
    ErrorCode.LIMIT_EXCEEDED: 400,
    ErrorCode.CHUNK_MISSING: 400,
    ErrorCode.UNAUTHENTICATED: 401,
    ErrorCode.LINK_INVALID: 403,
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.INVALID_STATE: 409,
    ErrorCode.SESSION_CLOSED: 409,
    ErrorCode.LINK_EXPIRED: 410,
    ErrorCode.QUOTA_EXCEEDED: 413,
    ErrorCode.INCOMPLETE_BODY: 413,
    ErrorCode.PART_BUSY: 423,
    ErrorCode.CHECKSUM_MISMATCH: 460,
    ErrorCode.STORAGE_BUSY: 503,
    ErrorCode.STORAGE_FULL: 507,
}


class Endpoint:
    """One kind of resource, by the handlers of its methods."""

    def __init__(self, handlers: Mapping[str, Handler]) -> None:
        self._handlers = handlers

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        response = await self._answer(Request(scope, receive))
        response.headers["Tus-Resumable"] = headers.VERSION
        await response(scope, receive, send)

    async def _answer(self, request: Request) -> Response:
        body = bodies.blocks(request)
        try:
            return await self._handler(request)(request, body)
        except ClientDisconnect:  # if it is only very slow, it tries again after this
            return Response(status_code=503, headers={"Connection": "close"})
        except DomainError as failure:
            said = failure.headers if isinstance(failure, Refused) else None
            return await bodies.refusal(failure, body, status=_status(failure), headers=said)

    def _handler(self, request: Request) -> Handler:
        method = request.headers.get("X-HTTP-Method-Override", request.method)
        if method not in self._handlers:
            allowed = {"Allow": ", ".join(self._handlers)}
            raise Refused(f"There is no {method} here.", status=405, headers=allowed)
        if method != "OPTIONS" and request.headers.get("Tus-Resumable") != headers.VERSION:
            spoken = {"Tus-Version": headers.VERSION}
            raise Refused("Send `Tus-Resumable: 1.0.0`.", status=412, headers=spoken)
        return self._handlers[method]


def _status(failure: DomainError) -> int:
    match failure:
        case Refused():
            return failure.status
        case LimitExceeded(path=("fileSize",)):
            return 413
        case LimitExceeded(path=()):
            return 429  # too many open sessions
        case SessionClosed() if failure.current in GONE:
            return 410
        case _:
            return STATUSES[failure.code]


async def describe(request: Request, _body: Body) -> Response:
    """`OPTIONS`: what we can do."""
    said = {
        "Tus-Version": headers.VERSION,
        "Tus-Extension": ",".join(headers.EXTENSIONS),
        "Tus-Max-Size": str(requests.services(request).limits.file_size),
        "Tus-Checksum-Algorithm": ",".join(headers.ALGORITHMS),
    }
    return Response(status_code=204, headers=said)


async def create(request: Request, body: Body) -> Response:
    """`POST`: open an upload, also with its first bytes, or put one together from others."""
    ctx = await _caller(request)
    named = headers.pieces(request.headers)
    if named is not None:
        parts = [ctx.services.upload_links.read(token).subject for token in named]
        upload = await pieces.concatenate(ctx, headers.described(request.headers), parts)
    elif request.headers.get("Content-Type") == OFFSET_BYTES:
        upload = await _create_with_bytes(ctx, request, body)
    else:
        upload = await uploads.create(ctx, headers.announced(request.headers))
    location = {"Location": _url(ctx, upload.id, upload.expires_at)}
    return Response(status_code=201, headers={**location, **_state(upload)})


async def _caller(request: Request) -> Context:
    services = requests.services(request)
    viewer = await services.viewers.of(request.headers.get("Authorization"))
    if viewer is None:
        raise Unauthenticated
    return Context(services, requests.base_url(request), viewer)


async def _create_with_bytes(ctx: Context, request: Request, body: Body) -> UploadSession:
    """If its first bytes fail, the upload goes too, since nobody has its URL."""
    new = headers.announced(request.headers)
    digest = headers.digest(request.headers)
    _check_length(request, new.file_size)
    upload = await uploads.create(ctx, new)
    token = _token(ctx, upload.id, upload.expires_at)
    try:
        return await chunks.append(ctx, token, 0, digest=digest, body=body)
    except (DomainError, ClientDisconnect):
        await uploads.cancel_by_link(ctx, token)
        raise


async def look(request: Request, _body: Body) -> Response:
    """`HEAD`: how far it is."""
    ctx = requests.anonymous(request)
    upload = await _upload(ctx, request)
    said = {"Cache-Control": "no-store", "Upload-Length": str(upload.file_size), **_state(upload)}
    if upload.partials:
        urls = [_url(ctx, id, upload.expires_at) for id in upload.partials]
        said["Upload-Concat"] = headers.final(urls)
    elif upload.purpose is UploadPurpose.PARTIAL:
        said["Upload-Concat"] = PARTIAL
    return Response(headers=said)


async def append(request: Request, body: Body) -> Response:
    """`PATCH`: the next bytes. The last one completes the upload."""
    if request.headers.get("Content-Type") != OFFSET_BYTES:
        raise Refused(f"Send bytes as {OFFSET_BYTES}.", status=415)
    offset = headers.size(request.headers, "Upload-Offset")
    digest = headers.digest(request.headers)
    ctx = requests.anonymous(request)
    upload = await _upload(ctx, request)
    if upload.partials:
        raise Refused("This upload consists of others, and takes no bytes.", status=403)
    if offset != upload.received_bytes:
        raise OffsetMismatch(expected=upload.received_bytes, actual=offset)
    _check_length(request, upload.file_size - offset)
    if upload.status in TAKES_CHUNKS:
        token = request.path_params["token"]
        upload = await chunks.append(ctx, token, offset, digest=digest, body=body)
    else:
        await _check_empty(body)
    return Response(status_code=204, headers=_state(upload))


async def terminate(request: Request, _body: Body) -> Response:
    """`DELETE`: drop an upload that is not complete."""
    ctx = requests.anonymous(request)
    await _upload(ctx, request)
    await uploads.cancel_by_link(ctx, request.path_params["token"])
    return Response(status_code=204)


async def _upload(ctx: Context, request: Request) -> UploadSession:
    upload = await chunks.by_link(ctx, request.path_params["token"])
    if not upload.sequential:
        raise NotFound("UploadSession", upload.id)
    _check_there(upload)
    return upload


def _check_there(upload: UploadSession) -> None:
    if upload.status.name in GONE:
        raise uploads.closed(upload)


def _check_length(request: Request, room: int) -> None:
    """Refuse at once what does not fit; bodies of unknown length are measured as they come."""
    if "Content-Length" in request.headers:
        length = headers.size(request.headers, "Content-Length")
        if length > room:
            raise IncompleteBody(expected=room, actual=length)


async def _check_empty(body: Body) -> None:
    async for block in body:
        if block:
            raise IncompleteBody(expected=0, actual=len(block))


def _state(upload: UploadSession) -> dict[str, str]:
    """How the upload is; without an offset while it is put together from others."""
    said = {"Upload-Session": ids.encode("UploadSession", upload.id)}
    if upload.status in TAKES_CHUNKS:
        said["Upload-Expires"] = headers.http_date(upload.expires_at)
    if not upload.partials or upload.status is UploadStatus.COMPLETED:
        said["Upload-Offset"] = str(upload.received_bytes)
    return said


def _url(ctx: Context, id: UUID, expires_at: datetime) -> str:
    return f"{ctx.base_url}/tus/{_token(ctx, id, expires_at)}"


def _token(ctx: Context, id: UUID, expires_at: datetime) -> str:
    return ctx.services.upload_links.sign(Grant(id, expires_at))


CREATION: Final = Endpoint({"POST": create, "OPTIONS": describe})
UPLOAD: Final = Endpoint({"HEAD": look, "PATCH": append, "DELETE": terminate, "OPTIONS": describe})
