"""A client of tus, one request a function."""

import base64
import hashlib
from collections.abc import Mapping
from typing import Any, TypeAlias

import httpx

from tests.support.api import Api

BYTES = "application/offset+octet-stream"
SPOKEN = {"Tus-Resumable": "1.0.0"}
PARTIAL = {"Upload-Concat": "partial"}

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


async def delete(api: Api, url: str) -> httpx.Response:
    return await api.http.delete(url, headers=SPOKEN)


async def concatenate(api: Api, *urls: str, more: Headers = SPOKEN) -> httpx.Response:
    said = {"Upload-Concat": f"final;{' '.join(urls)}"}
    return await create(api, None, metadata(purpose="OBJECT"), said, more)


def merged(*more: Headers) -> dict[str, str]:
    """All of these; the last one counts."""
    return {name: value for headers in (SPOKEN, *more) for name, value in headers.items()}
