"""The bytes of uploads: `PUT /uploads/{token}/{number}`, one chunk as one raw body."""

import base64
import binascii
from collections.abc import AsyncGenerator
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response

from domain.errors import DomainError, ErrorCode, IncompleteBody, InvalidArgument
from resolvers import chunks
from resolvers.uploads import CHECKSUM
from server import requests

DRAIN: Final = 64 << 20
"""Bytes still read after a refusal: a client that is cut off never sees the reason."""

STATUSES: Final = {
    ErrorCode.INVALID_ARGUMENT: 400,
    ErrorCode.CHECKSUM_MISMATCH: 400,
    ErrorCode.INCOMPLETE_BODY: 400,
    ErrorCode.LINK_INVALID: 403,
    ErrorCode.LINK_EXPIRED: 403,
    ErrorCode.NOT_FOUND: 404,
    ErrorCode.SESSION_CLOSED: 409,
    ErrorCode.PART_BUSY: 409,
    ErrorCode.STORAGE_FULL: 507,
    ErrorCode.STORAGE_BUSY: 503,
}
RETRY_AFTER_S: Final = {
    ErrorCode.PART_BUSY: "1",
    ErrorCode.STORAGE_FULL: "60",
    ErrorCode.STORAGE_BUSY: "5",
}


async def put_part(request: Request) -> Response:
    """Store one chunk; see docs/uploads.md for every answer."""
    body = request.stream()
    try:
        sha256 = _declared(request)
        ctx = requests.anonymous(request)
        digest = await chunks.receive(
            ctx,
            await chunks.by_link(ctx, request.path_params["token"]),
            request.path_params["number"],
            length=_length(request),
            sha256=sha256,
            body=body,
        )
    except ClientDisconnect:
        return Response(status_code=499)  # nobody is there to read it
    except LengthRequired as failure:
        return await _refusal(failure, body, status=411)
    except DomainError as failure:
        return await _refusal(failure, body, status=_status(failure))
    checksum = base64.b64encode(bytes.fromhex(digest)).decode()
    return Response(headers={"ETag": f'"{digest}"', CHECKSUM: checksum})


class LengthRequired(InvalidArgument):
    """The body's length must be known before it comes."""


def _length(request: Request) -> int:
    length = request.headers.get("content-length", "")
    if not length.isascii() or not length.isdigit():
        raise LengthRequired("The request needs a Content-Length.")
    return int(length)


def _declared(request: Request) -> str | None:
    """The chunk's SHA-256 in hexadecimal, if the client declares it."""
    value = request.headers.get(CHECKSUM)
    if value is None:
        return None
    try:
        digest = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        digest = b""
    if len(digest) != 32:  # noqa: PLR2004  (bytes of a SHA-256)
        raise InvalidArgument(f"{CHECKSUM} must be the base64 of 32 bytes.")
    return digest.hex()


def _status(failure: DomainError) -> int:
    if isinstance(failure, IncompleteBody) and failure.actual > failure.expected:
        return 413
    return STATUSES[failure.code]


async def _refusal(failure: DomainError, body: AsyncGenerator[bytes], *, status: int) -> Response:
    headers = {"Connection": "close"} if not await _drained(body) else {}
    if failure.code in RETRY_AFTER_S:
        headers["Retry-After"] = RETRY_AFTER_S[failure.code]
    content = {"code": failure.code.value, "message": str(failure)}
    return JSONResponse(content, status, headers)


async def _drained(body: AsyncGenerator[bytes]) -> bool:
    """Read what the client still sends; False when that is too much, or it has gone."""
    left = DRAIN
    try:
        async for block in body:
            left -= len(block)
            if left < 0:
                return False
    except ClientDisconnect:
        return False
    return True
