"""Errors of whole operations: bugs are masked, limits are named, ids say nothing."""

import base64
import logging
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from resolvers.context import Services
from schema import ids
from tests.support import factories, uploading
from tests.support.api import Api, OperationFailed


@pytest.fixture
async def bug(
    services: Services, owner: factories.Owner, wiper: psycopg.Connection
) -> factories.Video:
    """A row that no code of ours writes: its status is no member of the enum."""
    video = await factories.video(services.db, owner.account)
    wiper.execute("update video set status = 'lost'")
    return video


async def errors(api: Api, query: str, **variables: Any) -> list[dict[str, Any]]:
    with pytest.raises(OperationFailed) as failure:
        await api.run(query, **variables)
    return failure.value.errors


async def test_a_bug_is_masked_and_logged_under_the_same_id(
    api: Api, bug: factories.Video, caplog: pytest.LogCaptureFixture
) -> None:
    (error,) = await errors(
        api, "{ viewer { name } list: videos { totalCount nodes { id status } } }"
    )
    id = error["extensions"]["errorId"]
    assert error == {
        "message": "Internal error.",
        "locations": [{"line": 1, "column": 56}],
        "path": ["list", "nodes", 0, "status"],
        "extensions": {"code": "INTERNAL", "errorId": id},
    }
    (record,) = caplog.records
    assert record.getMessage() == f"internal error {id} at list.nodes.0.status"
    assert (record.levelno, record.name) == (logging.ERROR, "schema.failures")
    assert record.exc_info is not None
    assert "cannot represent value: 'lost'" in str(record.exc_info[1])
    del bug


async def test_each_bug_has_an_id_of_its_own(api: Api, bug: factories.Video) -> None:
    query = """
      query ($v: String!) { a: video(by: {vid: $v}) { status } b: video(by: {vid: $v}) { status } }
    """
    found = await errors(api, query, v=bug.vid)
    assert [error["message"] for error in found] == ["Internal error.", "Internal error."]
    assert len({error["extensions"]["errorId"] for error in found}) == 2


async def test_a_bug_in_a_subscription_is_masked_and_ends_it(
    api: Api, bug: factories.Video, caplog: pytest.LogCaptureFixture
) -> None:
    query = "subscription ($id: ID!) { video(id: $id) { title } }"
    with pytest.raises(OperationFailed) as failure:
        await api.collect(query, id=ids.encode("Video", bug.id))
    (error,) = failure.value.errors
    assert (error["message"], error["extensions"]["code"]) == ("Internal error.", "INTERNAL")
    (record,) = caplog.records
    assert error["extensions"]["errorId"] in record.getMessage()


ACCESS = {"httpx", "uvicorn.access"}


async def test_a_mistake_of_the_client_is_not_logged(
    api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    for query in ("{", "{ nothing }", "{ videos(first: -1) { totalCount } }"):
        await errors(api, query)
    assert [record for record in caplog.records if record.name not in ACCESS] == []


async def test_the_first_error_of_a_parse_says_where(api: Api) -> None:
    (error,) = await errors(api, "{\n  viewer {")
    assert error == {
        "message": "Syntax Error: Expected Name, found <EOF>.",
        "locations": [{"line": 2, "column": 11}],
        "extensions": {"code": "GRAPHQL_PARSE_FAILED"},
    }


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


NOBODY = "00000000-0000-0000-0000-000000000000"
BAD_CURSORS = [
    "x",
    "é",
    "!!!!",
    encoded("x"),
    encoded("null"),
    encoded("[" * 100_000),
    encoded("[1,2]"),
    encoded('["2026-01-01T00:00:00Z"]'),
    encoded(f'["never","{NOBODY}"]'),
    encoded('["2026-01-01T00:00:00Z","x"]'),
    encoded(f'["2026-01-01T00:00:00Z","{NOBODY}",1]'),
]


@pytest.mark.parametrize("field", ["videos", "tasks", "uploadSessions"])
async def test_what_is_no_cursor_is_refused(api: Api, field: str) -> None:
    for cursor in BAD_CURSORS:
        for argument in ("after", "before"):
            size = "first" if argument == "after" else "last"
            query = f"query ($c: String) {{ {field}({size}: 1, {argument}: $c) {{ totalCount }} }}"
            (error,) = await errors(api, query, c=cursor)
            assert error["extensions"] == {"code": "BAD_CURSOR"}
            assert error["path"] == [field]


async def test_limits_are_named_in_the_error(api: Api) -> None:
    (error,) = await errors(api, "{ videos(first: 101) { totalCount } }")
    assert error["message"] == "`first` is 101; the limit is 100."
    assert error["extensions"] == {"code": "LIMIT_EXCEEDED", "limit": 100, "actual": 101}
    query = "query ($ids: [ID!]!) { nodes(ids: $ids) { id } }"
    assert (await api.run(query, ids=["x"] * 100)) == {"nodes": [None] * 100}
    (error,) = await errors(api, query, ids=["x"] * 101)
    assert error["extensions"] == {"code": "LIMIT_EXCEEDED", "limit": 100, "actual": 101}


async def test_a_mutation_names_a_limit_as_data(api: Api) -> None:
    mutation = """mutation ($input: CreateUploadSessionInput!) {
      createUploadSession(input: $input) {
        userErrors { code path ... on LimitExceededError { limit actual } }
      }
    }"""
    values = {"title": "x" * 256, "sha256": "0" * 64, "fileSize": 1}
    assert await api.run(mutation, input=values) == {
        "createUploadSession": {
            "userErrors": [
                {"code": "LIMIT_EXCEEDED", "path": ["title"], "limit": 255, "actual": 256}
            ]
        }
    }


async def test_a_document_has_at_most_5000_tokens(api: Api) -> None:
    query = "{ nodes(ids: [%s]) { id } }"  # 12 tokens around the ids
    (error,) = await errors(api, query % ('"x" ' * 4_988))
    assert error["extensions"] == {"code": "LIMIT_EXCEEDED", "limit": 100, "actual": 4_988}
    (error,) = await errors(api, query % ('"x" ' * 4_989))
    assert error["extensions"] == {"code": "GRAPHQL_PARSE_FAILED"}
    assert "more than 5000 tokens" in error["message"]


def nested(depth: int) -> str:
    """Fields in fields; the innermost one has no fields of its own."""
    pair = "tasks(first: 1) { nodes { video { "
    opened = f"videos(first: 1) {{ nodes {{ {pair * 10}"[: -len(" ")]
    braces = [at for at, letter in enumerate(opened) if letter == "{"][:depth]
    text = opened[: braces[-1] + 1]
    return f"{{ {text} __typename {'}' * depth} }}"


async def test_an_operation_is_at_most_12_fields_deep(api: Api) -> None:
    assert (await api.run(nested(12)))["videos"] == {"nodes": []}
    (error,) = await errors(api, nested(13))
    assert error["message"] == "The operation is 13 fields deep; the limit is 12."
    assert error["extensions"] == {"code": "GRAPHQL_VALIDATION_FAILED"}


async def test_fragments_do_not_hide_how_deep_an_operation_is(api: Api) -> None:
    query = """
      { ...A }
      fragment A on Query { ... on Query { videos { nodes { ...B tasks { nodes { id } } } } } }
      fragment B on Video { tasks { nodes { video { tasks { nodes { video { ...C } } } } } } }
      fragment C on Video { tasks { nodes { video { tasks { nodes { id } } } } } }
    """
    (error,) = await errors(api, query)
    assert error["message"] == "The operation is 13 fields deep; the limit is 12."


async def test_fragments_that_double_are_refused_at_once(api: Api) -> None:
    """Each spreads the next one twice: following every spread would never end."""
    chain = [f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }}" for n in range(60)]
    query = " ".join(["{ ...F0 }", *chain, "fragment F60 on Query { limits { maxChunks } }"])
    (error,) = await errors(api, query)
    assert error["extensions"] == {
        "code": "QUERY_TOO_COMPLEX",
        "limit": 5_000,
        "actual": 2**31 - 1,
    }


