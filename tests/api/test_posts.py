"""The short way of a plain POST: what it answers is what Strawberry's view would answer."""

import json
from collections.abc import AsyncIterator
from typing import Any

import pytest

from resolvers.context import Services
from server import operations
from server.app import create_app
from server.graphql import GraphQLEndpoint
from server.operations import MAX_BODY
from server.posts import Posts
from tests.support import factories
from tests.support.api import Api
from tests.support.serving import serving

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"
QUERY = "{ viewer { id name } limits { maxFileSize } }"
PAGE = "https://elsewhere.example"
UNKNOWN = 'mutation { cancelTask(id: "x") { task { id } userErrors { code message } } }'


@pytest.fixture(scope="module")
async def view_url(shared_services: Services) -> AsyncIterator[str]:
    """Where the same application answers without the short way."""
    app = create_app(shared_services)
    app.user_middleware = [one for one in app.user_middleware if one.cls is not Posts]
    async with serving(app) as url:
        yield url


async def assert_same(
    api: Api, view_url: str, body: str | bytes, headers: dict[str, str]
) -> tuple[int, bytes]:
    short, long = [
        await api.http.post(url, content=body, headers={"content-type": JSON, **headers})
        for url in ("/graphql", f"{view_url}/graphql")
    ]
    for answer in (short, long):
        answer.headers.pop("date")
    assert short.content == long.content
    assert (short.status_code, short.headers) == (long.status_code, long.headers)
    return short.status_code, short.content


def request(query: str | None = QUERY, **parts: Any) -> str:
    return json.dumps({"query": query, **parts})


BODIES: list[tuple[int, str | bytes]] = [
    (200, request()),
    (200, request("query ($id: ID!) { node(id: $id) { id } }", variables={"id": "x"})),
    (200, request("query A { a: __typename } query B { b: __typename }", operationName="B")),
    (200, request(variables=None, operationName=None, extensions={})),
    (200, request("{ videos(first: -1) { totalCount } viewer { id } }")),
    (200, request("{ videos(first: 5) { totalCount nodes { title playSets { status } } } }")),
    (200, request("{ __schema { queryType { name } } }")),
    (200, request(UNKNOWN)),
    (400, request("{")),
    (400, request("{ nothing }")),
    (400, request("query ($id: ID!) { node(id: $id) { id } }")),
    (400, request("query A { __typename } query B { __typename }")),
    (400, request("query A { __typename }", operationName="B")),
    (400, request("subscription { playSetReady { id } }")),
    (400, request(None)),
    (400, request(variables=[])),
    (400, request(extensions=3)),
    (400, request(operationName=3)),
    (400, ""),
    (400, "{"),
    (400, b"\xff"),
    (400, "3"),
    (400, f"[{request()}]"),
    (413, b" " * (MAX_BODY + 1)),
]


@pytest.mark.parametrize(("status", "body"), BODIES)
async def test_a_body_gets_the_same_answer(
    api: Api, owner: factories.Owner, services: Services, view_url: str, status: int, body: str
) -> None:
    await factories.video(services.db, owner.account)
    found, _ = await assert_same(api, view_url, body, {"accept": GRAPHQL})
    assert found == status
    await assert_same(api, view_url, body, {"accept": JSON, "origin": PAGE})


HEADERS: list[tuple[int, dict[str, str]]] = [
    (200, {}),
    (200, {"accept": ""}),
    (200, {"accept": "*/*"}),
    (200, {"accept": f"{JSON}, {GRAPHQL}"}),
    (200, {"accept": f"image/png, {JSON};q=0.1" + ", image/png" * 100}),
    (200, {"accept": "text/html"}),
    (200, {"accept": "text/event-stream"}),
    (200, {"content-type": f"{JSON} ; charset=latin-1"}),
    (200, {"origin": PAGE}),
    (200, {"origin": "null", "accept": GRAPHQL}),
    (406, {"accept": "image/png"}),
    (415, {"content-type": "text/plain", "origin": PAGE}),
    (415, {"content-type": ""}),
    (401, {"authorization": "Bearer nobody", "origin": PAGE}),
    (401, {"authorization": "Basic eDp5", "accept": GRAPHQL}),
    (401, {"authorization": ""}),
]


@pytest.mark.parametrize(("status", "headers"), HEADERS)
async def test_headers_get_the_same_answer(
    api: Api, view_url: str, status: int, headers: dict[str, str]
) -> None:
    found, _ = await assert_same(api, view_url, request(), headers)
    assert found == status


async def test_a_bug_gets_the_same_answer(
    api: Api, view_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def encode(*_given: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(operations, "encode", encode)
    assert await assert_same(api, view_url, request(), {"origin": PAGE}) == (
        500,
        b'{"code":"INTERNAL","message":"Internal error."}',
    )


@pytest.fixture
def without_view(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run(*_given: object) -> None:
        raise AssertionError

    monkeypatch.setattr(GraphQLEndpoint, "run", run)


@pytest.mark.parametrize("accept", ["*/*", JSON, GRAPHQL, f"{GRAPHQL}, {JSON};q=0.9"])
@pytest.mark.usefixtures("without_view")
async def test_a_plain_post_does_not_pass_the_view(api: Api, accept: str) -> None:
    headers = {"accept": accept, "content-type": f"{JSON}; charset=utf-8", "origin": PAGE}
    answer = await api.http.post("/graphql", content=request(), headers=headers)
    assert answer.status_code == 200
    assert answer.json()["data"]["viewer"]["name"] == "Test"


async def test_a_body_in_pieces_is_put_together(api: Api) -> None:
    async def pieces() -> AsyncIterator[bytes]:
        for byte in request().encode():
            yield bytes([byte])

    answer = await api.http.post("/graphql", content=pieces(), headers={"content-type": JSON})
    assert answer.json()["data"]["viewer"]["name"] == "Test"
