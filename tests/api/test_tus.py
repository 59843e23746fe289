"""Resumable uploads by tus 1.0.0."""

import asyncio
import hashlib
import logging
import random
import socket
import struct
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import select

from db.models import Content, StoredObject, UploadSession
from domain.tokens import Grant
from domain.uploads import UploadLimits
from jobs import maintenance
from jobs.runs import Tools
from resolvers.context import Services
from schema import ids
from server import bodies
from server.app import create_app
from tests.support import factories, tus, uploading
from tests.support.api import Api
from tests.support.serving import serving
from tests.support.waiting import until

Work = Callable[[], Awaitable[None]]

DATA = random.Random(1).randbytes(300_000)  # noqa: S311 - always the same
SHA256 = hashlib.sha256(DATA).hexdigest()

SESSION = """
query ($id: ID!) {
  uploadSession(id: $id) { id status title description fileName fileSize deviceType }
}
"""


async def row_of(services: Services, url: str) -> UploadSession:
    """What we know of the upload with this URL."""
    id = services.upload_links.read(url.rpartition("/")[2]).subject
    async with services.db.read() as session:
        return await session.get_one(UploadSession, id)


async def statuses(services: Services) -> list[str]:
    async with services.db.read() as session:
        return [row.status.name for row in await session.scalars(select(UploadSession))]


async def object_of(services: Services, url: str) -> bytes:
    """What a completed upload became."""
    row = await row_of(services, url)
    assert row.status.name == "COMPLETED", row.error_message
    async with services.db.read() as session:
        stored = await session.get_one(StoredObject, row.object_id)
        content = await session.get_one(Content, stored.content_id)
    return b"".join([block async for block in services.store.read(content.key)])


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


