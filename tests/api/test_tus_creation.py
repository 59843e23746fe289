"""Uploads that begin by tus, and those that are refused."""

from dataclasses import replace
from email.utils import parsedate_to_datetime

import pytest

from domain.uploads import UploadLimits
from resolvers.context import Services
from server.app import create_app
from tests.support import factories, tus
from tests.support.api import Api
from tests.support.serving import serving
from tests.support.work import Work

SESSION = """
query ($id: ID!) {
  uploadSession(id: $id) { id status title description fileName fileSize deviceType }
}
"""


async def test_an_upload_is_a_session(api: Api, services: Services) -> None:
    said = tus.metadata(
        title="A title",
        description="About it",
        filename="C:\\films\\a.mp4",
        filetype="video/mp4",
        deviceType="TV",
        sha256=tus.SHA256.upper(),
        relativePath="null",
    )
    answer = await tus.create(api, len(tus.DATA), said)
    assert (answer.status_code, answer.content) == (201, b"")
    url = answer.headers["Location"]
    assert url.startswith(f"{api.base_url}/tus/")
    row = await tus.row(services, url)
    expires = parsedate_to_datetime(answer.headers["Upload-Expires"])
    assert expires == row.expires_at.replace(microsecond=0)
    assert answer.headers["Upload-Offset"] == "0"
    assert answer.headers["Tus-Resumable"] == "1.0.0"
    assert (row.sha256, row.content_type) == (tus.SHA256, "video/mp4")
    assert (row.purpose.name, row.sequential) == ("VIDEO", True)
    id = answer.headers["Upload-Session"]
    assert (await api.run(SESSION, id=id))["uploadSession"] == {
        "id": id,
        "status": "WAITING",
        "title": "A title",
        "description": "About it",
        "fileName": "a.mp4",
        "fileSize": len(tus.DATA),
        "deviceType": "TV",
    }


@pytest.mark.parametrize(
    ("said", "title"),
    [
        ({}, "Untitled"),
        ({"filename": "../../etc/passwd"}, "passwd"),
        ({"filename": "a.mp4", "title": "  "}, "a.mp4"),
        ({"filename": "/", "title": ""}, "Untitled"),
    ],
)
async def test_a_video_has_a_title(
    api: Api, services: Services, said: dict[str, str], title: str
) -> None:
    answer = await tus.create(api, 1, tus.metadata(**said))
    assert (await tus.row(services, answer.headers["Location"])).title == title


async def test_the_first_bytes_may_come_with_the_creation(
    api: Api, services: Services, work: Work
) -> None:
    said = {"Content-Type": tus.BYTES, **tus.metadata(purpose="OBJECT")}
    answer = await tus.create(api, len(tus.DATA), said, body=tus.DATA[:1000])
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (201, "1000")
    url = answer.headers["Location"]
    assert (await tus.patch(api, url, 1000, tus.DATA[1000:])).status_code == 204
    whole = await tus.create(api, 3, said, tus.checksum("sha1", b"abc"), body=b"abc")
    assert (whole.status_code, whole.headers["Upload-Offset"]) == (201, "3")
    await work()
    assert await tus.content(services, url) == tus.DATA
    assert await tus.content(services, whole.headers["Location"]) == b"abc"


async def test_first_bytes_that_fail_leave_no_upload(api: Api, services: Services) -> None:
    said = {"Content-Type": tus.BYTES}
    mismatch = await tus.create(api, 3, said, tus.checksum("sha1", b"x"), body=b"abc")
    assert (mismatch.status_code, mismatch.json()["code"]) == (460, "CHECKSUM_MISMATCH")
    assert (await tus.create(api, 3, said, body=b"abcd")).status_code == 413
    assert await tus.statuses(services) == ["CANCELLED"]


