"""Signed links: a token in the path says what its holder may do, and until when.

A token is base64url(fields + MAC). The MAC is the first 16 bytes of HMAC-SHA256 under a key
derived for the token's purpose, so that one purpose's token never passes for another's.
Checking costs a few microseconds and no I/O.
"""

import base64
import binascii
import hmac
import struct
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from domain.errors import LinkExpired, LinkInvalid

_MAC_BYTES = 16
_EXPIRY = struct.Struct(">I")
_GRANT = struct.Struct(">B16sI")
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token allows: the subject's id, and the instant at which that ends."""

    subject: UUID
    expires_at: datetime
    epoch: int = 0
    """Raised on the subject to end every token given out before."""
    content: UUID | None = None
    """The content whose files may be read, where that is part of the right."""


class Signer:
    """Signs and reads tokens of one purpose, such as "upload" or "playback"."""

    def __init__(self, secret: bytes, purpose: str) -> None:
        self._key = hmac.digest(secret, purpose.encode(), "sha256")

    def sign(self, grant: Grant) -> str:
        fields = _GRANT.pack(_VERSION, grant.subject.bytes, grant.epoch)
        content = b"" if grant.content is None else grant.content.bytes
        return self.seal(fields + content, grant.expires_at)

    def read(self, token: str, *, now: datetime | None = None) -> Grant:
        """Raises `LinkInvalid` or `LinkExpired`."""
        payload, expires_at = self.unseal(token, now=now)
        fields, content = payload[: _GRANT.size], payload[_GRANT.size :]
        if len(fields) != _GRANT.size or len(content) not in (0, 16):
            raise LinkInvalid
        version, subject, epoch = _GRANT.unpack(fields)
        if version != _VERSION:
            raise LinkInvalid
        return Grant(
            UUID(bytes=subject), expires_at, epoch, UUID(bytes=content) if content else None
        )

    def seal(self, payload: bytes, expires_at: datetime) -> str:
        """A token that says `payload` until `expires_at`, to the whole second."""
        fields = _EXPIRY.pack(int(expires_at.timestamp())) + payload
        return base64.urlsafe_b64encode(fields + self._mac(fields)).rstrip(b"=").decode()

    def unseal(self, token: str, *, now: datetime | None = None) -> tuple[bytes, datetime]:
        """What the token says, and until when. Raises `LinkInvalid` or `LinkExpired`."""
        fields = self._verified(token)
        (expiry,) = _EXPIRY.unpack_from(fields)
        expires_at = datetime.fromtimestamp(expiry, UTC)
        if expires_at <= (now or datetime.now(UTC)):
            raise LinkExpired
        return fields[_EXPIRY.size :], expires_at

    def derive(self, payload: bytes) -> bytes:
        """32 bytes that only holders of the key can make of `payload`."""
        return hmac.digest(self._key, b"derive:" + payload, "sha256")

    def _verified(self, token: str) -> bytes:
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise LinkInvalid from None
        fields, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
        if len(fields) < _EXPIRY.size or not hmac.compare_digest(mac, self._mac(fields)):
            raise LinkInvalid
        if token != base64.urlsafe_b64encode(raw).rstrip(b"=").decode():
            raise LinkInvalid  # trailing bits that decode to the same bytes
        return fields

    def _mac(self, fields: bytes) -> bytes:
        return hmac.digest(self._key, fields, "sha256")[:_MAC_BYTES]
