"""Pages of other sites may call everything: callers prove themselves with keys, not cookies.

The one place that says so, to the middleware and to what answers without passing through it.
"""

from collections.abc import Sequence
from typing import Final

from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp

from server import uploads
from server.tus import headers as tus

EXPOSED: Final = [
    "ETag",
    uploads.CHECKSUM,
    "Retry-After",
    "Content-Range",
    "Accept-Ranges",
    *tus.EXPOSED,
]
"""Response headers that a page of another site may read."""

RawHeaders = Sequence[tuple[bytes, bytes]]


def middleware(app: ASGIApp) -> CORSMiddleware:
    return CORSMiddleware(
        app,
        allow_origins=["*"],
        allow_methods=["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"],
        allow_headers=["*"],
        expose_headers=EXPOSED,
        max_age=86_400,
    )


_ALWAYS: Final = ((b"vary", b"Origin"),)
_TO_PAGES: Final = (
    *(
        (name.lower().encode(), value.encode())
        for name, value in middleware(Response()).simple_headers.items()
    ),
    *_ALWAYS,
)


def headers(origin: bytes | None) -> RawHeaders:
    """What the middleware adds to the answer to a request with this `Origin`; no preflights."""
    return _ALWAYS if origin is None else _TO_PAGES
