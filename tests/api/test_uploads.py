"""Upload sessions through GraphQL and PUT."""

import asyncio
import os
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import httpx
import pytest

from db.locks import Locks
from domain.uploads import UploadStatus
from resolvers.context import Services
from schema import ids
from tests.support import uploading
from tests.support.api import Api, OperationFailed

CHUNK = 65_536
DATA = os.urandom(2 * CHUNK + 1_000)
CHUNKS = {1: DATA[:CHUNK], 2: DATA[CHUNK : 2 * CHUNK], 3: DATA[2 * CHUNK :]}


async def begin(api: Api) -> str:
    return (await uploading.begin(api, DATA, chunkSize=CHUNK))["id"]


async def test_a_new_session_waits_for_the_planned_chunks(api: Api) -> None:
    session = await uploading.begin(api, DATA, chunkSize=CHUNK)
    del session["id"]
    assert session == {
        "status": "WAITING",
        "chunkSize": CHUNK,
        "totalChunks": 3,
        "missingChunks": [1, 2, 3],
        "receivedBytes": 0,
        "progressPercent": 0.0,
    }


async def test_a_target_says_how_its_chunk_is_sent(api: Api) -> None:
    fields = "chunkIndex method headers { name value } checksumHeader expiresAt"
    session = await api.run(
        f"query ($id: ID!) {{ uploadSession(id: $id) {{ expiresAt"
        f" targets(indexes: [2]) {{ {fields} }} }} }}",
        id=await begin(api),
    )
    (target,) = session["uploadSession"]["targets"]
    assert target == {
        "chunkIndex": 2,
        "method": "PUT",
        "headers": [{"name": "Content-Type", "value": "application/octet-stream"}],
        "checksumHeader": "x-amz-checksum-sha256",
        "expiresAt": session["uploadSession"]["expiresAt"],
    }


async def test_chunks_may_come_in_any_order_and_at_once(api: Api) -> None:
    id = await begin(api)
    answers = await asyncio.gather(*(uploading.put(api, id, n, CHUNKS[n]) for n in (3, 1, 2)))
    assert [answer.status_code for answer in answers] == [200, 200, 200]
    session = await uploading.session(api, id)
    assert session["missingChunks"] == []
    assert (session["completedChunks"], session["receivedBytes"]) == (3, len(DATA))
    assert (session["status"], session["progressPercent"]) == ("UPLOADING", 100.0)


async def test_a_stored_chunk_is_answered_with_its_digest(api: Api) -> None:
    id = await begin(api)
    headers = uploading.checksum(CHUNKS[1])
    answer = await uploading.put(api, id, 1, CHUNKS[1], **headers)
    assert answer.status_code == 200
    assert answer.headers["etag"] == f'"{uploading.sha256(CHUNKS[1])}"'
    assert answer.headers["x-amz-checksum-sha256"] == headers["x-amz-checksum-sha256"]


async def test_the_same_chunk_again_changes_nothing(api: Api) -> None:
    id = await begin(api)
    headers = uploading.checksum(CHUNKS[1])
    first = await uploading.put(api, id, 1, CHUNKS[1], **headers)
    again = await uploading.put(api, id, 1, CHUNKS[1], **headers)
    assert (again.status_code, again.headers["etag"]) == (200, first.headers["etag"])
    session = await uploading.session(api, id)
    assert (session["completedChunks"], session["receivedBytes"]) == (1, CHUNK)


async def test_other_bytes_replace_a_chunk(api: Api) -> None:
    id = await begin(api)
    await uploading.put(api, id, 1, os.urandom(CHUNK))
    assert (await uploading.put(api, id, 1, CHUNKS[1])).status_code == 200
    session = await uploading.session(api, id)
    assert (session["completedChunks"], session["receivedBytes"]) == (1, CHUNK)


REFUSALS: list[tuple[int, bytes, dict[str, str], int, str]] = [
    (1, CHUNKS[1], uploading.checksum(b"other"), 400, "CHECKSUM_MISMATCH"),
    (1, CHUNKS[1], {"x-amz-checksum-sha256": "!"}, 400, "INVALID_ARGUMENT"),
    (1, CHUNKS[1][:-1], {}, 400, "INCOMPLETE_BODY"),
    (1, CHUNKS[1] + b"x", {}, 413, "INCOMPLETE_BODY"),
    (3, CHUNKS[1], {}, 413, "INCOMPLETE_BODY"),
    (1, b"", {}, 400, "INCOMPLETE_BODY"),
]


@pytest.mark.parametrize(("index", "body", "headers", "status", "code"), REFUSALS)
async def test_a_wrong_chunk_is_refused_and_not_recorded(
    api: Api, index: int, body: bytes, headers: dict[str, str], status: int, code: str
) -> None:
    id = await begin(api)
    answer = await uploading.put(api, id, index, body, **headers)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    session = await uploading.session(api, id)
    assert (session["completedChunks"], session["receivedBytes"]) == (0, 0)


