"""Who may see a video without a key of its account, and how often they may guess."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import IPv4Address, IPv6Network
from typing import ClassVar, Final, TypeAlias
from uuid import UUID

from domain.playback_rules import address_of
from domain.videos import ShareState

MAX_WRONG: Final = 10
"""Wrong passwords of one caller for one video, in a `WINDOW`."""
MAX_WRONG_OF_ALL: Final = 100
"""Wrong passwords for one video, whoever sent them, in a `WINDOW`."""
WINDOW: Final = timedelta(minutes=1)

_OPENNESS: Final = {ShareState.PRIVATE: 0, ShareState.PASSWORD: 1, ShareState.PUBLIC: 2}
_HOME: Final = 64
"""The prefix of IPv6 that one home or one machine has all addresses of."""


def is_less_open(after: ShareState, before: ShareState) -> bool:
    return _OPENNESS[after] < _OPENNESS[before]


@dataclass(frozen=True, slots=True)
class NotAvailable:
    """There is no such video, or it is not shared: the two look the same."""

    message: ClassVar = "There is no video here for viewers."


@dataclass(frozen=True, slots=True)
class PasswordRequired:
    """The video has a password, and none was sent."""

    message: ClassVar = "The video has a password: send it."


@dataclass(frozen=True, slots=True)
class PasswordWrong:
    message: ClassVar = "This is not the password of the video."
    attempts_left: int


@dataclass(frozen=True, slots=True)
class Locked:
    """There were too many wrong passwords: nobody looked at this one."""

    message: ClassVar = "There were too many wrong passwords. Try again later."
    retry_at: datetime


Refusal: TypeAlias = NotAvailable | PasswordRequired | PasswordWrong | Locked


@dataclass(frozen=True, slots=True)
class Wrong:
    """When wrong passwords for a video came within the last `WINDOW`, the latest first."""

    of_caller: Sequence[datetime]
    of_all: Sequence[datetime]
    """Those of the caller are among them."""

    @property
    def left(self) -> int:
        """How many more the caller may send."""
        return max(0, min(MAX_WRONG - len(self.of_caller), MAX_WRONG_OF_ALL - len(self.of_all)))

    @property
    def retry_at(self) -> datetime | None:
        """When the caller may send one again, if no more come; None when that is now."""
        limits = ((self.of_caller, MAX_WRONG), (self.of_all, MAX_WRONG_OF_ALL))
        ends = [times[most - 1] + WINDOW for times, most in limits if len(times) >= most]
        return max(ends, default=None)


def caller_of(account_id: UUID | None, client: str | None) -> str:
    """Under which name a caller's tries are counted, at most 64 characters.

    Who has a key is its account. Who has none is an address, or the network of IPv6 that is
    handed out as one; whoever has no address that we know of is the same as all others of these.
    """
    if account_id is not None:
        return f"account:{account_id}"
    return f"address:{_place(client)}"


def _place(client: str | None) -> str:
    try:
        address = address_of(client or "")
    except ValueError:
        return "unknown"
    if isinstance(address, IPv4Address):
        return str(address)
    return str(IPv6Network((int(address), _HOME), strict=False))
