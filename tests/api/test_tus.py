"""Resumable uploads by tus 1.0.0, from the first byte to the last."""

from collections.abc import AsyncGenerator
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from db.models import UploadSession
from domain.tokens import Grant
from jobs import maintenance
from jobs.runs import Tools
from resolvers.context import Services
from schema import ids
from tests.support import tus, uploading
from tests.support.api import Api
from tests.support.work import Work


async def test_options_say_what_is_spoken(anonymous: Api, services: Services) -> None:
    for path in ("/tus", "/tus/any"):
        answer = await anonymous.http.options(path)
        assert (answer.status_code, answer.content) == (204, b"")
        said = {name: value for name, value in answer.headers.items() if name.startswith("tus-")}
        assert said == {
            "tus-resumable": "1.0.0",
            "tus-version": "1.0.0",
            "tus-extension": "creation,creation-with-upload,expiration,checksum,termination,"
            "concatenation",
            "tus-max-size": str(services.limits.file_size),
            "tus-checksum-algorithm": "sha256,sha1,md5",
        }


async def test_an_upload_grows_until_it_is_complete(
    api: Api, anonymous: Api, services: Services, work: Work
) -> None:
    """Only its creation needs a key."""
    url = await tus.begin(api, len(tus.DATA))
    for start, end in ((0, 1), (1, 100_000), (100_000, 100_000), (100_000, len(tus.DATA))):
        before = await tus.head(anonymous, url)
        assert (before.status_code, before.headers["Upload-Offset"]) == (200, str(start))
        assert before.headers["Upload-Length"] == str(len(tus.DATA))
        assert before.headers["Cache-Control"] == "no-store"
        assert "Upload-Expires" in before.headers
        answer = await tus.patch(anonymous, url, start, tus.DATA[start:end])
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["Upload-Offset"] == str(end)
        assert answer.headers["Upload-Session"] == before.headers["Upload-Session"]
    assert (await tus.row(services, url)).status.name == "VERIFYING"
    await work()
    assert await tus.content(services, url) == tus.DATA
    after = await tus.head(anonymous, url)
    assert (after.status_code, after.headers["Upload-Offset"]) == (200, str(len(tus.DATA)))
    assert "Upload-Expires" not in after.headers


async def test_a_complete_upload_takes_no_more(api: Api, services: Services) -> None:
    url = await tus.begin(api, 3)
    await tus.patch(api, url, 0, b"abc")

    async def chunked() -> AsyncGenerator[bytes]:
        yield b"d"

    async def answer(at: int, body: Any) -> int:
        return (await tus.patch(api, url, at, body)).status_code

    assert await answer(3, b"") == 204
    assert await answer(2, b"") == 409
    assert await answer(3, b"d") == 413
    assert await answer(3, chunked()) == 413
    assert (await tus.delete(api, url)).status_code == 409
    assert (await tus.row(services, url)).status.name == "VERIFYING"


PATCHES: list[tuple[dict[str, str], bytes, int, str]] = [
    ({"Content-Type": "application/octet-stream"}, b"abc", 415, "INVALID_ARGUMENT"),
    ({"Upload-Offset": "x"}, b"abc", 400, "INVALID_ARGUMENT"),
    ({"Upload-Offset": "0"}, b"abc", 409, "INVALID_STATE"),
    ({"Upload-Offset": "9" * 40}, b"abc", 409, "INVALID_STATE"),
    ({}, b"abcd", 413, "INCOMPLETE_BODY"),
    ({"Upload-Checksum": "crc32 YWJj"}, b"abc", 400, "INVALID_ARGUMENT"),
    ({"Upload-Checksum": "sha1 ***"}, b"abc", 400, "INVALID_ARGUMENT"),
    ({"Upload-Checksum": "sha1 YWJj"}, b"abc", 400, "INVALID_ARGUMENT"),
    (tus.checksum("sha1", b"abx"), b"abc", 460, "CHECKSUM_MISMATCH"),
    (tus.checksum("md5", b"abx"), b"abc", 460, "CHECKSUM_MISMATCH"),
    (tus.checksum("sha256", b"abx"), b"abc", 460, "CHECKSUM_MISMATCH"),
]


@pytest.mark.parametrize(("said", "body", "status", "code"), PATCHES)
async def test_refused_bytes_leave_the_upload_as_it_was(
    api: Api,
    services: Services,
    work: Work,
    said: dict[str, str],
    body: bytes,
    status: int,
    code: str,
) -> None:
    url = await tus.begin(api, 5)
    await tus.patch(api, url, 0, b"12")
    answer = await tus.patch(api, url, 2, body, said)
    assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert answer.headers["Tus-Resumable"] == "1.0.0"
    assert await tus.offset(api, url) == 2
    assert (await tus.patch(api, url, 2, b"abc", tus.checksum("sha256", b"abc"))).status_code == 204
    await work()
    assert await tus.content(services, url) == b"12abc"