async def test_a_refused_chunk_can_be_sent_again(api: Api) -> None:
    id = await begin(api)
    await uploading.put(api, id, 1, CHUNKS[1], **uploading.checksum(b"other"))
    answer = await uploading.put(api, id, 1, CHUNKS[1], **uploading.checksum(CHUNKS[1]))
    assert answer.status_code == 200


async def test_a_replacement_that_fails_leaves_the_chunk_missing(api: Api) -> None:
    """Its old bytes are overwritten by then, so it must not count as stored."""
    id = await begin(api)
    await uploading.put(api, id, 1, CHUNKS[1])
    wrong = os.urandom(CHUNK)
    answer = await uploading.put(api, id, 1, wrong, **uploading.checksum(b"other"))
    assert answer.json()["code"] == "CHECKSUM_MISMATCH"
    assert (await uploading.session(api, id))["missingChunks"] == [1, 2, 3]


async def test_a_chunk_without_a_length_is_refused(api: Api) -> None:
    id = await begin(api)
    (url,) = await uploading.urls(api, id, 1)

    async def body() -> AsyncGenerator[bytes]:
        yield CHUNKS[1]

    answer = await api.http.put(url, content=body())
    assert (answer.status_code, answer.json()["code"]) == (411, "INVALID_ARGUMENT")


async def test_there_is_no_chunk_beyond_the_plan(api: Api) -> None:
    id = await begin(api)
    (url,) = await uploading.urls(api, id, 1)
    for number in ("0", "4", "99999999999999999999"):
        answer = await api.http.put(url.removesuffix("1") + number, content=b"x")
        assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_ARGUMENT")


async def test_an_altered_link_is_refused(api: Api) -> None:
    id = await begin(api)
    (url,) = await uploading.urls(api, id, 1)
    token = url.split("/")[-2]
    for altered in ("B" + token[1:], token[:-1], token + "A", "x", token.swapcase()):
        answer = await api.http.put(url.replace(token, altered), content=CHUNKS[1])
        assert (answer.status_code, answer.json()["code"]) == (403, "LINK_INVALID")


@pytest.fixture
async def elsewhere(database_url: str) -> AsyncIterator[Locks]:
    """The locks as another process has them."""
    locks = Locks(database_url)
    yield locks
    await locks.close()


async def test_a_part_that_is_being_written_is_busy(
    api: Api, services: Services, elsewhere: Locks
) -> None:
    id = await begin(api)
    part = f"upload {ids.decode(id, 'UploadSession')} part 1"
    for locks in (services.locks, elsewhere):
        async with locks.hold(part) as held:
            assert held
            answer = await uploading.put(api, id, 1, CHUNKS[1])
            assert (await uploading.put(api, id, 2, CHUNKS[2])).status_code == 200
        assert (answer.status_code, answer.json()["code"]) == (409, "PART_BUSY")
        assert answer.headers["retry-after"] == "1"
    assert (await uploading.session(api, id))["missingChunks"] == [1, 3]
    assert (await uploading.put(api, id, 1, CHUNKS[1])).status_code == 200


async def test_a_client_that_goes_away_leaves_the_chunk_missing(api: Api) -> None:
    id = await begin(api)
    (url,) = await uploading.urls(api, id, 1)
    host, port = api.base_url.removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    path = url.removeprefix(api.base_url)
    head = f"PUT {path} HTTP/1.1\r\nHost: {host}\r\nContent-Length: {CHUNK}\r\n\r\n"
    writer.write(head.encode() + CHUNKS[1][:1000])
    await writer.drain()
    writer.close()
    del reader
    assert (await uploading.put(api, id, 2, CHUNKS[2])).status_code == 200
    assert (await uploading.session(api, id))["missingChunks"] == [1, 3]


async def test_completion_names_the_missing_chunks(api: Api) -> None:
    id = await begin(api)
    await uploading.put(api, id, 2, CHUNKS[2])
    payload = await uploading.complete(api, id, uploading.sha256(DATA))
    assert payload["uploadSession"] is None
    assert payload["userErrors"] == [
        {
            "__typename": "ChunksMissingError",
            "code": "CHUNK_MISSING",
            "message": "2 chunks have not arrived yet.",
            "path": [],
            "missingChunks": [1, 3],
        }
    ]
    assert (await uploading.session(api, id))["status"] == "UPLOADING"


async def test_completion_with_another_hash_is_refused(api: Api) -> None:
    id = await begin(api)
    for number, chunk in CHUNKS.items():
        await uploading.put(api, id, number, chunk)
    other = uploading.sha256(b"other")
    (error,) = (await uploading.complete(api, id, other))["userErrors"]
    assert (error["__typename"], error["path"]) == ("ChecksumMismatchError", ["finalSha256"])
    assert (error["expected"], error["actual"]) == (uploading.sha256(DATA), other)
    assert (await uploading.session(api, id))["status"] == "UPLOADING"


