"""Files in the body of a GraphQL request: small videos, single chunks, objects."""

import os
from pathlib import Path
from typing import Any

import pytest

from domain.uploads import UploadLimits
from server.settings import Settings
from tests.support import forms, uploading
from tests.support.api import Api
from tests.support.storing import OBJECT, small, stored
from tests.support.work import Work

CHUNK = """
mutation ($input: UploadChunkInput!) {
  uploadChunk(input: $input) {
    uploadSession { completedChunks missingChunks progressPercent }
    userErrors {
      __typename code message path ... on ChecksumMismatchError { expected actual }
    }
  }
}
"""
VIDEO = """
query ($id: ID!) { node(id: $id) { ... on Video { status statusReason sha256 width } } }
"""
FILE = "variables.input.file"


async def chunk(api: Api, id: str, index: int, data: bytes, **input: Any) -> dict[str, Any]:
    values = {
        "sessionId": id,
        "index": index,
        "sha256": uploading.sha256(data),
        "size": len(data),
        **input,
    }
    return (await forms.run(api, CHUNK, values, data))["uploadChunk"]


def uploads_left(settings: Settings) -> list[Path]:
    return list((settings.data_dir / "storage" / "uploads").iterdir())


async def open_sessions(api: Api) -> list[dict[str, str]]:
    query = "{ uploadSessions(status: [WAITING, UPLOADING]) { nodes { id } } }"
    return (await api.run(query))["uploadSessions"]["nodes"]


async def test_a_small_video_takes_one_request(api: Api, work: Work, small_film: bytes) -> None:
    payload = await small(api, small_film)
    assert payload["userErrors"] == []
    assert payload["video"] == {
        "id": payload["video"]["id"],
        "status": "PROCESSING",
        "title": "Small",
    }
    await work()
    assert (await api.run(VIDEO, id=payload["video"]["id"]))["node"] == {
        "status": "PUBLISHED",
        "statusReason": None,
        "sha256": uploading.sha256(small_film),
        "width": 640,
    }


async def test_a_small_video_with_a_wrong_digest_leaves_nothing(
    api: Api, small_film: bytes, settings: Settings
) -> None:
    before = uploads_left(settings)
    payload = await small(api, small_film, sha256="0" * 64)
    assert payload["video"] is None
    assert [error["code"] for error in payload["userErrors"]] == ["CHECKSUM_MISMATCH"]
    assert await open_sessions(api) == []
    assert uploads_left(settings) == before
    assert await api.run("{ videos { totalCount } }") == {"videos": {"totalCount": 0}}


async def test_a_small_file_that_is_no_video_fails_later(api: Api, work: Work) -> None:
    payload = await small(api, b"not a video")
    await work()
    shown = (await api.run(VIDEO, id=payload["video"]["id"]))["node"]
    assert (shown["status"], shown["sha256"]) == ("UPLOAD_FAILED", None)
    assert shown["statusReason"]


async def test_an_empty_file_is_refused(api: Api) -> None:
    payload = await small(api, b"")
    assert payload["userErrors"] == [
        {
            "__typename": "GenericError",
            "code": "INVALID_ARGUMENT",
            "message": "fileSize is 0; it must be at least 1.",
            "path": ["fileSize"],
        }
    ]


async def test_a_chunk_may_come_within_graphql(api: Api, work: Work, small_film: bytes) -> None:
    size = 65_536
    begun = await uploading.begin(api, small_film, chunkSize=size)
    for index in range(begun["totalChunks"], 0, -1):
        payload = await chunk(
            api, begun["id"], index, small_film[(index - 1) * size : index * size]
        )
        assert payload["userErrors"] == []
        assert payload["uploadSession"]["missingChunks"] == list(range(1, index))
    await uploading.complete(api, begun["id"], uploading.sha256(small_film))
    await work()
    assert (await uploading.session(api, begun["id"]))["status"] == "COMPLETED"


async def test_a_chunk_within_graphql_obeys_the_same_rules(api: Api, stranger: Api) -> None:
    data = os.urandom(70_000)
    begun = await uploading.begin(api, data, chunkSize=65_536)
    first = data[:65_536]

    wrong = await chunk(api, begun["id"], 1, first, sha256="0" * 64)
    assert wrong["userErrors"][0] == {
        "__typename": "ChecksumMismatchError",
        "code": "CHECKSUM_MISMATCH",
        "message": f"The SHA-256 of part 1 is {uploading.sha256(first)}; {'0' * 64} was expected.",
        "path": [],
        "expected": "0" * 64,
        "actual": uploading.sha256(first),
    }
    short = await chunk(api, begun["id"], 1, first[:-1])
    lying = await chunk(api, begun["id"], 1, first, size=65_537)
    absent = await chunk(api, begun["id"], 3, first)
    others = await chunk(stranger, begun["id"], 1, first)
    codes = [one["userErrors"][0]["code"] for one in (short, lying, absent, others)]
    assert codes == ["INCOMPLETE_BODY", "INCOMPLETE_BODY", "INVALID_ARGUMENT", "NOT_FOUND"]
    assert (await uploading.session(api, begun["id"]))["completedChunks"] == 0