async def test_fragments_in_a_circle_are_refused(api: Api) -> None:
    query = "{ ...A } fragment A on Query { ...B } fragment B on Query { ...A }"
    (error,) = await errors(api, query)
    assert error["message"] == "Cannot spread fragment 'A' within itself via 'B'."


def foreign() -> list[str]:
    """Ids of nothing: malformed ones, and well-formed ones of what there is not."""
    key = str(uuid4())
    malformed = ["", "x", "é", "VmlkZW8=", base64.b64encode(b"Video:1").decode()]
    kinds = ["Video", "PlaySet", "UploadSession", "VerifyTask", "Account", "Event", "Nothing", ""]
    return [*malformed, *(ids.encode(kind, key) for kind in kinds)]


async def test_an_id_of_nothing_is_null_everywhere(api: Api) -> None:
    query = """query ($id: ID!) {
      node(id: $id) { id } video(by: {id: $id}) { id }
      task(id: $id) { id } uploadSession(id: $id) { id }
    }"""
    for id in foreign():
        nothing = {"node": None, "video": None, "task": None, "uploadSession": None}
        assert await api.run(query, id=id) == nothing


async def test_an_id_of_another_type_is_null(api: Api, services: Services, bug: object) -> None:
    del services, bug
    upload = (await uploading.begin(api, b"x"))["id"]
    query = "query ($id: ID!) { video(by: {id: $id}) { id } task(id: $id) { id } }"
    assert await api.run(query, id=upload) == {"video": None, "task": None}


async def test_a_mutation_returns_an_id_of_nothing_as_it_was_sent(api: Api) -> None:
    mutation = """mutation ($id: ID!) {
      cancelTask(id: $id) { userErrors { ...missing } }
      cancelUploadSession(id: $id) { userErrors { ...missing } }
      completeUploadSession(input: {id: $id, finalSha256: "%s"}) { userErrors { ...missing } }
    }
    fragment missing on UserError { __typename code path ... on NotFoundError { ids } }
    """ % ("0" * 64)
    for id in foreign():
        error = {
            "__typename": "NotFoundError",
            "code": "NOT_FOUND",
            "path": ["id"],
            "ids": [id],
        }
        for payload in (await api.run(mutation, id=id)).values():
            assert payload == {"userErrors": [error]}


async def test_a_number_of_bytes_is_whole_and_finite(api: Api) -> None:
    mutation = """mutation {
      createUploadSession(input: {title: "x", sha256: "%s", fileSize: %s}) { userErrors { code } }
    }"""
    for number in ("1.5", "1e999", "-1", "9007199254740992", '"1"', "true"):
        (error,) = await errors(api, mutation % ("0" * 64, number))
        assert error["extensions"] == {"code": "GRAPHQL_VALIDATION_FAILED"}
        assert "Bytes cannot represent" in error["message"]
