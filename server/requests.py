"""What every request finds in the application's state."""

from typing import cast

from starlette.requests import HTTPConnection, Request

from resolvers.context import Context, Services


def services(request: HTTPConnection) -> Services:
    return cast("Services", request.state.services)


def base_url(request: HTTPConnection) -> str:
    """Scheme and host for links: the operator's, else those that the caller used."""
    public = cast("str | None", request.state.public_url)
    scheme = {"ws": "http", "wss": "https"}.get(request.url.scheme, request.url.scheme)
    return public or f"{scheme}://{request.url.netloc}"


def anonymous(request: Request) -> Context:
    """The context of a request whose link says all that it may do."""
    return Context(services(request), base_url(request))
