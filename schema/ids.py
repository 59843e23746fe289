"""Global ids that callers send: each must be of a type that fits."""

from collections.abc import Sequence
from uuid import UUID

from strawberry import UNSET

from domain.errors import LimitExceeded, NotFound
from domain.ids import MAX_BATCH, encode, find, split

__all__ = ["MAX_BATCH", "decode", "decode_batch", "decode_optional", "encode", "find", "split"]


def decode(id: str, *kinds: str, path: tuple[str, ...] = ("id",)) -> UUID:
    """The key of an id that must be of one of these types. Raises `NotFound`."""
    parts = split(id)
    if parts is None or parts[0] not in kinds:
        raise NotFound(" or ".join(kinds), id, path=path)
    return parts[1]


def decode_optional(id: str | None, *kinds: str, path: tuple[str, ...] = ("id",)) -> UUID | None:
    """The same of an argument that may be left out or null; "" is an id like any other."""
    return None if id is None or id is UNSET else decode(id, *kinds, path=path)


def decode_batch(given: Sequence[str], *kinds: str) -> list[UUID]:
    """The keys of a mutation's `ids`, each once. Raises `LimitExceeded` or `NotFound`."""
    if len(given) > MAX_BATCH:
        raise LimitExceeded("The number of ids", limit=MAX_BATCH, actual=len(given), path=("ids",))
    return list(dict.fromkeys(decode(one, *kinds, path=("ids",)) for one in given))
