"""A bucket of S3: bytes as streams, listings as pages, refusals as errors of the protocol.

What is sent goes through our own presigned URLs: botocore would read a body twice, once to sign
it, and needs one that it can rewind.
"""

import asyncio
import re
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Sequence
from http import HTTPStatus
from itertools import islice

import aiohttp
from yarl import URL

from domain.errors import StorageBusy
from storage import bodies
from storage.base import Body
from storage.files import BLOCK, Slice
from storage.presign import Presigner
from storage.s3_client import (
    READ_TIMEOUT_S,
    Head,
    Page,
    Part,
    S3Client,
    refusal,
    refusal_of,
    refusals,
)

_PUT_TTL_S = 300
"""A request of ours is checked when it begins; the clocks may differ by some minutes."""
_PAUSES_S = (0.2, 1.0)
"""Before a body that can be read again is sent again."""
_DELETE_BATCH = 1_000
_RANGE = re.compile(r"bytes (\d+)-")


class Bucket:
    """Keys are those of the objects without the prefix under which all of them lie."""

    def __init__(
        self,
        client: S3Client,
        http: aiohttp.ClientSession,
        presigner: Presigner,
        public: Presigner,
        *,
        name: str,
        prefix: str,
    ) -> None:
        self._client = client
        self._http = http
        self._presigner = presigner
        self._public = public
        self._name = name
        self._prefix = prefix

    def _at(self, key: str) -> dict[str, str]:
        return {"Bucket": self._name, "Key": f"{self._prefix}{key}"}

    def signed(
        self, method: str, key: str, ttl_s: int, *, query: dict[str, str] | None = None
    ) -> str:
        """A URL for strangers."""
        return self._public.url(method, f"{self._prefix}{key}", ttl_s, query=query)

    async def create(self, key: str, content_type: str) -> str:
        """Begin a multipart upload and return its id."""
        with refusals():
            created = await self._client.create_multipart_upload(
                **self._at(key), ContentType=content_type
            )
        return created["UploadId"]

    async def complete(self, key: str, upload: str, parts: Sequence[Part]) -> None:
        named = [{"PartNumber": part["PartNumber"], "ETag": part["ETag"]} for part in parts]
        with refusals():
            await self._client.complete_multipart_upload(
                **self._at(key), UploadId=upload, MultipartUpload={"Parts": named}
            )

    async def abort(self, key: str, upload: str) -> None:
        with refusals():
            await self._client.abort_multipart_upload(**self._at(key), UploadId=upload)

    async def parts(self, key: str, upload: str) -> list[Part]:
        pages = self._pages("list_parts", **self._at(key), UploadId=upload)
        return [part async for page in pages for part in page.get("Parts", [])]

    def uploads(self) -> AsyncIterator[Page]:
        return self._pages("list_multipart_uploads", Bucket=self._name, Prefix=self._prefix)

    def objects(self, prefix: str) -> AsyncIterator[Page]:
        full = f"{self._prefix}{prefix}"
        return self._pages("list_objects_v2", Bucket=self._name, Prefix=full)

    async def _pages(self, name: str, **arguments: object) -> AsyncIterator[Page]:
        with refusals():
            async for page in self._client.get_paginator(name).paginate(**arguments):
                yield page

    def key(self, full: str) -> str:
        """The key of what a listing calls so."""
        return full.removeprefix(self._prefix)

    async def head(self, key: str) -> Head:
        with refusals():
            return await self._client.head_object(**self._at(key))

    async def get(self, key: str, start: int = 0, end: int | None = None) -> AsyncGenerator[bytes]:
        """The bytes from `start` to before `end`, as far as the object goes."""
        wanted = {"Range": _range(start, end)} if start or end is not None else {}
        with refusals():
            got = await self._client.get_object(**self._at(key), **wanted)
            body = got["Body"]
            try:
                found = _RANGE.match(got.get("ContentRange", ""))
                begun = int(found[1]) if found else 0  # a server may not care for ranges
                async for block in bodies.window(body.iter_chunks(BLOCK), begun, start, end):
                    yield block
            finally:
                body.close()

    async def put(
        self,
        key: str,
        body: Body,
        length: int,
        *,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        """Stream `length` bytes. A body that raises leaves nothing behind."""
        url = self._presigner.url(
            "PUT", f"{self._prefix}{key}", _PUT_TTL_S, query=query, headers=headers
        )
        feed = _Feed(body)
        try:
            with refusals():
                await self._send(url, feed, {**(headers or {}), "content-length": str(length)})
        except Exception:
            if feed.failure is not None:
                raise feed.failure from None
            raise

    async def _send(self, url: str, feed: "_Feed", headers: dict[str, str]) -> None:
        async with (
            asyncio.timeout(None) as patience,
            self._http.put(
                URL(url, encoded=True), data=feed.blocks(patience), headers=headers
            ) as response,
        ):
            if response.status != HTTPStatus.OK:
                raise await refusal_of(response)

    async def put_slice(
        self,
        key: str,
        piece: Slice,
        *,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> None:
        """As `put`, from a file; asks again when the store is busy."""
        for pause_s in _PAUSES_S:
            try:
                await self.put(key, piece.blocks(), piece.size, query=query, headers=headers)
            except StorageBusy:
                await asyncio.sleep(pause_s)
            else:
                return
        await self.put(key, piece.blocks(), piece.size, query=query, headers=headers)

    async def delete(self, keys: Iterable[str]) -> None:
        remaining = iter(keys)
        while batch := [self._at(key)["Key"] for key in islice(remaining, _DELETE_BATCH)]:
            objects = {"Objects": [{"Key": key} for key in batch], "Quiet": True}
            with refusals():
                deleted = await self._client.delete_objects(Bucket=self._name, Delete=objects)
            for failure in deleted.get("Errors", []):
                raise refusal(HTTPStatus.OK, failure["Code"], failure["Message"])


class _Feed:
    """Hands a body over to the HTTP client, which hides what a body raises."""

    def __init__(self, body: Body) -> None:
        self._body = body
        self.failure: Exception | None = None

    async def blocks(self, patience: asyncio.Timeout) -> AsyncGenerator[bytes]:
        """Patience runs out only while the store takes a block, never while we wait for one."""
        loop = asyncio.get_running_loop()
        try:
            async for block in self._body:
                patience.reschedule(loop.time() + READ_TIMEOUT_S)
                yield block
                patience.reschedule(None)
        except Exception as failure:
            self.failure = failure
            raise


def _range(start: int, end: int | None) -> str:
    return f"bytes={start}-" if end is None else f"bytes={start}-{end - 1}"
