"""What every request finds in the application's state."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, cast

from starlette.datastructures import URL
from starlette.requests import Request

from domain.playback_rules import Client
from resolvers.context import Context, Services

Connection = Mapping[str, Any]
"""An ASGI scope, or one of Starlette's objects around it."""

_SCHEMES: Final = {"ws": "http", "wss": "https"}
_LONGEST_NAME: Final = 260
"""Bytes of a host name and a port; what is longer is not worth remembering."""


def services(connection: Connection) -> Services:
    return cast("Services", connection["state"]["services"])


def address(connection: Connection) -> str | None:
    """Where the caller is; behind a proxy that is trusted, what the proxy says."""
    found = cast("tuple[str, int] | None", connection.get("client"))
    return found[0] if found else None


def base_url(connection: Connection) -> str:
    """Scheme and host for links: the operator's, else those that the caller used."""
    public = cast("str | None", connection["state"]["public_url"])
    if public:
        return public
    host = next((value for name, value in connection["headers"] if name == b"host"), None)
    url_of = _url if len(host or b"") <= _LONGEST_NAME else _url.__wrapped__
    return url_of(connection["scheme"], host, connection.get("server"))


@lru_cache(maxsize=128)
def _url(scheme: str, host: bytes | None, server: tuple[str, int | None] | None) -> str:
    headers = [] if host is None else [(b"host", host)]
    url = URL(scope={"scheme": scheme, "path": "/", "headers": headers, "server": server})
    return f"{_SCHEMES.get(scheme, scheme)}://{url.netloc}"


def client(connection: Connection) -> Client:
    """Where the request comes from, and the page that made it."""
    page = origin = None
    for name, value in connection["headers"]:
        if name == b"referer":
            page = value.decode("latin-1")
        elif name == b"origin" and value != b"null":
            origin = value.decode("latin-1")
    return Client(address(connection), page or origin)


def anonymous(request: Request) -> Context:
    """The context of a request whose link says all that it may do."""
    return Context(services(request), base_url(request))
