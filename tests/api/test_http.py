"""GraphQL over HTTP: media types, statuses, methods, and requests that are not even GraphQL."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from server.operations import MAX_BODY
from tests.support.api import Api, costing

JSON = "application/json"
GRAPHQL = "application/graphql-response+json"
UTF8 = "; charset=utf-8"
NOBODY = {"data": {"viewer": None}, **costing(1)}


async def post(api: Api, body: Any, accept: str | None = JSON) -> httpx.Response:
    headers = {} if accept is None else {"accept": accept}
    return await api.http.post("/graphql", json=body, headers=headers)


def codes(answer: httpx.Response) -> list[str]:
    return [error["extensions"]["code"] for error in answer.json()["errors"]]


@pytest.mark.parametrize(
    ("accept", "expected"),
    [(JSON, JSON), (GRAPHQL, GRAPHQL), (f"{JSON}, {GRAPHQL}", GRAPHQL), ("*/*", JSON)],
)
async def test_the_answer_has_the_type_that_is_accepted(
    anonymous: Api, accept: str, expected: str
) -> None:
    answer = await post(anonymous, {"query": "{ viewer { id } }"}, accept)
    assert (answer.status_code, answer.json()) == (200, NOBODY)
    assert answer.headers["content-type"] == expected + UTF8


async def test_a_type_that_we_do_not_have_is_406(anonymous: Api) -> None:
    answer = await post(anonymous, {"query": "{ viewer { id } }"}, "application/xml")
    assert (answer.status_code, codes(answer)) == (406, ["BAD_REQUEST"])
    assert answer.headers["content-type"] == JSON + UTF8


NOT_EXECUTED: list[tuple[dict[str, Any], str]] = [
    ({"query": "{"}, "GRAPHQL_PARSE_FAILED"),
    ({"query": "{ nothing }"}, "GRAPHQL_VALIDATION_FAILED"),
    ({"query": "{ ...Nothing }"}, "GRAPHQL_VALIDATION_FAILED"),
    ({"query": "query ($id: ID!) { node(id: $id) { id } }"}, "BAD_USER_INPUT"),
    (
        {"query": "query ($id: ID!) { node(id: $id) { id } }", "variables": {"id": [1]}},
        "BAD_USER_INPUT",
    ),
    ({"query": "query A { viewer { id } } query B { viewer { id } }"}, "BAD_USER_INPUT"),
]


@pytest.mark.parametrize(("body", "code"), NOT_EXECUTED)
async def test_a_request_that_is_not_executed_has_errors_and_no_data(
    anonymous: Api, body: dict[str, Any], code: str
) -> None:
    for accept, status in ((GRAPHQL, 400), (JSON, 200)):
        answer = await post(anonymous, body, accept)
        assert (answer.status_code, codes(answer)) == (status, [code])
        assert answer.headers["content-type"] == accept + UTF8
        assert set(answer.json()) == {"errors"}


async def test_an_executed_operation_with_errors_is_200_and_has_data(anonymous: Api) -> None:
    answer = await post(anonymous, {"query": '{ viewer { id } node(id: "x") { id } }'}, GRAPHQL)
    assert (answer.status_code, answer.json()) == (
        200,
        {"data": {"viewer": None, "node": None}, **costing(2)},
    )
    query = "{ viewer { id } uploadSessions { totalCount } }"
    answer = await post(anonymous, {"query": query}, GRAPHQL)
    assert (answer.status_code, answer.json()["data"]) == (200, None)


async def test_one_of_several_operations_is_chosen_by_name(anonymous: Api) -> None:
    query = "query A { a: viewer { id } } query B { b: viewer { id } }"
    answer = await post(anonymous, {"query": query, "operationName": "B"})
    assert answer.json() == {"data": {"b": None}, **costing(1)}


MALFORMED: list[tuple[str | bytes, str]] = [
    ("{", "Unable to parse request body as JSON"),
    (b"\xff\xfe", "Unable to parse request body as JSON"),
    ("", "Unable to parse request body as JSON"),
    ('{"query": "\\ud800"}', "Unable to parse request body as JSON"),
    ('{"query": "{ a }", "variables": %s}' % ("[" * 2000), "Unable to parse request body as JSON"),
    ("3", "A JSON object is needed here."),
    ("null", "A JSON object is needed here."),
    ('"{ viewer { id } }"', "A JSON object is needed here."),
    ("[]", "Batching is not enabled"),
    ('[{"query": "{ viewer { id } }"}]', "Batching is not enabled"),
    ("{}", "The request has no `query`."),
    ('{"query": null}', "The request has no `query`."),
    ('{"query": ""}', "The request has no `query`."),
    ('{"query": 3}', "The GraphQL operation's `query` must be a string or null, if provided."),
    (
        '{"query": "{ viewer { id } }", "variables": []}',
        "The GraphQL operation's `variables` must be an object or null, if provided.",
    ),
    (
        '{"query": "{ viewer { id } }", "extensions": "x"}',
        "The GraphQL operation's `extensions` must be an object or null, if provided.",
    ),
    (
        '{"query": "query A { viewer { id } }", "operationName": 3}',
        "`operationName` must be a string or null.",
    ),
    (
        '{"query": "query A { viewer { id } }", "operationName": "B"}',
        "`operationName` must name an operation.",
    ),
    ('{"query": "fragment A on Query { node }"}', "`operationName` must name an operation."),
    (
        '{"query": "subscription { playSetReady { id } }"}',
        "Subscriptions need a WebSocket, or `Accept: text/event-stream`.",
    ),
]


@pytest.mark.parametrize(("body", "message"), MALFORMED)
async def test_a_malformed_request_is_400_and_says_why(
    anonymous: Api, body: str | bytes, message: str
) -> None:
    error = {"message": message, "extensions": {"code": "BAD_REQUEST"}}
    for accept in (JSON, GRAPHQL):
        headers = {"accept": accept, "content-type": JSON}
        answer = await anonymous.http.post("/graphql", content=body, headers=headers)
        assert (answer.status_code, answer.json()) == (400, {"errors": [error]})
        assert answer.headers["content-type"] == JSON + UTF8


async def test_absent_and_null_parts_of_a_request_are_the_same(anonymous: Api) -> None:
    body = {"query": "{ viewer { id } }"}
    nulls = {**body, "variables": None, "operationName": None, "extensions": None}
    assert (await post(anonymous, nulls)).json() == (await post(anonymous, body)).json() == NOBODY


@pytest.mark.parametrize("kind", [None, "text/plain", "application/graphql", "Application/JSON"])
async def test_a_body_of_another_type_is_415(anonymous: Api, kind: str | None) -> None:
    headers = {} if kind is None else {"content-type": kind}
    body = json.dumps({"query": "{ viewer { id } }"})
    answer = await anonymous.http.post("/graphql", content=body.encode(), headers=headers)
    assert (answer.status_code, codes(answer)) == (415, ["BAD_REQUEST"])


async def test_json_may_have_parameters(anonymous: Api) -> None:
    headers = {"content-type": "application/json; charset=UTF-8"}
    body = json.dumps({"query": "{ viewer { id } }"})
    answer = await anonymous.http.post("/graphql", content=body, headers=headers)
    assert answer.json() == NOBODY


async def test_a_query_may_be_sent_by_get(anonymous: Api) -> None:
    query = "query A { a: viewer { id } } query B($id: ID!) { node(id: $id) { id } }"
    parts = {"query": query, "operationName": "B", "variables": '{"id": "x"}', "extensions": "{}"}
    answer = await anonymous.http.get("/graphql", params=parts, headers={"accept": GRAPHQL})
    assert (answer.status_code, answer.json()) == (
        200,
        {"data": {"node": None}, **costing(1)},
    )
    answer = await anonymous.http.get("/graphql", params={**parts, "variables": "{"})
    assert (answer.status_code, codes(answer)) == (400, ["BAD_REQUEST"])


async def test_a_mutation_by_get_is_405_and_does_nothing(api: Api) -> None:
    query = """mutation {
      createUploadSession(input: {title: "x", fileSize: 1, sha256: "%s"}) { userErrors { code } }
    }""" % ("0" * 64)
    answer = await api.http.get("/graphql", params={"query": query})
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")
    assert codes(answer) == ["BAD_REQUEST"]
    assert await api.run("{ uploadSessions { totalCount } }") == {
        "uploadSessions": {"totalCount": 0}
    }


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "HEAD", "OPTIONS"])
async def test_other_methods_are_405(anonymous: Api, method: str) -> None:
    answer = await anonymous.http.request(method, "/graphql")
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")


async def test_the_longest_request_is_answered(anonymous: Api) -> None:
    body = json.dumps({"query": "{ viewer { id } }", "variables": {"x": ""}})
    body = body.replace('""', f'"{"x" * (MAX_BODY - len(body))}"')
    assert len(body) == MAX_BODY
    answer = await anonymous.http.post("/graphql", content=body, headers={"content-type": JSON})
    assert answer.json() == NOBODY


async def too_long() -> AsyncIterator[bytes]:
    for _ in range(17):
        yield b"x" * (MAX_BODY // 16)


@pytest.mark.parametrize("content", [b"x" * (MAX_BODY + 1), too_long()])
async def test_a_longer_request_is_413(anonymous: Api, content: Any) -> None:
    answer = await anonymous.http.post("/graphql", content=content, headers={"content-type": JSON})
    assert (answer.status_code, codes(answer)) == (413, ["BAD_REQUEST"])


async def test_a_request_without_end_is_refused_before_it_ends(anonymous: Api) -> None:
    host, port = anonymous.base_url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    head = f"POST /graphql HTTP/1.1\r\nHost: {host}\r\nContent-Type: {JSON}\r\n"
    writer.write(f"{head}Content-Length: {1 << 40}\r\n\r\n".encode() + b"x" * (MAX_BODY + 1))
    await writer.drain()
    assert await reader.readline() == b"HTTP/1.1 413 Request Entity Too Large\r\n"
    writer.close()


async def test_a_browser_gets_the_explorer(anonymous: Api) -> None:
    page = await anonymous.http.get("/", headers={"accept": "text/html"}, follow_redirects=True)
    assert str(page.url) == f"{anonymous.base_url}/graphql"
    assert (page.status_code, page.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert "<title>" in page.text
    assert "GraphiQL" in page.text


async def test_a_page_of_another_site_may_ask_anything(anonymous: Api) -> None:
    headers = {
        "origin": "https://elsewhere.example",
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization, content-type",
    }
    allowed = await anonymous.http.options("/graphql", headers=headers)
    assert allowed.status_code == 200
    assert allowed.headers["access-control-allow-origin"] == "*"
    assert allowed.headers["access-control-allow-headers"] == "authorization, content-type"
    assert allowed.headers["access-control-max-age"] == "86400"
    answer = await anonymous.http.post("/graphql", json={"query": "{"}, headers=headers)
    assert answer.headers["access-control-allow-origin"] == "*"
    assert "ETag" in answer.headers["access-control-expose-headers"]
    assert "access-control-allow-credentials" not in answer.headers


async def test_health_is_ok_while_the_database_answers(anonymous: Api) -> None:
    answer = await anonymous.http.get("/health")
    assert (answer.status_code, answer.json()) == (200, {"status": "ok"})


async def test_an_unknown_path_is_404(anonymous: Api) -> None:
    assert (await anonymous.http.get("/graph")).status_code == 404
