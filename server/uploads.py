"""The bytes of uploads: `PUT /uploads/{token}/{number}`, one chunk as one raw body."""

import base64
import binascii
from typing import Final

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

from domain.error_codes import ErrorCode
from domain.errors import DomainError, IncompleteBody, InvalidArgument
from resolvers import chunks
from resolvers.uploads import CHECKSUM
from server import bodies, requests

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


_DIGITS: Final = 18
"""More digits than any length or number here has; thousands of them Python refuses to read."""


async def put_part(request: Request) -> Response:
    """Store one chunk; see docs/uploads.md for every answer."""
    body = bodies.blocks(request)
    try:
        sha256 = _declared(request)
        ctx = requests.anonymous(request)
        digest = await chunks.receive(
            ctx,
            await chunks.by_link(ctx, request.path_params["token"]),
            _number(request.path_params["number"]),
            length=_length(request),
            sha256=sha256,
            body=body,
        )
    except ClientDisconnect:
        return Response(status_code=503, headers={"Connection": "close"})  # hardly anybody reads it
    except LengthRequired as failure:
        return await bodies.refusal(failure, body, status=411)
    except DomainError as failure:
        return await bodies.refusal(failure, body, status=_status(failure))
    checksum = base64.b64encode(bytes.fromhex(digest)).decode()
    return Response(headers={"ETag": f'"{digest}"', CHECKSUM: checksum})


class LengthRequired(InvalidArgument):
    """The body's length must be known before it comes."""


def _number(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > _DIGITS:
        raise InvalidArgument(f"There is no part {text[:_DIGITS]!r}.")
    return int(text)


def _length(request: Request) -> int:
    length = request.headers.get("content-length", "")
    if not (length.isascii() and length.isdigit()) or len(length) > _DIGITS:
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
