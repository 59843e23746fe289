"""Passwords of shared videos: which there may be, and how they are stored.

A password is what a person types, so it is compared as its text in Unicode's form NFC: an é is
the same however a keyboard made it. Nothing else is changed; case and spaces count.
"""

import base64
import hashlib
import hmac
import secrets
import unicodedata
from collections import OrderedDict
from typing import Final
from uuid import UUID

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from domain.error_codes import ErrorCode
from domain.errors import LimitExceeded

MAX_PASSWORD: Final = 16
"""Characters (code points), as they were sent or in NFC, whichever are fewer."""
LONGEST_SENT: Final = 256
"""No form of any password has more. Sorting the marks of a long text could take minutes."""

_COST: Final = (1 << 14, 8, 1)
"""N, r and p of scrypt (RFC 7914): 16 MiB and about 40 ms. Stored with each password."""
_MAX_MEMORY: Final = 64 << 20
_SALT_BYTES: Final = 16
_DIGEST_BYTES: Final = 32
_NONCE_BYTES: Final = 12
_RECALLED: Final = 1_000


class PasswordTooLong(LimitExceeded):
    code = ErrorCode.PASSWORD_TOO_LONG


def checked(password: str) -> str:
    """The password in NFC. Raises `PasswordTooLong`."""
    plain = _normal(password)
    length = min(len(password), len(plain))
    if length > MAX_PASSWORD:
        raise PasswordTooLong(
            "The length of password", limit=MAX_PASSWORD, actual=length, path=("password",)
        )
    return plain


def digest(password: str) -> str:
    """The stored form of a password in NFC. Takes tens of milliseconds, so not on an event loop."""
    salt = secrets.token_bytes(_SALT_BYTES)
    derived = _scrypt(password, salt, _COST)
    return "$".join(("scrypt", *map(str, _COST), _text(salt), _text(derived)))


def matches(password: str, stored: str) -> bool:
    """Whether the password, in whichever form, is the stored one. Takes as long as `digest`."""
    _, n, r, p, salt, expected = stored.split("$")
    derived = _scrypt(_normal(password), base64.b64decode(salt), (int(n), int(r), int(p)))
    return hmac.compare_digest(derived, base64.b64decode(expected))


class Memory:
    """Recalls the right passwords of late, which many viewers send, without working them out.

    What it holds tells nothing to who has not its key, which is never stored. Old ones make room.
    """

    def __init__(self) -> None:
        self._key = secrets.token_bytes(_DIGEST_BYTES)
        self._right: OrderedDict[bytes, None] = OrderedDict()

    def keep(self, password: str, stored: str) -> None:
        self._right[self._name(password, stored)] = None
        if len(self._right) > _RECALLED:
            self._right.popitem(last=False)

    def recalls(self, password: str, stored: str) -> bool:
        """Whether it was kept as the right one; False says nothing."""
        name = self._name(password, stored)
        if name not in self._right:
            return False
        self._right.move_to_end(name)
        return True

    def _name(self, password: str, stored: str) -> bytes:
        return hmac.digest(self._key, f"{stored} {_normal(password)}".encode(), "sha256")


class Seal:
    """Keeps passwords so that only who has the key can read them again. `key` has 32 bytes."""

    def __init__(self, key: bytes) -> None:
        self._cipher = AESGCM(key)

    def close(self, password: str, of: UUID) -> bytes:
        """The password, sealed for one subject: under another's name it cannot be read."""
        nonce = secrets.token_bytes(_NONCE_BYTES)
        return nonce + self._cipher.encrypt(nonce, password.encode(), of.bytes)

    def open(self, sealed: bytes, of: UUID) -> str | None:
        """None for what this key has not sealed for this subject."""
        nonce, text = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
        try:
            return self._cipher.decrypt(nonce, text, of.bytes).decode()
        except InvalidTag:
            return None


def _normal(password: str) -> str:
    return password if len(password) > LONGEST_SENT else unicodedata.normalize("NFC", password)


def _scrypt(password: str, salt: bytes, cost: tuple[int, int, int]) -> bytes:
    # Of the SHA-256: HMAC fills keys up with zeros, so scrypt takes "a" and "a\0" for the same.
    n, r, p = cost
    hashed = hashlib.sha256(password.encode()).digest()
    return hashlib.scrypt(hashed, salt=salt, n=n, r=r, p=p, maxmem=_MAX_MEMORY, dklen=_DIGEST_BYTES)


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()
