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

_ALGORITHM = "AWS4-HMAC-SHA256"
_SAFE = "-_.~"
"""What RFC 3986 leaves as it is, and nothing else."""
_DEFAULT_PORTS = {"http": ":80", "https": ":443"}
"""Clients leave them out of the `Host` that is signed."""


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
        self._host = parts.netloc.removesuffix(_DEFAULT_PORTS[parts.scheme])
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
        at: float | None = None,
    ) -> str:
        """A URL for `method` on the object, good for `ttl_s` seconds (at most a week).

        `headers` have lower-case names and must be sent exactly so; others may be sent, too.
        It begins to be good `at` that Unix time, or now.
        """
        now = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(at))
        scope = f"{now[:8]}/{self._region}/s3/aws4_request"
        signed = sorted({**(headers or {}), "host": self._host}.items())
        names = ";".join([name for name, _ in signed])
        asked = self._query(query or {}, now, scope, ttl_s, names)
        path = f"{self._folder}/{_path(key)}"
        lines = [f"{name}:{value}" for name, value in signed]
        request = "\n".join([method, path, asked, *lines, "", names, "UNSIGNED-PAYLOAD"])
        digest = hashlib.sha256(request.encode()).hexdigest()
        secret = _signing_key(self.credentials.secret_key, now[:8], self._region)
        text = f"{_ALGORITHM}\n{now}\n{scope}\n{digest}"
        signature = hmac.digest(secret, text.encode(), "sha256").hex()
        return f"{self._origin}{path}?{asked}&X-Amz-Signature={signature}"

    def _query(self, own: dict[str, str], now: str, scope: str, ttl_s: int, headers: str) -> str:
        """Without the signature; sorted, as it is signed."""
        parameters = {
            **own,
            "X-Amz-Algorithm": _ALGORITHM,
            "X-Amz-Credential": f"{self.credentials.access_key}/{scope}",
            "X-Amz-Date": now,
            "X-Amz-Expires": str(ttl_s),
            "X-Amz-SignedHeaders": headers,
        }
        if self.credentials.session_token:
            parameters["X-Amz-Security-Token"] = self.credentials.session_token
        pairs = sorted([(_quoted(name), _quoted(value)) for name, value in parameters.items()])
        return "&".join([f"{name}={value}" for name, value in pairs])


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
