"""Whose pages and which networks may play an account's videos."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from domain import links
from domain.error_codes import ErrorCode
from domain.errors import DomainError, InvalidArgument, LimitExceeded, UrlNotAllowed
from domain.links import IpAddress

MAX_REFERRERS: Final = 100
MAX_NETWORKS: Final = 100

IpNetwork: TypeAlias = IPv4Network | IPv6Network

_ANY: Final = "*."
_IPV6: Final = 6
_MAPPED_BITS: Final = 96
"""Of an IPv6 address that stands for one of IPv4: what comes before that."""


class ReferrerNotAllowed(DomainError):
    """The page that plays is none of those that its owner lets play, or is not named."""

    code = ErrorCode.REFERRER_NOT_ALLOWED

    def __init__(self) -> None:
        super().__init__("The owner of this video does not let this page play it.")


class AddressNotAllowed(DomainError):
    """The client's address is none of those that the link, or its owner, lets play."""

    code = ErrorCode.ADDRESS_NOT_ALLOWED

    def __init__(self) -> None:
        super().__init__("This video may not be played from this address.")


@dataclass(frozen=True, slots=True)
class Client:
    """Who asks for a file, as far as the request tells."""

    host: str | None = None
    """Its address; None where there is none, such as on a Unix socket."""
    page: str | None = None
    """URL or origin of the page that plays; None when no page is named."""

    @property
    def address(self) -> IpAddress | None:
        try:
            return address_of(self.host or "")
        except ValueError:
            return None

    @property
    def page_host(self) -> str:
        """The host of the page in lower case; empty when it has none, as a page of an app."""
        try:
            return (urlsplit(self.page or "").hostname or "").rstrip(".")
        except ValueError:
            return ""


@dataclass(frozen=True, slots=True)
class Rules:
    """What an account lets play. Nothing in a list: everything of that kind."""

    referrers: frozenset[str] = frozenset()
    empty_referrer: bool = True
    networks: tuple[IpNetwork, ...] = ()

    def check(self, client: Client) -> None:
        """Raises `ReferrerNotAllowed` or `AddressNotAllowed`."""
        if not (self.empty_referrer if client.page is None else self._has(client)):
            raise ReferrerNotAllowed
        if self.networks:
            address = client.address
            # The address of one family is in no network of the other.
            if address is None or not any(address in one for one in self.networks):
                raise AddressNotAllowed

    def _has(self, client: Client) -> bool:
        if not self.referrers:
            return True
        host = client.page_host
        if host in self.referrers:
            return True
        while "." in host:
            host = host.partition(".")[2]
            if _ANY + host in self.referrers:
                return True
        return False


@lru_cache(maxsize=1_024)
def stored(referrers: tuple[str, ...], networks: tuple[str, ...], *, empty: bool) -> Rules:
    """The rules that a row holds."""
    return Rules(frozenset(referrers), empty, tuple(map(ip_network, networks)))


def referrers(given: Sequence[str]) -> list[str]:
    """Each host in its one spelling, `*.` kept in front, ports left out.

    Raises `InvalidArgument` and `LimitExceeded`.
    """
    _check_count("referrers", given, MAX_REFERRERS)
    return list(dict.fromkeys(_referrer(one, at) for at, one in enumerate(given)))


def networks(given: Sequence[str]) -> list[str]:
    """Each network in its one spelling; an address is a network of itself.

    Raises `InvalidArgument` and `LimitExceeded`.
    """
    _check_count("networks", given, MAX_NETWORKS)
    return list(dict.fromkeys(_network(one, at) for at, one in enumerate(given)))


def address_of(written: str) -> IpAddress:
    """An address in its one form: IPv4 within IPv6 is IPv4. Raises `ValueError`."""
    address = ip_address(written.partition("%")[0])
    return address if address.version != _IPV6 else address.ipv4_mapped or address


def _check_count(name: str, given: Sequence[str], limit: int) -> None:
    if len(given) > limit:
        raise LimitExceeded(f"The number of {name}", limit=limit, actual=len(given), path=[name])


def _referrer(written: str, at: int) -> str:
    name = written.strip()
    is_family = name.startswith(_ANY)
    try:
        host, address = links.host_of(name.removeprefix(_ANY))
    except UrlNotAllowed:
        host, address = "", None
    if not host or (is_family and address is not None):
        raise InvalidArgument(
            f"{written[:255]!r} is no host name, such as shop.example or *.shop.example.",
            path=["referrers", str(at)],
        )
    return f"{_ANY if is_family else ''}{host}"


def _network(written: str, at: int) -> str:
    try:
        network = ip_network(written.strip())
    except ValueError:
        network = None
    if network is None or "%" in written:  # which names a card of one machine
        raise InvalidArgument(
            f"{written[:64]!r} is no network, such as 203.0.113.0/24 or 2001:db8::/32.",
            path=["networks", str(at)],
        )
    return str(_plain(network))


def _plain(network: IpNetwork) -> IpNetwork:
    """IPv4 within IPv6 is IPv4."""
    inner = network.network_address.ipv4_mapped if isinstance(network, IPv6Network) else None
    if inner is None or network.prefixlen < _MAPPED_BITS:
        return network
    return IPv4Network((inner, network.prefixlen - _MAPPED_BITS))
