"""Signed URLs of S3: Signature Version 4 in the query, the body not signed.

botocore signs too, but walks through its whole request machinery for each URL; a page of an
upload's parts has hundreds of them.
"""

import hashlib
import hmac
import time
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import quote, urlsplit

ALGORITHM = "AWS4-HMAC-SHA256"
_SAFE = "-_.~"
"""What RFC 3986 leaves as it is, and nothing else."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """An access key; `session_token` comes with those that expire."""

    access_key: str
    secret_key: str
    session_token: str | None = None


class Presigner:
    """Signs requests to one bucket.

    `base` is the bucket's URL, with whatever host and path the client is to use. The credentials
    may be replaced at any time. A URL ends with its credentials, even before its own time.
    """

    def __init__(self, base: str, region: str, credentials: Credentials) -> None:
        parts = urlsplit(base)
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._host = parts.netloc
        self._folder = parts.path.rstrip("/")
        self._region = region
        self.credentials = credentials

    def url(
        self,
        method: str,
        key: str,
        ttl_s: int,
        *,
        query: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> str:
        """A URL for `method` on the object, good for `ttl_s` seconds (at most a week).

        `headers` have lower-case names and must be sent exactly so; others may be sent, too.
        """
        credentials = self.credentials
        now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        scope = f"{now[:8]}/{self._region}/s3/aws4_request"
        signed = sorted({**(headers or {}), "host": self._host}.items())
        names = ";".join([name for name, _ in signed])
        parameters = {
            **(query or {}),
            "X-Amz-Algorithm": ALGORITHM,
            "X-Amz-Credential": f"{credentials.access_key}/{scope}",
            "X-Amz-Date": now,
            "X-Amz-Expires": str(ttl_s),
            "X-Amz-SignedHeaders": names,
        }
        if credentials.session_token:
            parameters["X-Amz-Security-Token"] = credentials.session_token
        pairs = sorted([(_quoted(name), _quoted(value)) for name, value in parameters.items()])
        asked = "&".join([f"{name}={value}" for name, value in pairs])
        path = f"{self._folder}/{_path(key)}"
        lines = [f"{name}:{value}" for name, value in signed]
        request = "\n".join([method, path, asked, *lines, "", names, "UNSIGNED-PAYLOAD"])
        digest = hashlib.sha256(request.encode()).hexdigest()
        secret = _signing_key(credentials.secret_key, now[:8], self._region)
        text = f"{ALGORITHM}\n{now}\n{scope}\n{digest}"
        signature = hmac.digest(secret, text.encode(), "sha256").hex()
        return f"{self._origin}{path}?{asked}&X-Amz-Signature={signature}"


@lru_cache(maxsize=8)
def _signing_key(secret: str, day: str, region: str) -> bytes:
    """Derived by four hashes; good for one day (UTC)."""
    key = f"AWS4{secret}".encode()
    for step in (day, region, "s3", "aws4_request"):
        key = hmac.digest(key, step.encode(), "sha256")
    return key


@lru_cache(maxsize=4_096)
def _quoted(text: str) -> str:
    return quote(text, safe=_SAFE)


@lru_cache(maxsize=256)
def _path(key: str) -> str:
    return quote(key, safe=f"{_SAFE}/")
