"""A client of tus, one request a function; and what the server knows of its uploads."""

import asyncio
import base64
import hashlib
import random
import socket
import struct
from collections.abc import Mapping
from typing import Any, TypeAlias

import httpx
from sqlalchemy import select

from db.models import Content, StoredObject, UploadSession
from resolvers.context import Services
from tests.support.api import Api
from tests.support.waiting import until

BYTES = "application/offset+octet-stream"
SPOKEN = {"Tus-Resumable": "1.0.0"}
PARTIAL = {"Upload-Concat": "partial"}

DATA = random.Random(1).randbytes(300_000)  # noqa: S311 - always the same
SHA256 = hashlib.sha256(DATA).hexdigest()
"""Of `DATA`."""

Headers: TypeAlias = Mapping[str, str]


def metadata(**pairs: str | bytes) -> dict[str, str]:
    encoded = {
        key: base64.b64encode(value if isinstance(value, bytes) else value.encode()).decode()
        for key, value in pairs.items()
    }
    return {"Upload-Metadata": ",".join(f"{key} {value}".strip() for key, value in encoded.items())}


def checksum(algorithm: str, data: bytes) -> dict[str, str]:
    digest = hashlib.new(algorithm, data).digest()
    return {"Upload-Checksum": f"{algorithm} {base64.b64encode(digest).decode()}"}


async def create(
    api: Api, size: int | str | None, *more: Headers, body: bytes = b""
) -> httpx.Response:
    length = {} if size is None else {"Upload-Length": str(size)}
    return await api.http.post("/tus", content=body, headers=merged(length, *more))


async def begin(api: Api, size: int, *more: Headers) -> str:
    """Open an upload that becomes an object; returns its URL."""
    answer = await create(api, size, metadata(purpose="OBJECT"), *more)
    assert answer.status_code == 201, answer.text
    return answer.headers["Location"]


async def head(api: Api, url: str) -> httpx.Response:
    return await api.http.head(url, headers=SPOKEN)


async def offset(api: Api, url: str) -> int:
    answer = await head(api, url)
    assert answer.status_code == 200
    return int(answer.headers["Upload-Offset"])


async def patch(api: Api, url: str, at: int, body: Any, *more: Headers) -> httpx.Response:
    said = {"Upload-Offset": str(at), "Content-Type": BYTES}
    return await api.http.patch(url, content=body, headers=merged(said, *more))


async def patch_cut_short(url: str, at: int, body: bytes, length: int, *, reset: bool) -> None:
    """Announce `length` bytes from `at` on; when they are asked for, send `body` and hang up."""
    host, port, path = url.removeprefix("http://").replace("/", ":", 1).split(":", 2)
    reader, writer = await asyncio.open_connection(host, int(port))
    head = (
        f"PATCH /{path} HTTP/1.1\r\nHost: {host}\r\nTus-Resumable: 1.0.0\r\n"
        f"Content-Type: {BYTES}\r\nUpload-Offset: {at}\r\nContent-Length: {length}\r\n"
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


async def settled_offset(api: Api, url: str) -> int:
    """The offset, when nobody writes any more."""

    async def agreed() -> list[int]:
        at = await offset(api, url)
        return [at] if (await patch(api, url, at, b"")).status_code == 204 else []

    return (await until(agreed))[0]


async def delete(api: Api, url: str) -> httpx.Response:
    return await api.http.delete(url, headers=SPOKEN)


async def concatenate(api: Api, *urls: str, more: Headers = SPOKEN) -> httpx.Response:
    said = {"Upload-Concat": f"final;{' '.join(urls)}"}
    return await create(api, None, metadata(purpose="OBJECT"), said, more)


def merged(*more: Headers) -> dict[str, str]:
    """All of these; the last one counts."""
    return {name: value for headers in (SPOKEN, *more) for name, value in headers.items()}


async def row(services: Services, url: str) -> UploadSession:
    """What we know of the upload with this URL."""
    id = services.upload_links.read(url.rpartition("/")[2]).subject
    async with services.db.read() as session:
        return await session.get_one(UploadSession, id)


async def statuses(services: Services) -> list[str]:
    """Of every upload."""
    async with services.db.read() as session:
        return [row.status.name for row in await session.scalars(select(UploadSession))]


async def content(services: Services, url: str) -> bytes:
    """What a completed upload became."""
    upload = await row(services, url)
    assert upload.status.name == "COMPLETED", upload.error_message
    async with services.db.read() as session:
        stored = await session.get_one(StoredObject, upload.object_id)
        kept = await session.get_one(Content, stored.content_id)
    return b"".join([block async for block in services.store.read(kept.key)])