async def test_completion_hands_the_file_over_once(api: Api) -> None:
    id = await uploading.send(api, DATA)
    digest = uploading.sha256(DATA)
    answers = await asyncio.gather(*(uploading.complete(api, id, digest) for _ in range(10)))
    tasks = {answer["uploadSession"]["task"]["id"] for answer in answers}
    assert len(tasks) == 1
    assert {answer["uploadSession"]["status"] for answer in answers} == {"VERIFYING"}


async def test_a_closed_session_takes_nothing(api: Api) -> None:
    id = await begin(api)
    (url,) = await uploading.urls(api, id, 1)
    cancelled = await api.run(CANCEL, id=id)
    assert cancelled == {
        "cancelUploadSession": {"uploadSession": {"status": "CANCELLED"}, "userErrors": []}
    }
    answer = await api.http.put(url, content=CHUNKS[1])
    assert (answer.status_code, answer.json()["code"]) == (409, "SESSION_CLOSED")
    (error,) = (await uploading.complete(api, id, uploading.sha256(DATA)))["userErrors"]
    assert error["__typename"] == "InvalidStateError"
    assert error["code"] == "SESSION_CLOSED"
    assert error["currentState"] == UploadStatus.CANCELLED.name
    assert error["allowedStates"] == ["WAITING", "UPLOADING"]
    with pytest.raises(OperationFailed) as failure:
        await uploading.urls(api, id, 1)
    assert failure.value.codes == ["SESSION_CLOSED"]


CANCEL = """
mutation ($id: ID!) {
  cancelUploadSession(id: $id) { uploadSession { status } userErrors { code } }
}
"""


async def test_cancelling_removes_the_bytes(api: Api, services: Services) -> None:
    id = await begin(api)
    await uploading.put(api, id, 1, CHUNKS[1])
    token = await uploading.token(services, id)
    assert await uploading.is_held(services, token)
    await api.run(CANCEL, id=id)
    assert not await uploading.is_held(services, token)


BAD_PLANS: list[tuple[dict[str, Any], str, list[str]]] = [
    ({"fileSize": 0}, "INVALID_ARGUMENT", ["fileSize"]),
    ({"fileSize": 2**40}, "LIMIT_EXCEEDED", ["fileSize"]),
    ({"chunkSize": 1_000}, "INVALID_ARGUMENT", ["chunkSize"]),
    ({"totalChunks": 2, "chunkSize": CHUNK}, "INVALID_ARGUMENT", ["totalChunks"]),
    ({"totalChunks": 10_001, "fileSize": 2**31}, "LIMIT_EXCEEDED", ["totalChunks"]),
    ({"title": "  "}, "INVALID_ARGUMENT", ["title"]),
    ({"title": "x" * 256}, "LIMIT_EXCEEDED", ["title"]),
    ({"description": "x" * 5_001}, "LIMIT_EXCEEDED", ["description"]),
    ({"title": "a\0b"}, "INVALID_ARGUMENT", ["title"]),
]


@pytest.mark.parametrize(("input", "code", "path"), BAD_PLANS)
async def test_a_bad_plan_is_refused_where_it_is_wrong(
    api: Api, input: dict[str, Any], code: str, path: list[str]
) -> None:
    values = {"title": "x", "sha256": "0" * 64, "fileSize": len(DATA), **input}
    payload = (await api.run(uploading.CREATE, input=values))["createUploadSession"]
    assert payload["uploadSession"] is None
    (error,) = payload["userErrors"]
    assert (error["code"], error["path"]) == (code, path)
    assert (await api.run("{ uploadSessions { totalCount } }")) == {
        "uploadSessions": {"totalCount": 0}
    }


async def test_a_stranger_does_not_see_a_session(api: Api, stranger: Api) -> None:
    id = await begin(api)
    assert (await stranger.run(uploading.SESSION, id=id)) == {"uploadSession": None}
    (error,) = (await uploading.complete(stranger, id, uploading.sha256(DATA)))["userErrors"]
    assert (error["__typename"], error["ids"]) == ("NotFoundError", [id])
    cancelled = await stranger.run(CANCEL, id=id)
    assert cancelled["cancelUploadSession"]["userErrors"] == [{"code": "NOT_FOUND"}]
    assert (await uploading.session(api, id))["status"] == "WAITING"


async def test_the_link_alone_lets_a_chunk_in(api: Api) -> None:
    id = await begin(api)
    (url,) = await uploading.urls(api, id, 1)
    async with httpx.AsyncClient(trust_env=False) as nobody:
        assert (await nobody.put(url, content=CHUNKS[1])).status_code == 200
