"""A server for the upload client: the other side of its requests is a function."""

import json
from collections.abc import Callable
from typing import Any

import httpx

from server.client.api import Api
from server.client.connection import Connection

KEY = "rg_secret"
Handler = Callable[[httpx.Request], httpx.Response]


def api_of(handler: Handler) -> Api:
    http = httpx.AsyncClient(transport=httpx.MockTransport(handler))
    return Api(Connection(http, "http://server/", key=KEY))


def given(answer: httpx.Response | Exception) -> httpx.Response:
    if isinstance(answer, Exception):
        raise answer
    return answer


def stream(*bodies: object, complete: bool = True) -> httpx.Response:
    text = "".join(f"event: next\ndata: {json.dumps(body)}\n\n" for body in bodies)
    end = "event: complete\ndata:\n\n" if complete else ""
    headers = {"Content-Type": "text/event-stream; charset=utf-8"}
    return httpx.Response(200, headers=headers, text=text + end)


def play_sets(status: str) -> dict[str, Any]:
    one = {"resolution": "P360", "status": status, "progress": 0.5, "task": None}
    return {"data": {"playSets": [one]}}


async def watched(handler: Handler) -> list[str]:
    return [sets[0].status async for sets in api_of(handler).watch_play_sets("id")]
