"""Global ids: opaque to callers, base64 of `Type:key` to us."""

import base64
import binascii
from typing import Final
from uuid import UUID

MAX_BATCH: Final = 500
"""Ids that one mutation may name."""


def encode(type_name: str, key: UUID | str) -> str:
    return base64.b64encode(f"{type_name}:{key}".encode()).decode()


def split(id: str) -> tuple[str, UUID] | None:
    """Type and key; None for what is no id of ours."""
    try:
        type_name, _, key = base64.b64decode(id, validate=True).decode().partition(":")
        return type_name, UUID(key)
    except (binascii.Error, ValueError):
        return None


def find(id: str, *kinds: str) -> UUID | None:
    """The key, or None when the id is of another type or of none."""
    parts = split(id)
    return parts[1] if parts is not None and parts[0] in kinds else None