async def test_an_upload_is_a_session(api: Api, services: Services) -> None:
    said = tus.metadata(
        title="A title",
        description="About it",
        filename="C:\\films\\a.mp4",
        filetype="video/mp4",
        deviceType="TV",
        sha256=SHA256.upper(),
        relativePath="null",
    )
    answer = await tus.create(api, len(DATA), said)
    assert (answer.status_code, answer.content) == (201, b"")
    url = answer.headers["Location"]
    assert url.startswith(f"{api.base_url}/tus/")
    row = await row_of(services, url)
    expires = parsedate_to_datetime(answer.headers["Upload-Expires"])
    assert expires == row.expires_at.replace(microsecond=0)
    assert answer.headers["Upload-Offset"] == "0"
    assert answer.headers["Tus-Resumable"] == "1.0.0"
    assert (row.sha256, row.content_type) == (SHA256, "video/mp4")
    assert (row.purpose.name, row.sequential) == ("VIDEO", True)
    id = answer.headers["Upload-Session"]
    assert (await api.run(SESSION, id=id))["uploadSession"] == {
        "id": id,
        "status": "WAITING",
        "title": "A title",
        "description": "About it",
        "fileName": "a.mp4",
        "fileSize": len(DATA),
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
    assert (await row_of(services, answer.headers["Location"])).title == title


async def test_an_upload_grows_until_it_is_complete(
    api: Api, anonymous: Api, services: Services, work: Work
) -> None:
    """Only its creation needs a key."""
    url = await tus.begin(api, len(DATA))
    for start, end in ((0, 1), (1, 100_000), (100_000, 100_000), (100_000, len(DATA))):
        before = await tus.head(anonymous, url)
        assert (before.status_code, before.headers["Upload-Offset"]) == (200, str(start))
        assert before.headers["Upload-Length"] == str(len(DATA))
        assert before.headers["Cache-Control"] == "no-store"
        assert "Upload-Expires" in before.headers
        answer = await tus.patch(anonymous, url, start, DATA[start:end])
        assert (answer.status_code, answer.content) == (204, b"")
        assert answer.headers["Upload-Offset"] == str(end)
        assert answer.headers["Upload-Session"] == before.headers["Upload-Session"]
    assert (await row_of(services, url)).status.name == "VERIFYING"
    await work()
    assert await object_of(services, url) == DATA
    after = await tus.head(anonymous, url)
    assert (after.status_code, after.headers["Upload-Offset"]) == (200, str(len(DATA)))
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
    assert (await row_of(services, url)).status.name == "VERIFYING"


async def test_the_first_bytes_may_come_with_the_creation(
    api: Api, services: Services, work: Work
) -> None:
    said = {"Content-Type": tus.BYTES, **tus.metadata(purpose="OBJECT")}
    answer = await tus.create(api, len(DATA), said, body=DATA[:1000])
    assert (answer.status_code, answer.headers["Upload-Offset"]) == (201, "1000")
    url = answer.headers["Location"]
    assert (await tus.patch(api, url, 1000, DATA[1000:])).status_code == 204
    whole = await tus.create(api, 3, said, tus.checksum("sha1", b"abc"), body=b"abc")
    assert (whole.status_code, whole.headers["Upload-Offset"]) == (201, "3")
    await work()
    assert await object_of(services, url) == DATA
    assert await object_of(services, whole.headers["Location"]) == b"abc"


async def test_first_bytes_that_fail_leave_no_upload(api: Api, services: Services) -> None:
    said = {"Content-Type": tus.BYTES}
    mismatch = await tus.create(api, 3, said, tus.checksum("sha1", b"x"), body=b"abc")
    assert (mismatch.status_code, mismatch.json()["code"]) == (460, "CHECKSUM_MISMATCH")
    assert (await tus.create(api, 3, said, body=b"abcd")).status_code == 413
    assert await statuses(services) == ["CANCELLED"]


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
    assert await statuses(services) == []


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
    row = await row_of(services, answer.headers["Location"])
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
    assert (await row_of(services, answer.headers["Location"])).title == "caf\ufffd.mp4"


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
    assert await object_of(services, url) == b"12abc"


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
        Grant((await row_of(services, url)).id, datetime.now(UTC) - timedelta(seconds=1))
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
    assert (await row_of(services, url)).status.name == "CANCELLED"
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
    id = (await row_of(services, url)).id
    async with services.db.write() as session:
        row = await session.get_one(UploadSession, id)
        row.expires_at = datetime.now(UTC) - timedelta(seconds=1)
    await maintenance.expire_uploads(tools)
    answer = await tus.patch(api, url, 0, b"abc")
    assert (answer.status_code, answer.json()["code"]) == (410, "SESSION_CLOSED")


async def test_a_failed_upload_is_gone(api: Api, services: Services, work: Work) -> None:
    """Its bytes are not kept, and sending the file again must not seem to be needless."""
    url = await tus.begin(api, 3, tus.metadata(sha256=SHA256, purpose="OBJECT"))
    assert (await tus.patch(api, url, 0, b"abc")).status_code == 204
    await work()
    assert (await row_of(services, url)).status.name == "FAILED"
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


async def test_only_one_writes_at_a_time(api: Api, services: Services) -> None:
    url = await tus.begin(api, len(DATA))
    async with services.locks.hold(f"upload {(await row_of(services, url)).id}"):
        answer = await tus.patch(api, url, 0, DATA)
    assert (answer.status_code, answer.json()["code"]) == (423, "PART_BUSY")
    assert answer.headers["Retry-After"] == "1"
    assert (await tus.patch(api, url, 0, DATA)).status_code == 204


async def test_of_many_at_once_one_wins(api: Api, services: Services, work: Work) -> None:
    """Whoever it is: the bytes are of one, and never a mixture."""
    url = await tus.begin(api, len(DATA))
    sent = [bytes([number]) * len(DATA) for number in range(8)]
    answers = await asyncio.gather(*(tus.patch(api, url, 0, body) for body in sent))
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(204) == 1
    assert set(statuses) <= {204, 409, 423}
    await work()
    assert await object_of(services, url) == sent[statuses.index(204)]


async def test_a_cancelled_upload_takes_no_more_of_a_body(api: Api, services: Services) -> None:
    url = await tus.begin(api, len(DATA))
    sent, go_on = asyncio.Event(), asyncio.Event()

    async def slowly() -> AsyncGenerator[bytes]:
        yield DATA[:100_000]
        sent.set()
        await go_on.wait()
        yield DATA[100_000:]

    sending = asyncio.create_task(tus.patch(api, url, 0, slowly()))
    await sent.wait()
    assert (await tus.delete(api, url)).status_code == 204
    go_on.set()
    answer = await sending
    assert (answer.status_code, answer.json()["code"]) == (410, "SESSION_CLOSED")
    assert (await row_of(services, url)).status.name == "CANCELLED"


async def cut(url: str, at: int, body: bytes, length: int, *, reset: bool) -> None:
    """Announce `length` bytes from `at` on; when they are asked for, send `body` and hang up."""
    host, port, path = url.removeprefix("http://").replace("/", ":", 1).split(":", 2)
    reader, writer = await asyncio.open_connection(host, int(port))
    head = (
        f"PATCH /{path} HTTP/1.1\r\nHost: {host}\r\nTus-Resumable: 1.0.0\r\n"
        f"Content-Type: {tus.BYTES}\r\nUpload-Offset: {at}\r\nContent-Length: {length}\r\n"
        "Expect: 100-continue\r\n\r\n"
    )
    writer.write(head.encode())
    assert await reader.readuntil(b"\r\n\r\n") == b"HTTP/1.1 100 Continue\r\n\r\n"
    writer.write(body)
    await writer.drain()
    if reset:
        one: socket.socket = writer.get_extra_info("socket")
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    writer.close()


async def settled(api: Api, url: str) -> int:
    """The offset, when nobody writes any more."""

    async def agreed() -> list[int]:
        at = await tus.offset(api, url)
        return [at] if (await tus.patch(api, url, at, b"")).status_code == 204 else []

    return (await until(agreed))[0]


async def test_an_upload_survives_any_cut(
    api: Api, services: Services, work: Work, caplog: pytest.LogCaptureFixture
) -> None:
    dice = random.Random(200)  # noqa: S311 - always the same

    async def upload() -> tuple[str, int]:
        """Its URL, and how many of ten cut requests brought it forward."""
        url = await tus.begin(api, len(DATA))
        offsets, most = [0], 0
        for _ in range(10):
            at = offsets[-1]
            body = DATA[at : at + dice.randrange((len(DATA) - at) // 4)]
            await cut(url, at, body, len(DATA) - at, reset=dice.random() < 0.5)
            most = max(most, at + len(body))
            offsets.append(await tus.offset(api, url))
            assert at <= offsets[-1] <= most
        at = await settled(api, url)
        assert (await tus.patch(api, url, at, DATA[at:])).status_code == 204
        return url, len({*offsets, at}) - 1

    sent = await asyncio.gather(*(upload() for _ in range(20)))
    assert sum(grown for _, grown in sent) > 50, "the cuts were to come after some bytes"
    await work()
    for url, _ in sent:
        assert await object_of(services, url) == DATA
    assert [one for one in caplog.records if one.levelno >= logging.WARNING] == []


async def test_a_cut_body_with_a_checksum_is_not_kept(api: Api) -> None:
    url = await tus.begin(api, len(DATA))
    await tus.patch(api, url, 0, DATA[:10])

    async def broken() -> AsyncGenerator[bytes]:
        yield DATA[10:100_000]
        raise OSError("the client's own")

    with pytest.raises(OSError, match="own"):
        await tus.patch(api, url, 10, broken(), tus.checksum("sha1", DATA[10:]))
    assert await settled(api, url) == 10


async def test_a_creation_that_breaks_off_leaves_no_upload(api: Api, services: Services) -> None:
    """Its client has not heard the URL."""

    async def broken() -> AsyncGenerator[bytes]:
        yield DATA[:1000]
        raise OSError("the client's own")

    with pytest.raises(OSError, match="own"):
        await api.http.post(
            "/tus",
            content=broken(),
            headers=tus.merged({"Upload-Length": str(len(DATA)), "Content-Type": tus.BYTES}),
        )

    async def cancelled() -> bool:
        return await statuses(services) == ["CANCELLED"]

    await until(cancelled)


async def test_a_silent_client_does_not_keep_its_place(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "SILENCE_S", 0.1)
    url = await tus.begin(api, len(DATA))
    never = asyncio.Event()

    async def silent() -> AsyncGenerator[bytes]:
        yield DATA[:1000]
        await never.wait()

    sending = asyncio.create_task(tus.patch(api, url, 0, silent()))

    async def kept() -> bool:
        return await tus.offset(api, url) == 1000

    await until(kept)
    assert await settled(api, url) == 1000
    sending.cancel()


async def test_pieces_become_one_upload(api: Api, services: Services, work: Work) -> None:
    cuts = ((0, 100_000), (100_000, 100_001), (100_001, len(DATA)))
    urls = [await tus.begin(api, end - start, tus.PARTIAL) for start, end in cuts]
    for url, (start, end) in zip(urls, cuts, strict=True):
        assert (await tus.patch(api, url, 0, DATA[start:end])).status_code == 204
        piece = await tus.head(api, url)
        assert piece.headers["Upload-Concat"] == "partial"
        assert piece.headers["Upload-Offset"] == str(end - start)
    assert (await row_of(services, urls[0])).title == "Part"
    paths = [urls[0], *(url.removeprefix(api.base_url) for url in urls[1:])]
    answer = await tus.concatenate(api, *paths, more=tus.metadata(sha256=SHA256, purpose="OBJECT"))
    assert (answer.status_code, "Upload-Offset" in answer.headers) == (201, False)
    whole = answer.headers["Location"]
    before = await tus.head(api, whole)
    assert (before.status_code, before.headers["Upload-Length"]) == (200, str(len(DATA)))
    assert "Upload-Offset" not in before.headers
    kind, _, named = before.headers["Upload-Concat"].partition(";")
    assert kind == "final"
    pieces = [(await row_of(services, url)).id for url in urls]
    assert [(await row_of(services, url)).id for url in named.split()] == pieces
    refused = await tus.patch(api, whole, 0, b"")
    assert (refused.status_code, refused.json()["code"]) == (403, "INVALID_ARGUMENT")
    await work()
    assert await object_of(services, whole) == DATA
    assert (await tus.head(api, whole)).headers["Upload-Offset"] == str(len(DATA))
    assert (await tus.head(api, urls[0])).headers["Upload-Offset"] == "100000"


async def test_only_whole_pieces_of_ones_own_are_put_together(api: Api, stranger: Api) -> None:
    whole = await tus.begin(api, 1, tus.PARTIAL)
    await tus.patch(api, whole, 0, b"a")
    unfinished = await tus.begin(api, 2, tus.PARTIAL)
    gone = await tus.begin(api, 2, tus.PARTIAL)
    await tus.delete(api, gone)
    theirs = await tus.begin(stranger, 1, tus.PARTIAL)
    await tus.patch(stranger, theirs, 0, b"a")
    no_piece = await tus.begin(api, 1)
    for other, status, code in (
        (unfinished, 400, "CHUNK_MISSING"),
        (gone, 410, "SESSION_CLOSED"),
        (theirs, 404, "NOT_FOUND"),
        (no_piece, 404, "NOT_FOUND"),
    ):
        answer = await tus.concatenate(api, whole, other)
        assert (answer.status_code, answer.json()["code"]) == (status, code)
    assert await tus.offset(api, whole) == 1
    answer = await tus.concatenate(stranger, theirs)
    assert answer.status_code == 201


async def test_pieces_are_put_together_once(api: Api, services: Services, work: Work) -> None:
    """Also when the answer was lost, and the client asks again."""
    urls = [await tus.begin(api, 1, tus.PARTIAL) for _ in range(3)]
    for url in urls:
        assert (await tus.patch(api, url, 0, b"a")).status_code == 204
    answers = await asyncio.gather(*(tus.concatenate(api, *urls) for _ in range(4)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    made = {one.headers["Upload-Session"] for one in answers if one.status_code == 201}
    again = await tus.concatenate(api, *urls)
    assert {again.headers["Upload-Session"]} == made
    assert (await tus.concatenate(api, *reversed(urls))).status_code == 409
    assert (await tus.delete(api, urls[0])).status_code == 409
    await work()
    assert await object_of(services, again.headers["Location"]) == b"aaa"
    late = await tus.concatenate(api, *urls)
    assert (late.status_code, {late.headers["Upload-Session"]}) == (201, made)


async def test_pieces_count_once_in_the_quota(services: Services, owner: factories.Owner) -> None:
    app = create_app(replace(services, limits=UploadLimits(storage_quota=10)))
    async with serving(app) as base, Api(base, owner.api_key) as api:
        urls = [await tus.begin(api, 4, tus.PARTIAL) for _ in range(2)]
        for url in urls:
            await tus.patch(api, url, 0, b"abcd")
        assert (await tus.concatenate(api, *urls)).status_code == 201
        assert (await tus.create(api, 3)).status_code == 413
        assert (await tus.create(api, 2)).status_code == 201


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
