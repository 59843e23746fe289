"""The short way of a plain POST of JSON, which nearly every request is.

It stands before everything that a request otherwise passes, and makes no objects of headers,
URLs and responses: with a small query those cost more than the query. What it answers is the
same, to the byte. Whatever is not plain goes on to Strawberry's view.
"""

from typing import Final

from cross_web import HTTPException
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Receive, Scope, Send
from strawberry.http import process_result

from resolvers.context import Context
from server import cors, operations, requests
from server.negotiation import content_type, is_json, media_type, wants_stream

PATH: Final = "/graphql"

Headers = dict[bytes, bytes]


class Posts:
    """ASGI middleware that answers a plain POST itself, and hands all else to `app`."""

    def __init__(self, app: ASGIApp, *, operation_timeout_s: float) -> None:
        self._app = app
        self._timeout_s = operation_timeout_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["path"] != PATH or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        headers: Headers = dict(reversed(scope["headers"]))  # the first of its name counts
        accept = headers.get(b"accept", b"").decode("latin-1")
        kind = media_type(accept)
        given = headers.get(b"content-type", b"").decode("latin-1")
        if kind is None or wants_stream(accept) or not is_json(given):
            await self._app(scope, receive, send)
            return
        added = cors.headers(headers.get(b"origin"))
        try:
            status, body = await self._answer(scope, receive, headers, kind)
        except HTTPException as failure:
            response = operations.refusal(failure)
            response.raw_headers.extend(added)
            await response(scope, receive, send)
            return
        except ClientDisconnect:
            return
        described = [
            (b"content-length", b"%d" % len(body)),
            (b"content-type", content_type(kind).encode()),
            *added,
        ]
        await send({"type": "http.response.start", "status": status, "headers": described})
        await send({"type": "http.response.body", "body": body})

    async def _answer(
        self, scope: Scope, receive: Receive, headers: Headers, kind: str
    ) -> tuple[int, bytes]:
        services = requests.services(scope)
        authorization = headers.get(b"authorization")
        viewer = await operations.viewer_of(
            services, None if authorization is None else authorization.decode("latin-1")
        )
        body = await operations.body_of(operations.limited(receive))
        result = await operations.execute(
            operations.asked_by(operations.parse_json(body)),
            Context(services, requests.base_url(scope), viewer, requests.address(scope)),
            method="POST",
            receive=receive,
            limit_s=self._timeout_s,
        )
        return operations.encode(process_result(result), kind)