async def test_a_body_of_unknown_length_may_be_too_long(api: Api) -> None:
    url = await tus.begin(api, 5)

    async def body() -> AsyncGenerator[bytes]:
        yield b"123"
        yield b"456"

    answer = await tus.patch(api, url, 0, body())
    assert (answer.status_code, answer.json()["code"]) == (413, "INCOMPLETE_BODY")
    assert await tus.offset(api, url) == 0


async def test_a_link_must_be_ours(api: Api, services: Services) -> None:
    url = await tus.begin(api, 3)
    stem, _, token = url.rpartition("/")
    begun = await uploading.begin(api, b"abc")
    chunked = services.upload_links.sign(
        Grant(ids.decode(begun["id"], "UploadSession"), datetime.now(UTC) + timedelta(hours=1))
    )
    nobodys = services.upload_links.sign(Grant(UUID(int=1), datetime.now(UTC) + timedelta(hours=1)))
    late = services.upload_links.sign(
        Grant((await tus.row(services, url)).id, datetime.now(UTC) - timedelta(seconds=1))
    )
    for given, status, code in (
        (token[:-1], 403, "LINK_INVALID"),
        (nobodys, 404, "NOT_FOUND"),
        (chunked, 404, "NOT_FOUND"),
        (late, 410, "LINK_EXPIRED"),
    ):
        answer = await tus.patch(api, f"{stem}/{given}", 0, b"abc")
        assert (answer.status_code, answer.json()["code"]) == (status, code)
        assert (await tus.head(api, f"{stem}/{given}")).status_code == status
        assert (await tus.delete(api, f"{stem}/{given}")).status_code == status
    assert await tus.offset(api, url) == 0


async def test_a_terminated_upload_is_gone(api: Api, services: Services) -> None:
    url = await tus.begin(api, 3)
    await tus.patch(api, url, 0, b"a")
    answer = await tus.delete(api, url)
    assert (answer.status_code, answer.content) == (204, b"")
    assert (await tus.row(services, url)).status.name == "CANCELLED"
    for again in (
        await tus.head(api, url),
        await tus.patch(api, url, 1, b"bc"),
        await tus.delete(api, url),
    ):
        assert again.status_code == 410
        assert "Upload-Offset" not in again.headers


async def test_an_upload_whose_time_is_over_is_gone(
    api: Api, services: Services, tools: Tools
) -> None:
    url = await tus.begin(api, 3)
    id = (await tus.row(services, url)).id
    async with services.db.write() as session:
        row = await session.get_one(UploadSession, id)
        row.expires_at = datetime.now(UTC) - timedelta(seconds=1)
    await maintenance.expire_uploads(tools)
    answer = await tus.patch(api, url, 0, b"abc")
    assert (answer.status_code, answer.json()["code"]) == (410, "SESSION_CLOSED")


async def test_a_failed_upload_is_gone(api: Api, services: Services, work: Work) -> None:
    """Its bytes are not kept, and sending the file again must not seem to be needless."""
    url = await tus.begin(api, 3, tus.metadata(sha256=tus.SHA256, purpose="OBJECT"))
    assert (await tus.patch(api, url, 0, b"abc")).status_code == 204
    await work()
    assert (await tus.row(services, url)).status.name == "FAILED"
    assert (await tus.head(api, url)).status_code == 410


async def test_methods_may_be_tunnelled(api: Api) -> None:
    url = await tus.begin(api, 3)

    async def post(method: str, body: bytes = b"", **headers: str) -> tuple[int, str | None]:
        said = {**tus.SPOKEN, "X-HTTP-Method-Override": method, **headers}
        answer = await api.http.post(url, content=body, headers=said)
        return answer.status_code, answer.headers.get("Upload-Offset")

    patch = {"Upload-Offset": "0", "Content-Type": tus.BYTES}
    assert await post("PATCH", b"ab", **patch) == (204, "2")
    assert await post("HEAD") == (200, "2")
    assert await post("OPTIONS") == (204, None)
    assert await post("DELETE") == (204, None)
    assert await post("HEAD") == (410, None)


async def test_pages_of_other_sites_may_upload(api: Api) -> None:
    origin = {"Origin": "https://elsewhere.example"}
    asked = {
        "Access-Control-Request-Method": "PATCH",
        "Access-Control-Request-Headers": "tus-resumable,upload-offset,content-type",
    }
    preflight = await api.http.options("/tus/any", headers={**origin, **asked})
    assert preflight.status_code == 200
    allowed = preflight.headers["Access-Control-Allow-Methods"].split(", ")
    assert {"POST", "HEAD", "PATCH", "DELETE"} <= set(allowed)
    assert "upload-offset" in preflight.headers["Access-Control-Allow-Headers"]
    answer = await tus.create(api, 1, origin)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    exposed = set(answer.headers["Access-Control-Expose-Headers"].split(", "))
    assert exposed >= {
        "Location",
        "Retry-After",
        "Tus-Checksum-Algorithm",
        "Tus-Extension",
        "Tus-Max-Size",
        "Tus-Resumable",
        "Tus-Version",
        "Upload-Concat",
        "Upload-Expires",
        "Upload-Length",
        "Upload-Offset",
        "Upload-Session",
    }
