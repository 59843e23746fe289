"""What tus says in headers: reading what clients send, and writing what they get."""

import base64
import binascii
import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Final

from domain import text
from domain.errors import InvalidArgument
from domain.uploads import MAX_PARTIALS, UploadPurpose
from resolvers.uploads import NewUpload
from storage.base import Digest

VERSION: Final = "1.0.0"
OFFSET_BYTES: Final = "application/offset+octet-stream"
ALGORITHMS: Final = ("sha256", "sha1", "md5")
EXTENSIONS: Final = (
    "creation",
    "creation-with-upload",
    "expiration",
    "checksum",
    "termination",
    "concatenation",
)
EXPOSED: Final = (
    "Location",
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
)
"""Response headers that clients on pages of other sites need to read."""

PARTIAL: Final = "partial"
_FINAL: Final = "final;"
_PURPOSES: Final = {"VIDEO": UploadPurpose.VIDEO, "OBJECT": UploadPurpose.OBJECT}
_BYTES: Final = re.compile(r"[0-9]{1,99}")
_SHA256: Final = re.compile(r"[0-9a-fA-F]{64}")


class Refused(InvalidArgument):
    """A request that the protocol does not allow, with the status that it asks for."""

    def __init__(
        self, message: str, *, status: int = 400, headers: Mapping[str, str] | None = None
    ) -> None:
        super().__init__(message)
        self.status = status
        self.headers = headers


def size(headers: Mapping[str, str], name: str) -> int:
    value = headers.get(name, "")
    if not _BYTES.fullmatch(value):
        raise Refused(f"{name} must be a number of bytes.")
    return int(value)


def digest(headers: Mapping[str, str]) -> Digest | None:
    """What the body must hash to, if the client says so."""
    value = headers.get("Upload-Checksum")
    if value is None:
        return None
    algorithm, _, encoded = value.partition(" ")
    if algorithm not in ALGORITHMS:
        raise Refused(f"Upload-Checksum must be by one of {', '.join(ALGORITHMS)}.")
    decoded = _decoded("Upload-Checksum", encoded)
    if len(decoded) != hashlib.new(algorithm, usedforsecurity=False).digest_size:
        raise Refused(f"Upload-Checksum has {len(decoded)} bytes, too few or many for {algorithm}.")
    return Digest(algorithm, decoded)


def announced(headers: Mapping[str, str]) -> NewUpload:
    """The upload that is asked for; a piece of another one, where Upload-Concat says so."""
    if "Upload-Defer-Length" in headers:
        raise Refused("The length must be known from the start: send Upload-Length.")
    length = size(headers, "Upload-Length")
    if headers.get("Upload-Concat") != PARTIAL:
        return replace(described(headers), file_size=length)
    piece = described(headers, untitled="Part")
    return replace(piece, file_size=length, purpose=UploadPurpose.PARTIAL)


def described(headers: Mapping[str, str], *, untitled: str = "Untitled") -> NewUpload:
    """What Upload-Metadata says of a file. Keys that mean nothing to us are ignored."""
    said = _metadata(headers)
    name = text.file_name(said.get("filename"))
    return NewUpload(
        title=said.get("title", "").strip() or name or untitled,
        file_size=0,
        sha256=_sha256(said.get("sha256")),
        description=said.get("description"),
        device_type=said.get("deviceType"),
        file_name=name,
        content_type=said.get("filetype"),
        purpose=_purpose(said.get("purpose")),
        sequential=True,
    )


def _metadata(headers: Mapping[str, str]) -> dict[str, str]:
    """The pairs, where what is no UTF-8 becomes replacement characters."""
    pairs: dict[str, str] = {}
    for pair in headers.get("Upload-Metadata", "").split(","):
        key, _, encoded = pair.strip().partition(" ")
        if key in pairs:
            raise Refused(f"Upload-Metadata has {key!r} twice.")
        pairs[key] = _decoded("Upload-Metadata", encoded).decode(errors="replace")
    return pairs


def _sha256(value: str | None) -> str | None:
    if not value:
        return None
    if not _SHA256.fullmatch(value):
        raise Refused("sha256 in Upload-Metadata must have 64 hexadecimal digits.")
    return value.lower()


def _purpose(value: str | None) -> UploadPurpose:
    if not value:
        return UploadPurpose.VIDEO
    if value not in _PURPOSES:
        raise Refused(f"purpose in Upload-Metadata must be {' or '.join(_PURPOSES)}.")
    return _PURPOSES[value]


def pieces(headers: Mapping[str, str]) -> list[str] | None:
    """Tokens of the uploads that one is to be put together from; None if it is not."""
    concat = headers.get("Upload-Concat", PARTIAL)
    if concat == PARTIAL:
        return None
    urls = concat.removeprefix(_FINAL).split() if concat.startswith(_FINAL) else []
    tokens = [url.rpartition("/")[2] for url in urls]
    if not 1 <= len(set(tokens)) == len(tokens) <= MAX_PARTIALS:
        raise Refused(
            f"Upload-Concat must be `partial`, or `final;` and 1 to {MAX_PARTIALS} different URLs."
        )
    return tokens


def final(urls: Sequence[str]) -> str:
    return _FINAL + " ".join(urls)


def http_date(instant: datetime) -> str:
    return format_datetime(instant.astimezone(UTC), usegmt=True)


def _decoded(name: str, encoded: str) -> bytes:
    try:
        return base64.b64decode(encoded, validate=True)
    except (binascii.Error, ValueError):
        raise Refused(f"{name} is not valid base64.") from None
