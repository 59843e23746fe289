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
_FIELDS = struct.Struct(">B16sII")
_VERSION = 1


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token allows: the subject's id, and the instant at which that ends."""

    subject: UUID
    expires_at: datetime
    epoch: int = 0
    """Raised on the subject to end every token given out before."""


class Signer:
    """Signs and reads tokens of one purpose, such as "upload" or "playback"."""

    def __init__(self, secret: bytes, purpose: str) -> None:
        self._key = hmac.digest(secret, purpose.encode(), "sha256")

    def sign(self, grant: Grant) -> str:
        expiry = int(grant.expires_at.timestamp())
        fields = _FIELDS.pack(_VERSION, grant.subject.bytes, grant.epoch, expiry)
        return base64.urlsafe_b64encode(fields + self._mac(fields)).rstrip(b"=").decode()

    def read(self, token: str, *, now: datetime | None = None) -> Grant:
        """Raises `LinkInvalid` or `LinkExpired`."""
        fields = self._verified(token)
        version, subject, epoch, expiry = _FIELDS.unpack(fields)
        if version != _VERSION:
            raise LinkInvalid
        expires_at = datetime.fromtimestamp(expiry, UTC)
        if expires_at <= (now or datetime.now(UTC)):
            raise LinkExpired
        return Grant(UUID(bytes=subject), expires_at, epoch)

    def _verified(self, token: str) -> bytes:
        try:
            raw = base64.b64decode(token + "=" * (-len(token) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise LinkInvalid from None
        fields, mac = raw[:-_MAC_BYTES], raw[-_MAC_BYTES:]
        if len(fields) != _FIELDS.size or not hmac.compare_digest(mac, self._mac(fields)):
            raise LinkInvalid
        if token != base64.urlsafe_b64encode(raw).rstrip(b"=").decode():
            raise LinkInvalid  # trailing bits that decode to the same bytes
        return fields

    def _mac(self, fields: bytes) -> bytes:
        return hmac.digest(self._key, fields, "sha256")[:_MAC_BYTES]
