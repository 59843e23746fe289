"""Where a bucket is, and the connections to it."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from urllib.parse import urlsplit

import aiohttp

from storage.bucket import Bucket
from storage.presign import Credentials, Presigner
from storage.s3_client import (
    CONNECT_TIMEOUT_S,
    READ_TIMEOUT_S,
    CredentialSource,
    current,
    open_client,
)

log = logging.getLogger(__name__)

_RENEW_S = 60
"""Between two looks at credentials that end; botocore renews them ten minutes before."""


@dataclass(frozen=True, slots=True)
class S3Location:
    """Where the objects are."""

    bucket: str
    region: str = "us-east-1"
    prefix: str = ""
    """All keys lie under it; it ends in `/` or is empty."""
    endpoint: str | None = None
    """URL of the service; None for that of AWS."""
    public_endpoint: str | None = None
    """The service's URL as clients reach it; None when it is the same."""
    credentials: Credentials | None = None
    """None to look where all AWS tools look."""

    def base(self, url: str) -> str:
        """The bucket's URL; in the path where the service may not own all its subdomains."""
        if self.endpoint or self.public_endpoint or "." in self.bucket:
            return f"{url.rstrip('/')}/{self.bucket}"
        parts = urlsplit(url)
        return f"{parts.scheme}://{self.bucket}.{parts.netloc}"


@asynccontextmanager
async def opened(location: S3Location) -> AsyncGenerator[Bucket]:
    """The bucket, for the whole process: connections are shared and kept."""
    async with (
        open_client(location.region, location.endpoint, location.credentials) as (client, source),
        _uploader() as http,
    ):
        credentials = await current(source)
        url = client.meta.endpoint_url
        ours, public = (
            Presigner(location.base(base), location.region, credentials)
            for base in (url, location.public_endpoint or url)
        )
        renewing = asyncio.create_task(_renew(source, [ours, public]))
        try:
            yield Bucket(client, http, ours, public, name=location.bucket, prefix=location.prefix)
        finally:
            renewing.cancel()


def _uploader() -> aiohttp.ClientSession:
    """For bodies that cannot be sent twice: so never on a connection that may be dead already."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, force_close=True),
        timeout=aiohttp.ClientTimeout(
            total=None, sock_connect=CONNECT_TIMEOUT_S, sock_read=READ_TIMEOUT_S
        ),
        auto_decompress=False,
    )


async def _renew(source: CredentialSource, presigners: Sequence[Presigner]) -> None:
    """Credentials of a role end; signing costs no I/O, so it cannot ask for new ones itself."""
    while True:
        await asyncio.sleep(_RENEW_S)
        try:
            credentials = await current(source)
        except Exception:
            log.exception("the credentials of the object store could not be renewed")
            continue
        for presigner in presigners:
            presigner.credentials = credentials
