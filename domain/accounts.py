"""Who calls, and with what right."""

import hashlib
import secrets
from typing import NamedTuple
from uuid import UUID

KEY_PREFIX = "rg_"


class Viewer(NamedTuple):
    """The account on whose behalf a request is made."""

    account_id: UUID
    api_key_id: UUID


def new_api_key() -> str:
    """A secret of 256 bits. Only its digest is stored."""
    return KEY_PREFIX + secrets.token_urlsafe(32)


def digest(api_key: str) -> bytes:
    """The stored form. The secret is random, so a fast hash is enough."""
    return hashlib.sha256(api_key.encode()).digest()
