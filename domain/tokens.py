"""Signed links: a token in the path says what its holder may do, and until when.

The fields begin with the end and a version: the first says what nearly every link does, the second
has restrictions, too. Both are read.

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
from enum import IntFlag
from ipaddress import ip_address
from uuid import UUID

from domain.errors import LinkExpired, LinkInvalid
from domain.links import IpAddress

_MAC_BYTES = 16
_EXPIRY = struct.Struct(">I")
_GRANT = struct.Struct(">B16sI")
_PLAIN, _RESTRICTED = 1, 2
_ID_BYTES, _IPV4_BYTES, _IPV6_BYTES = 16, 4, 16


class _Says(IntFlag):
    """What a restricted token has behind its fields, in this order."""

    CONTENT = 1
    IPV4 = 2
    IPV6 = 4
    ONCE = 8
    PICTURES = 16
    PUBLIC = 32
    VIEWER = 64
    STREAMS_ONLY = 128


@dataclass(frozen=True, slots=True)
class Grant:
    """What a token allows: the subject's id, and the instant at which that ends."""

    subject: UUID
    expires_at: datetime
    epoch: int = 0
    """Raised on the subject to end every token given out before."""
    content: UUID | None = None
    """The content whose files may be read, where that is part of the right."""
    address: IpAddress | None = None
    """The only client that may use it."""
    once: UUID | None = None
    """The name under which its one use is remembered."""
    pictures: bool = False
    """Whether it is for the cover and the storyboard alone."""
    public: bool = False
    """Whether it was given out to anybody who asked, and not at its owner's wish."""
    streams_only: bool = False
    """Whether the file as it was uploaded is kept back."""
    viewer: str | None = None
    """Who plays, as the owner's system names them; for whoever counts plays."""

    @property
    def is_restricted(self) -> bool:
        flags = self.pictures or self.public or self.streams_only
        return bool(self.address or self.once or self.viewer or flags)


class Signer:
    """Signs and reads tokens of one purpose, such as "upload" or "playback"."""

    def __init__(self, secret: bytes, purpose: str) -> None:
        self._key = hmac.digest(secret, purpose.encode(), "sha256")

    def sign(self, grant: Grant) -> str:
        version = _RESTRICTED if grant.is_restricted else _PLAIN
        fields = _GRANT.pack(version, grant.subject.bytes, grant.epoch)
        if version == _RESTRICTED:
            return self.seal(fields + _restrictions(grant), grant.expires_at)
        content = b"" if grant.content is None else grant.content.bytes
        return self.seal(fields + content, grant.expires_at)

    def read(self, token: str, *, now: datetime | None = None) -> Grant:
        """Raises `LinkInvalid` or `LinkExpired`."""
        payload, expires_at = self.unseal(token, now=now)
        fields, rest = payload[: _GRANT.size], payload[_GRANT.size :]
        if len(fields) != _GRANT.size:
            raise LinkInvalid
        version, subject, epoch = _GRANT.unpack(fields)
        if version == _RESTRICTED:
            return _restricted(UUID(bytes=subject), expires_at, epoch, rest)
        if version != _PLAIN or len(rest) not in (0, _ID_BYTES):
            raise LinkInvalid
        return Grant(UUID(bytes=subject), expires_at, epoch, UUID(bytes=rest) if rest else None)

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


def _restrictions(grant: Grant) -> bytes:
    parts = {
        _Says.CONTENT: grant.content.bytes if grant.content else b"",
        _Says.IPV4 if grant.address and grant.address.version == 4 else _Says.IPV6: (  # noqa: PLR2004
            grant.address.packed if grant.address else b""
        ),
        _Says.ONCE: grant.once.bytes if grant.once else b"",
        _Says.VIEWER: (grant.viewer or "").encode(),
    }
    says = sum(flag for flag, part in parts.items() if part)
    says += grant.pictures * _Says.PICTURES + grant.public * _Says.PUBLIC
    says += grant.streams_only * _Says.STREAMS_ONLY
    return bytes([says]) + b"".join(parts.values())


def _restricted(subject: UUID, expires_at: datetime, epoch: int, rest: bytes) -> Grant:
    """The grant of fields that we signed ourselves, so nothing but their version can be wrong."""
    says, place = rest[0], 1

    def taken(flag: _Says, size: int) -> bytes | None:
        nonlocal place
        if not says & flag:
            return None
        place += size
        return rest[place - size : place]

    content = taken(_Says.CONTENT, _ID_BYTES)
    address = taken(_Says.IPV4, _IPV4_BYTES) or taken(_Says.IPV6, _IPV6_BYTES)
    once = taken(_Says.ONCE, _ID_BYTES)
    return Grant(
        subject,
        expires_at,
        epoch,
        UUID(bytes=content) if content else None,
        ip_address(address) if address else None,
        UUID(bytes=once) if once else None,
        pictures=bool(says & _Says.PICTURES),
        public=bool(says & _Says.PUBLIC),
        streams_only=bool(says & _Says.STREAMS_ONLY),
        viewer=rest[place:].decode() if says & _Says.VIEWER else None,
    )
