"""What an owner says of a video, made safe to store."""

import re
from collections.abc import Sequence
from typing import Final

from domain import links
from domain.errors import InvalidArgument, LimitExceeded, UrlNotAllowed
from domain.text import limited, required

MAX_TAGS: Final = 50
MAX_TAG: Final = 64
MAX_PHONE: Final = 32
MAX_PLAYER_ID: Final = 64
MAX_PLAYER_NAME: Final = 255
MAX_DOMAIN: Final = 253

_PHONE: Final = re.compile(r"[0-9+#*()./ -]*[0-9][0-9+#*()./ -]*")
_LABEL: Final = r"(?!-)[a-z0-9-]{1,63}(?<!-)"
_DOMAIN: Final = re.compile(rf"({_LABEL}\.)*(?![0-9]+$){_LABEL}")
"""What ends in a number is an address, and no name."""


def check_moment(at_ms: int, duration_ms: int, *, path: Sequence[str]) -> None:
    """Refuse a moment that a video which lasts so long does not have; its end is one of it."""
    if not 0 <= at_ms <= duration_ms:
        raise InvalidArgument(
            f"The video has no moment {at_ms}; they are 0 to {duration_ms} ms.", path=path
        )


def tags(values: Sequence[str]) -> list[str]:
    """Each once, without the spaces around it, in the order in which they come first."""
    if len(values) > MAX_TAGS:
        raise LimitExceeded("The number of tags", limit=MAX_TAGS, actual=len(values), path=["tags"])
    return list(dict.fromkeys(_tag(place, one) for place, one in enumerate(values)))


def _tag(place: int, value: str) -> str:
    return required("tag", value, MAX_TAG, path=["tags", str(place)])


def phone(value: str | None) -> str | None:
    """A number as people write it; None for an empty one."""
    number = limited("ownerPhone", (value or "").strip(), MAX_PHONE)
    if number and not _PHONE.fullmatch(number):
        raise InvalidArgument(
            "A phone number has digits, and at most + # * ( ) . / - and spaces beside them.",
            path=["ownerPhone"],
        )
    return number or None


def publish_domain(value: str | None) -> str | None:
    """A host name in ASCII and lower case, without a dot at its end; None for an empty one."""
    written = limited("publishDomain", (value or "").strip(), MAX_DOMAIN)
    if not written:
        return None
    try:
        name = links.in_ascii(written).removesuffix(".")
    except UrlNotAllowed:
        raise _no_host() from None
    if len(name) > MAX_DOMAIN or not _DOMAIN.fullmatch(name):
        raise _no_host()
    return name


def _no_host() -> InvalidArgument:
    return InvalidArgument(
        "The publish domain is no host name, such as www.example.com.", path=["publishDomain"]
    )


def player_id(value: str | None) -> str | None:
    return _in_player("id", value, MAX_PLAYER_ID)


def player_name(value: str | None) -> str | None:
    return _in_player("name", value, MAX_PLAYER_NAME)


def _in_player(name: str, value: str | None, limit: int) -> str | None:
    return limited(name, (value or "").strip(), limit, path=["player", name]) or None
