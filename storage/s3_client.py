"""The one place that knows botocore: its client, its credentials, its errors.

botocore has no types; what is used of it is declared here.
"""

import re
from collections.abc import AsyncGenerator, AsyncIterator, Generator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager
from datetime import datetime
from typing import NotRequired, Protocol, TypedDict, cast

import aioboto3  # pyright: ignore[reportMissingTypeStubs]
import aiohttp
from aiobotocore.config import AioConfig  # pyright: ignore[reportMissingTypeStubs]
from botocore.exceptions import (  # pyright: ignore[reportMissingTypeStubs]
    ClientError,
    HTTPClientError,
)
from botocore.exceptions import (  # pyright: ignore[reportMissingTypeStubs]
    ConnectionError as NoConnection,
)

from domain.errors import StorageBusy, StorageFull
from storage.presign import Credentials

CONNECT_TIMEOUT_S, READ_TIMEOUT_S = 5, 60
_MISSING = {"404", "NoSuchKey", "NoSuchUpload", "NotFound"}
_FULL = {"QuotaExceeded", "XMinioStorageFull", "XMinioAdminBucketQuotaExceeded"}
_BUSY = {"SlowDown", "SlowDownRead", "SlowDownWrite", "ServiceUnavailable", "RequestTimeout"}
_BUSY_STATUS = {408, 429, 500, 502, 503, 504}
_SILENT = (HTTPClientError, NoConnection, aiohttp.ClientError, ConnectionError, TimeoutError)
_CODE = re.compile(r"<Code>([^<]+)</Code>")


class Part(TypedDict):
    PartNumber: int
    ETag: str
    Size: int


class Upload(TypedDict):
    Key: str
    UploadId: str
    Initiated: datetime


class Listed(TypedDict):
    Key: str
    Size: int
    LastModified: datetime


class Page(TypedDict):
    """A page of any listing; each has one of these."""

    Parts: NotRequired[list[Part]]
    Uploads: NotRequired[list[Upload]]
    Contents: NotRequired[list[Listed]]


class Created(TypedDict):
    UploadId: str


class Failure(TypedDict):
    Key: str
    Code: str
    Message: str


class Deleted(TypedDict):
    Errors: NotRequired[list[Failure]]


class Head(TypedDict):
    ContentLength: int
    LastModified: datetime


class Stream(Protocol):
    def iter_chunks(self, chunk_size: int) -> AsyncIterator[bytes]: ...
    def close(self) -> None: ...


class Got(TypedDict):
    Body: Stream
    ContentLength: int
    ContentRange: NotRequired[str]


class Paginator(Protocol):
    def paginate(self, **arguments: object) -> AsyncIterator[Page]: ...


class S3Client(Protocol):
    """What is called of aiobotocore's client; the arguments are those of the S3 API."""

    async def create_multipart_upload(self, **arguments: object) -> Created: ...
    async def complete_multipart_upload(self, **arguments: object) -> object: ...
    async def abort_multipart_upload(self, **arguments: object) -> object: ...
    async def head_object(self, **arguments: object) -> Head: ...
    async def get_object(self, **arguments: object) -> Got: ...
    async def delete_objects(self, **arguments: object) -> Deleted: ...
    def get_paginator(self, name: str) -> Paginator: ...

    @property
    def meta(self) -> "Meta": ...


class Meta(Protocol):
    endpoint_url: str
    """Where the client sends its requests."""


class CredentialSource(Protocol):
    """Credentials that renew themselves shortly before they end."""

    async def get_frozen_credentials(self) -> "_Frozen": ...


class _Session(Protocol):
    def client(self, name: str, **arguments: object) -> AbstractAsyncContextManager[S3Client]: ...
    async def get_credentials(self) -> CredentialSource | None: ...


class _Frozen(Protocol):
    access_key: str
    secret_key: str
    token: str | None


@asynccontextmanager
async def open_client(
    region: str, endpoint: str | None, credentials: Credentials | None
) -> AsyncGenerator[tuple[S3Client, CredentialSource]]:
    """A client, and where its credentials come from: if not given, from where AWS tools look."""
    made = aioboto3.Session(
        aws_access_key_id=credentials and credentials.access_key,
        aws_secret_access_key=credentials and credentials.secret_key,
        aws_session_token=credentials and credentials.session_token,
        region_name=region,
    )
    session = cast("_Session", cast("object", made))
    source = await session.get_credentials()
    if source is None:
        raise ValueError("there are no credentials for the object store")
    async with session.client("s3", endpoint_url=endpoint, config=_config(endpoint)) as client:
        yield client, source


def _config(endpoint: str | None) -> AioConfig:
    return AioConfig(
        request_checksum_calculation="when_required",  # a checksum of each request costs CPU
        response_checksum_validation="when_required",
        s3={"addressing_style": "path" if endpoint else "auto"},
        connect_timeout=CONNECT_TIMEOUT_S,
        read_timeout=READ_TIMEOUT_S,
        max_pool_connections=50,
        retries={"mode": "standard", "total_max_attempts": 3},
    )


async def current(source: CredentialSource) -> Credentials:
    frozen = await source.get_frozen_credentials()
    return Credentials(frozen.access_key, frozen.secret_key, frozen.token)


class Refused(Exception):
    """The store refused a request for a reason that is our own fault, or its operator's."""


@contextmanager
def refusals() -> Generator[None]:
    """What goes wrong with requests inside becomes an error of the protocol."""
    try:
        yield
    except ClientError as failure:
        response = cast("dict[str, dict[str, object]]", failure.response)
        status = response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
        code = str(response.get("Error", {}).get("Code", ""))
        raise refusal(cast("int", status), code, str(failure)) from failure
    except _SILENT as failure:
        raise StorageBusy from failure


class OutOfRange(Exception):
    """The object ends before the bytes that were asked for."""


def refusal(status: int, code: str, text: str) -> Exception:
    if code in _FULL or status == 507:  # noqa: PLR2004 - "Insufficient Storage"
        return StorageFull()
    if code in _BUSY or status in _BUSY_STATUS:
        return StorageBusy()
    if code in _MISSING:
        return FileNotFoundError(text)
    if code == "InvalidRange":
        return OutOfRange(text)
    return Refused(f"{status} {code}: {text}")


async def refusal_of(response: aiohttp.ClientResponse) -> Exception:
    text = await response.text(errors="replace")
    found = _CODE.search(text)
    code = found[1] if found else str(response.status)
    return refusal(response.status, code, text[:500])
