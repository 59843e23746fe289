"""Text that callers give us, made safe to store."""

from domain.errors import InvalidArgument, LimitExceeded

MAX_TITLE = 255
MAX_DESCRIPTION = 5_000
MAX_DEVICE_TYPE = 32


def title(value: str) -> str:
    cleaned = _checked("title", value.strip(), MAX_TITLE)
    if not cleaned:
        raise InvalidArgument("The title is empty.", path=("title",))
    return cleaned


def optional(name: str, value: str | None, limit: int) -> str | None:
    return None if value is None else _checked(name, value, limit)


def _checked(name: str, value: str, limit: int) -> str:
    if len(value) > limit:
        raise LimitExceeded(f"The length of {name}", limit=limit, actual=len(value), path=(name,))
    if "\0" in value:
        raise InvalidArgument(f"{name} contains the character U+0000.", path=(name,))
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidArgument(f"{name} is not valid Unicode.", path=(name,)) from None
    return value
