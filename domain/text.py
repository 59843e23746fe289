"""Text that callers give us, made safe to store."""

import re
from collections.abc import Sequence

from domain.errors import InvalidArgument, LimitExceeded

MAX_TITLE = 255
MAX_DESCRIPTION = 5_000
MAX_DEVICE_TYPE = 32
MAX_FILE_NAME = 255
MAX_SOURCE_TYPE = 64
MAX_SOURCE_ID = 255
MAX_CONTENT_TYPE = 127

OCTETS = "application/octet-stream"
_CONTENT_TYPE = re.compile(r"[a-z0-9!#$&^_.+-]+/[a-z0-9!#$&^_.+-]+")


def title(value: str) -> str:
    return required("title", value, MAX_TITLE)


def required(name: str, value: str, limit: int, *, path: Sequence[str] = ()) -> str:
    """The text without the spaces around it. `path` is that of its name unless it is given."""
    cleaned = limited(name, value.strip(), limit, path=path)
    if not cleaned:
        raise InvalidArgument(f"The {name} is empty.", path=path or (name,))
    return cleaned


def optional(name: str, value: str | None, limit: int) -> str | None:
    return None if value is None else limited(name, value, limit)


def file_name(value: str | None) -> str | None:
    """The last part of a path, which is only ever shown: keys are never made of it."""
    name = (value or "").replace("\\", "/").rpartition("/")[2].strip()
    return optional("fileName", name, MAX_FILE_NAME) or None


def content_type(value: str | None) -> str:
    """A media type without its parameters; what is none becomes bytes of any kind."""
    kind = (value or "").partition(";")[0].strip().lower()
    fits = len(kind) <= MAX_CONTENT_TYPE and _CONTENT_TYPE.fullmatch(kind)
    return kind if fits else OCTETS


def is_storable(value: str) -> bool:
    """Whether a row can hold it: PostgreSQL refuses to compare other texts with anything."""
    return "\0" not in value and not any("\ud800" <= one <= "\udfff" for one in value)


def limited(name: str, value: str, limit: int, *, path: Sequence[str] = ()) -> str:
    """The text as it is, if it can be stored and has at most so many characters."""
    path = path or (name,)
    if len(value) > limit:
        raise LimitExceeded(f"The length of {name}", limit=limit, actual=len(value), path=path)
    if "\0" in value:
        raise InvalidArgument(f"{name} contains the character U+0000.", path=path)
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidArgument(f"{name} is not valid Unicode.", path=path) from None
    return value