CREATIONS: list[tuple[dict[str, str], int, str]] = [
    ({}, 400, "INVALID_ARGUMENT"),
    ({"Upload-Length": "-1"}, 400, "INVALID_ARGUMENT"),
    ({"Upload-Length": "1e3"}, 400, "INVALID_ARGUMENT"),
    ({"Upload-Length": "9" * 5000}, 400, "INVALID_ARGUMENT"),
    ({"Upload-Length": "0"}, 400, "INVALID_ARGUMENT"),
    ({"Upload-Defer-Length": "1"}, 400, "INVALID_ARGUMENT"),
    ({"Upload-Length": "9" * 30}, 413, "LIMIT_EXCEEDED"),
    ({"Upload-Length": "1", "Upload-Metadata": "title *"}, 400, "INVALID_ARGUMENT"),
    ({"Upload-Length": "1", "Upload-Metadata": "title YQ==,title YQ=="}, 400, "INVALID_ARGUMENT"),
    ({"Upload-Length": "1", **tus.metadata(sha256="abc")}, 400, "INVALID_ARGUMENT"),
    ({"Upload-Length": "1", **tus.metadata(purpose="PARTIAL")}, 400, "INVALID_ARGUMENT"),
    ({"Upload-Length": "1", "Upload-Concat": "first"}, 400, "INVALID_ARGUMENT"),
    ({"Upload-Concat": "final;"}, 400, "INVALID_ARGUMENT"),
    ({"Upload-Concat": "final;/tus/a /tus/a"}, 400, "INVALID_ARGUMENT"),
    ({"Upload-Concat": "final;" + " ".join(map(str, range(65)))}, 400, "INVALID_ARGUMENT"),
    ({"Upload-Concat": "final;http://[/a"}, 403, "LINK_INVALID"),
    ({"Upload-Length": "1", "Tus-Resumable": "0.2.2"}, 412, "INVALID_ARGUMENT"),
    ({"Upload-Length": "1", "Authorization": "Bearer rg_no"}, 401, "UNAUTHENTICATED"),
    ({"Upload-Length": "1", "X-HTTP-Method-Override": "PUT"}, 405, "INVALID_ARGUMENT"),
]


@pytest.mark.parametrize(("said", "status", "code"), CREATIONS)
async def test_a_creation_is_refused(
    api: Api, services: Services, said: dict[str, str], status: int, code: str
) -> None:
    answer = await tus.create(api, None, said)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["Tus-Resumable"] == "1.0.0"
    assert ("Tus-Version" in answer.headers) == (status == 412)
    assert ("Allow" in answer.headers) == (status == 405)
    assert ("WWW-Authenticate" in answer.headers) == (status == 401)
    assert await tus.statuses(services) == []


async def test_a_creation_needs_a_key_and_every_request_a_version(api: Api, anonymous: Api) -> None:
    answer = await tus.create(anonymous, 1)
    assert (answer.status_code, answer.json()["code"]) == (401, "UNAUTHENTICATED")
    url = await tus.begin(api, 1)
    for method in ("HEAD", "PATCH", "DELETE"):
        answer = await anonymous.http.request(method, url)
        assert (answer.status_code, answer.headers["Tus-Version"]) == (412, "1.0.0")
    assert (await anonymous.http.get(url)).status_code == 405


HOSTILE = {
    "emoji": "🎬\u202efdp.mp4",
    "line ends": "a\r\nSet-Cookie: b=c.mp4",
    "path": "../../../../etc/passwd",
    "quotes": "\"';--<script>",
}


@pytest.mark.parametrize("name", HOSTILE)
async def test_names_are_only_data(api: Api, services: Services, name: str) -> None:
    given = HOSTILE[name]
    answer = await tus.create(api, 1, tus.metadata(filename=given, title=given))
    assert answer.status_code == 201
    row = await tus.row(services, answer.headers["Location"])
    assert (row.title, row.file_name) == (given, given.rpartition("/")[2])
    assert row.storage_key.rpartition("/")[2] == row.id.hex
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize("key", ["title", "filename", "description"])
async def test_unusable_names_are_refused(api: Api, key: str) -> None:
    for value, code in (("a\0b", "INVALID_ARGUMENT"), ("x" * 5_001, "LIMIT_EXCEEDED")):
        answer = await tus.create(api, 1, tus.metadata(**{key: value}))
        assert (answer.status_code, answer.json()["code"]) == (400, code)


async def test_a_name_that_is_no_utf8_is_still_a_name(api: Api, services: Services) -> None:
    answer = await tus.create(api, 1, tus.metadata(filename="café.mp4".encode("latin-1")))
    assert (await tus.row(services, answer.headers["Location"])).title == "caf\ufffd.mp4"


async def test_what_an_account_may_have_is_limited(
    services: Services, owner: factories.Owner
) -> None:
    limits = UploadLimits(open_sessions=2, storage_quota=10, file_size=8)
    app = create_app(replace(services, limits=limits))
    async with serving(app) as base, Api(base, owner.api_key) as api:
        assert (await api.http.options("/tus")).headers["Tus-Max-Size"] == "8"
        seen: list[tuple[int, str]] = []
        for size in (9, 8, 3, 1, 1):
            answer = await tus.create(api, size)
            code = answer.json()["code"] if answer.content else ""
            seen.append((answer.status_code, code))
        assert seen == [
            (413, "LIMIT_EXCEEDED"),
            (201, ""),
            (413, "QUOTA_EXCEEDED"),
            (201, ""),
            (429, "LIMIT_EXCEEDED"),
        ]