async def test_an_object_is_kept_once_however_often_it_comes(api: Api, stranger: Api) -> None:
    data = os.urandom(1_000)
    first = await stored(api, data)
    assert first["userErrors"] == []
    assert first["storedObject"] == {
        "id": first["storedObject"]["id"],
        "storageId": first["storedObject"]["storageId"],
        "fileName": "cover.jpg",
        "contentType": "video/mp4",
        "fileSize": 1_000,
        "sha256": uploading.sha256(data),
    }
    assert (await stored(api, data, "again.jpg"))["storedObject"] == first["storedObject"]
    others = (await stored(stranger, data))["storedObject"]
    assert others["id"] != first["storedObject"]["id"]
    used = "{ viewer { storageUsed } }"
    assert (await api.run(used))["viewer"] == {"storageUsed": 1_000}


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\videos\\a.mp4", "a.mp4"),
        ("\u202egnp.exe", "\u202egnp.exe"),
        ("猫 🐈.mp4", "猫 🐈.mp4"),
        ("..", ".."),
    ],
)
async def test_a_name_is_only_ever_shown(api: Api, name: str, kept: str) -> None:
    payload = await stored(api, os.urandom(10), "x", fileName=name)
    assert payload["storedObject"]["fileName"] == kept


@pytest.mark.parametrize(
    ("name", "code"),
    [("a" * 5_000, "LIMIT_EXCEEDED"), ("a\0b", "INVALID_ARGUMENT")],
)
async def test_a_name_that_cannot_be_kept_is_refused(api: Api, name: str, code: str) -> None:
    payload = await stored(api, os.urandom(10), "x", fileName=name)
    assert (payload["storedObject"], payload["userErrors"][0]["code"]) == (None, code)


async def test_an_object_with_a_wrong_digest_leaves_nothing(api: Api, settings: Settings) -> None:
    before = uploads_left(settings)
    payload = await stored(api, b"bytes", sha256="0" * 64)
    assert [error["code"] for error in payload["userErrors"]] == ["CHECKSUM_MISMATCH"]
    assert uploads_left(settings) == before
    assert (await api.run("{ viewer { storageUsed } }"))["viewer"] == {"storageUsed": 0}


async def test_a_form_needs_a_header_that_no_page_can_send_unasked(anonymous: Api) -> None:
    answer = await forms.post(
        anonymous, OBJECT, {"input": {"file": None}}, {FILE: ("a", b"a", "b/c")}, headers={}
    )
    assert answer.status_code == 400
    assert "GraphQL-Require-Preflight" in answer.json()["errors"][0]["message"]


async def test_a_file_is_no_value_of_json(api: Api) -> None:
    body = {"query": OBJECT, "variables": {"input": {"file": "text"}}}
    answer = await api.http.post("/graphql", json=body)
    assert "Upload needs a file" in answer.json()["errors"][0]["message"]


MAPS = [
    "[]",
    "{",
    '{"0": "variables.input.file"}',
    '{"0": ["variables.input.file", "variables.input.file"]}',
    '{"0": ["variables.input.nothing"]}',
    '{"0": ["variables.input.file.deeper"]}',
    '{"0": ["query"]}',
    '{"0": ["variables.list.9"]}',
    '{"9": ["variables.input.file"]}',
    '{"operations": ["variables.input.file"]}',
]


@pytest.mark.parametrize("places", MAPS)
async def test_a_bad_map_is_a_bad_request(api: Api, places: str) -> None:
    operations = '{"query": "{ __typename }", "variables": {"input": {"file": null}, "list": []}}'
    parts = [
        ("operations", (None, operations)),
        ("map", (None, places)),
        ("0", ("a.mp4", b"bytes", "video/mp4")),
    ]
    answer = await api.http.post("/graphql", files=parts)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["extensions"] == {"code": "BAD_REQUEST"}


@pytest.mark.parametrize("absent", ["operations", "map"])
async def test_a_form_without_its_fields_is_a_bad_request(api: Api, absent: str) -> None:
    parts = {"operations": '{"query": "{ __typename }"}', "map": "{}"}
    del parts[absent]
    files = {name: (None, value) for name, value in parts.items()}
    answer = await api.http.post("/graphql", files=files)
    assert answer.status_code == 400
    assert answer.json()["errors"][0]["message"] == f"The form has no field `{absent}`."


async def test_a_form_above_the_limit_is_cut_off(api: Api) -> None:
    data = bytes(UploadLimits.small_file_size + (2 << 20))
    answer = await forms.post(api, OBJECT, {"input": {"file": None}}, {FILE: ("a", data, "a/b")})
    assert answer.status_code == 413


async def test_a_form_may_ask_for_a_stream_of_events(api: Api) -> None:
    answer = await forms.post(
        api,
        OBJECT,
        {"input": {"file": None}},
        {FILE: ("a.bin", b"bytes", "a/b")},
        headers={**forms.PREFLIGHT, "accept": "text/event-stream"},
    )
    assert uploading.sha256(b"bytes") in answer.text


async def test_a_form_has_few_fields(api: Api) -> None:
    fields: list[tuple[str, tuple[None, str]]] = [
        ("operations", (None, "x")),
        ("map", (None, "x")),
        ("more", (None, "x")),
    ]
    answer = await api.http.post("/graphql", files=fields)
    assert answer.status_code == 400
    assert "Too many fields" in answer.json()["errors"][0]["message"]


@pytest.mark.parametrize("number", ["x", "-1", "9" * 4_400, "0x1", "\u0661"])
async def test_what_is_no_number_is_no_chunk(api: Api, number: str) -> None:
    begun = await uploading.begin(api, b"data")
    (url,) = await uploading.urls(api, begun["id"], 1)
    answer = await api.http.put(url.rpartition("/")[0] + f"/{number}", content=b"data")
    assert (answer.status_code, answer.json()["code"]) == (400, "INVALID_ARGUMENT")
