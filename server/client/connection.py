"""GraphQL over HTTP, and subscriptions over server-sent events."""

from collections.abc import AsyncGenerator, Mapping
from contextlib import aclosing, asynccontextmanager
from functools import partial
from http import HTTPStatus
from typing import Any, TypeVar

import httpx
from pydantic import BaseModel, ConfigDict, ValidationError
from pydantic.alias_generators import to_camel

from server.client import sse
from server.client.errors import ClientError, Ended, TemporaryFailure
from server.client.retries import Retries, persist

_TIMEOUT = httpx.Timeout(60, connect=5, pool=None)
"""Seconds. A silent subscription is a broken one: the server sends a comment every 15 s."""

_TEMPORARY = {HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS}


class Answer(BaseModel):
    """A selection of GraphQL fields, by our own spelling of their names."""

    model_config = ConfigDict(alias_generator=to_camel, frozen=True)


A = TypeVar("A", bound=Answer)


class _Error(BaseModel):
    message: str
    extensions: dict[str, Any] = {}


class _Body(BaseModel):
    data: Any = None
    errors: list[_Error] = []


def open_http() -> httpx.AsyncClient:
    """A client for any number of parallel requests. This machine is reached without a proxy."""
    here = ["all://127.0.0.1", "all://localhost", "all://[::1]"]
    return httpx.AsyncClient(
        timeout=_TIMEOUT, limits=httpx.Limits(), mounts=dict.fromkeys(here, None)
    )


class Connection:
    """The GraphQL endpoint of the server at `url`, for the holder of `key`."""

    def __init__(self, http: httpx.AsyncClient, url: str, *, key: str) -> None:
        self.http = http
        """Also for requests elsewhere; the key is not among its headers."""
        self.url = url.rstrip("/")
        self._key = key

    async def ask(self, document: str, variables: Mapping[str, object], answer: type[A]) -> A:
        """The data of a query or mutation. Failures that may pass are waited out."""
        return await persist(partial(self.ask_once, document, variables, answer))

    async def ask_once(self, document: str, variables: Mapping[str, object], answer: type[A]) -> A:
        """As `ask`, but raises `TemporaryFailure` at once."""
        async with self._post(document, variables, accept="application/json") as response:
            return _answer(await response.aread(), answer)

    async def follow(
        self, document: str, variables: Mapping[str, object], answer: type[A]
    ) -> AsyncGenerator[A]:
        """What a state subscription sends, until the server completes it.

        A stream that breaks off is opened again, after which the current state comes once more.
        """
        retries = Retries()
        while True:
            try:
                async with aclosing(self._stream(document, variables)) as bodies:
                    async for body in bodies:
                        retries.reset()
                        yield _answer(body, answer)
            except TemporaryFailure as failure:
                await retries.wait(failure)
            else:
                return

    async def _stream(self, document: str, variables: Mapping[str, object]) -> AsyncGenerator[str]:
        """The data of each message; ends only when the server says that it is complete."""
        async with self._post(document, variables, accept="text/event-stream") as response:
            if not _kind(response).endswith("event-stream"):
                _answer(await response.aread(), Answer)  # raises what the server says
                raise ClientError(f"{self.url} does not offer subscriptions.")
            async for event in sse.events(response.aiter_bytes()):
                if event.type == "complete":
                    return
                yield event.data
        raise TemporaryFailure(f"{self.url} broke a subscription off.")

    @asynccontextmanager
    async def _post(
        self, document: str, variables: Mapping[str, object], *, accept: str
    ) -> AsyncGenerator[httpx.Response]:
        request = {"query": document, "variables": dict(variables)}
        headers = {b"Authorization": f"Bearer {self._key}".encode(), b"Accept": accept.encode()}
        try:
            async with self.http.stream(
                "POST", f"{self.url}/graphql", json=request, headers=headers
            ) as response:
                self._check(response)
                yield response
        except (httpx.TransportError, httpx.InvalidURL) as failure:
            raise no_answer(self.url, failure) from None

    def _check(self, response: httpx.Response) -> None:
        """Raise what the status says, unless the body says it better."""
        if response.status_code == HTTPStatus.UNAUTHORIZED:
            raise ClientError(
                f"{self.url} does not accept the API key. Set REELGRAPH_API_KEY to one that holds."
            )
        status = f"HTTP {response.status_code}"
        raise_if_temporary(response, f"{self.url} cannot serve at the moment ({status}).")
        is_ours = _kind(response).endswith(("json", "event-stream"))
        if not is_ours or response.status_code == HTTPStatus.NOT_FOUND:
            raise ClientError(
                f"{self.url} does not answer like Reelgraph ({status}); see REELGRAPH_URL."
            )


def _kind(response: httpx.Response) -> str:
    """The media type, without its parameters."""
    return response.headers.get("Content-Type", "").partition(";")[0]


def _answer(body: str | bytes, kind: type[A]) -> A:
    try:
        parsed = _Body.model_validate_json(body)
        if parsed.errors:
            raise _refusal(parsed.errors)
        return kind.model_validate(parsed.data)
    except ValidationError as failure:
        first = failure.errors()[0]
        raise ClientError(
            f"The server's answer is not understood: {first['msg']} at {first['loc']}."
        ) from None


def _refusal(errors: list[_Error]) -> ClientError:
    codes = {error.extensions.get("code") for error in errors}
    if "UNAUTHENTICATED" in codes:
        return ClientError("The server does not accept the API key; see REELGRAPH_API_KEY.")
    message = "The server says: " + " ".join(error.message for error in errors)
    return Ended(message) if "NOT_FOUND" in codes else ClientError(message)


def raise_if_temporary(response: httpx.Response, message: str) -> None:
    """Raise `TemporaryFailure` with the message for a status that asks to come again."""
    status = response.status_code
    asked = response.headers.get("Retry-After", "")
    # A conflict passes only if the server says when: a part is busy, but a session stays closed.
    is_busy = status == HTTPStatus.CONFLICT and asked
    if is_busy or status in _TEMPORARY or status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        seconds = float(asked) if asked.isdecimal() else None
        raise TemporaryFailure(message, retry_after_s=seconds)


def no_answer(url: str, failure: httpx.TransportError | httpx.InvalidURL) -> ClientError:
    """What a request that got no answer means."""
    reason = str(failure) or type(failure).__name__
    if isinstance(failure, httpx.ConnectError | httpx.ConnectTimeout):
        return TemporaryFailure(
            f"Cannot reach {url} ({reason}). Is the server running? See REELGRAPH_URL.",
            unreached=True,
        )
    if isinstance(failure, httpx.UnsupportedProtocol | httpx.InvalidURL):
        return ClientError(f"{url} is not a URL to use ({reason}); see REELGRAPH_URL.")
    return TemporaryFailure(f"The connection to {url} broke off ({reason}).")
