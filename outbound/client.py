"""Requests to strangers' servers: nobody can lead them to an address that was not checked."""

import asyncio
import socket
import ssl
from collections.abc import AsyncGenerator, Collection, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from typing import Final, Self
from urllib.parse import urljoin

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from domain import links
from domain.errors import FetchFailed, FetchInterrupted, UrlNotAllowed
from domain.links import Link
from outbound.addresses import Addresses, Resolve, look_up, system_resolve

MAX_HOPS = 3
"""Redirects that are followed."""
CONNECT_TIMEOUT_S = 10
"""For the name, the connection and TLS together."""
ANSWER_TIMEOUT_S = 30
"""From the request to the end of the answer's header."""
_MAX_LOCATION: Final = 8_000
"""Characters of a redirect's URL, which may be longer than a caller's: signed ones are."""
_NO_SUCH_NAME: Final = {socket.EAI_NONAME, socket.EAI_NODATA}
_REDIRECTS: Final = {301, 302, 303, 307, 308}
_USER_AGENT: Final = "Reelgraph"


@dataclass(frozen=True, slots=True)
class Answer:
    """The answer of the last server; whatever its status is, but no redirect that we follow."""

    link: Link
    """Where it came from at last."""
    status: int
    headers: Mapping[str, str]
    """Names in any case."""
    body: aiohttp.StreamReader
    """Exactly as sent: nothing is decompressed. Read it inside `failures()`."""


class Client:
    """Sends requests without cookies, passwords or proxies, whatever the environment says.

    Each has a connection of its own, so none is answered by what another one left behind.
    """

    def __init__(
        self,
        *,
        addresses: Addresses | None = None,
        ports: Collection[int] = links.PORTS,
        resolve: Resolve = system_resolve,
        tls: ssl.SSLContext | None = None,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
        answer_timeout_s: float = ANSWER_TIMEOUT_S,
    ) -> None:
        self._addresses = addresses or Addresses()
        self._ports = ports
        self._resolver = _CheckedResolver(self._addresses, resolve)
        self._tls = tls
        self._connect_timeout_s = connect_timeout_s
        self._answer_timeout_s = answer_timeout_s

    async def __aenter__(self) -> Self:
        connector = aiohttp.TCPConnector(
            resolver=self._resolver,
            use_dns_cache=False,
            force_close=True,
            limit=0,  # who calls us decides how many requests there are
            ssl=self._tls or True,
        )
        self._session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            auto_decompress=False,
            timeout=aiohttp.ClientTimeout(total=None, connect=self._connect_timeout_s),
            headers={"User-Agent": _USER_AGENT, "Accept-Encoding": "identity"},
        )
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._session.close()

    @asynccontextmanager
    async def opened(
        self,
        url: str,
        *,
        method: str = "GET",
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
        hops: int = MAX_HOPS,
    ) -> AsyncGenerator[Answer]:
        """Ask, follow up to `hops` redirects with the same request, and give the last answer.

        Raises `UrlNotAllowed`, also for a redirect to where we do not go, `FetchFailed` for what
        will not get better, and `FetchInterrupted` for what may.
        """
        link = links.check(url, ports=self._ports)
        seen = {link.url}
        while True:
            async with self._asked(link, method, headers=headers, body=body) as answer:
                location = answer.headers.get("Location")
                if answer.status not in _REDIRECTS or location is None:
                    yield answer
                    return
            link = self._next(link, location)
            if link.url in seen:
                raise FetchFailed("The server redirects in a circle.")
            if len(seen) > hops:
                raise FetchFailed(f"The server redirects more than {hops} times.")
            seen.add(link.url)

    @asynccontextmanager
    async def _asked(
        self, link: Link, method: str, *, headers: Mapping[str, str] | None, body: bytes | None
    ) -> AsyncGenerator[Answer]:
        self._addresses.check_written(link)
        with failures():
            async with asyncio.timeout(self._answer_timeout_s):
                response = await self._session.request(
                    method,
                    URL(link.url, encoded=True),
                    headers=headers,
                    data=body,
                    allow_redirects=False,
                )
        try:
            yield Answer(link, response.status, response.headers, response.content)
        finally:
            response.close()

    def _next(self, link: Link, location: str) -> Link:
        try:
            url = urljoin(link.url, location)
        except ValueError:  # such as a bracket that is never closed
            raise UrlNotAllowed("The server redirects to no URL.") from None
        following = links.check(url, ports=self._ports, most=_MAX_LOCATION)
        if (link.scheme, following.scheme) == ("https", "http"):
            raise UrlNotAllowed("The server redirects from https to http.")
        return following


class _CheckedResolver(AbstractResolver):
    """Gives the connector addresses, each of them checked: it connects to these and no others."""

    def __init__(self, addresses: Addresses, resolve: Resolve) -> None:
        self._addresses = addresses
        self._resolve = resolve

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        del family
        try:
            answer = await look_up(host, self._resolve)
        except socket.gaierror as failure:
            if failure.errno in _NO_SUCH_NAME:
                raise FetchFailed("There is no server of this name.") from failure
            raise FetchInterrupted("The server's name cannot be looked up now.") from failure
        if not answer:
            raise FetchFailed("There is no server of this name.")
        self._addresses.check(answer)
        return [
            ResolveResult(
                hostname=host,
                host=str(address),
                port=port,
                family=socket.AF_INET if address.version == 4 else socket.AF_INET6,  # noqa: PLR2004
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in answer
        ]

    async def close(self) -> None:
        """There is nothing to close."""


@contextmanager
def failures() -> Generator[None]:
    """What goes wrong with a connection inside is for good, or may get better."""
    try:
        yield
    except aiohttp.ClientSSLError as failure:
        raise FetchFailed("No safe connection with the server could be made.") from failure
    except aiohttp.ClientResponseError as failure:
        raise FetchFailed("The server's answer is not HTTP, or its header too large.") from failure
    except TimeoutError as failure:
        raise FetchInterrupted("The server did not answer in time.") from failure
    except (aiohttp.ClientError, OSError) as failure:
        raise FetchInterrupted("The connection to the server was lost or refused.") from failure
