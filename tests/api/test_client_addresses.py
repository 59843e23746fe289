"""Whom a request comes from: the connection says it, or a proxy that is trusted."""

import asyncio
from contextlib import suppress

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from server import answering, requests


def app() -> Starlette:
    async def whom(request: Request) -> PlainTextResponse:
        return PlainTextResponse(requests.address(request) or "nobody")

    return Starlette(routes=[Route("/", whom)])


@pytest.mark.parametrize(
    ("trusted", "forwarded", "client"),
    [
        ("127.0.0.1,::1", None, "127.0.0.1"),
        ("127.0.0.1,::1", "203.0.113.9", "203.0.113.9"),
        ("10.0.0.0/8", "203.0.113.9", "127.0.0.1"),
        ("", "203.0.113.9", "127.0.0.1"),
        # What stands before the last proxy's word, anybody could have written.
        ("127.0.0.0/8", "198.51.100.1, 203.0.113.9", "203.0.113.9"),
        ("127.0.0.0/8,203.0.113.9", "198.51.100.1, 203.0.113.9", "198.51.100.1"),
    ],
)
async def test_only_a_trusted_proxy_says_who_asks(
    trusted: str, forwarded: str | None, client: str
) -> None:
    listener = answering.listen("127.0.0.1", 0, advice="")
    url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    serving = asyncio.create_task(answering.answer(app(), listener, proxies=trusted))
    headers = {"x-forwarded-for": forwarded} if forwarded else {}
    async with httpx.AsyncClient(trust_env=False) as http:
        assert (await http.get(url, headers=headers)).text == client
    serving.cancel()
    with suppress(asyncio.CancelledError):
        await serving


def test_a_connection_without_an_address_has_no_client() -> None:
    assert requests.address({"client": None}) is None
    assert requests.address({}) is None
