"""Global ids: opaque to callers, base64 of `Type:key` to us."""

import base64
import binascii
from collections.abc import Sequence
from typing import Final
from uuid import UUID

from strawberry import UNSET

from domain.errors import LimitExceeded, NotFound

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


def decode(id: str, *kinds: str, path: tuple[str, ...] = ("id",)) -> UUID:
    """The key of an id that must be of one of these types. Raises `NotFound`."""
    parts = split(id)
    if parts is None or parts[0] not in kinds:
        raise NotFound(" or ".join(kinds), id, path=path)
    return parts[1]


def decode_optional(id: str | None, *kinds: str, path: tuple[str, ...] = ("id",)) -> UUID | None:
    """The same of an argument that may be left out or null; "" is an id like any other."""
    return None if id is None or id is UNSET else decode(id, *kinds, path=path)


def find(id: str, *kinds: str) -> UUID | None:
    """The key, or None when the id is of another type or of none."""
    parts = split(id)
    return parts[1] if parts is not None and parts[0] in kinds else None


def decode_batch(given: Sequence[str], *kinds: str) -> list[UUID]:
    """The keys of a mutation's `ids`, each once. Raises `LimitExceeded` or `NotFound`."""
    if len(given) > MAX_BATCH:
        raise LimitExceeded("The number of ids", limit=MAX_BATCH, actual=len(given), path=("ids",))
    return list(dict.fromkeys(decode(one, *kinds, path=("ids",)) for one in given))
