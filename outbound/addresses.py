"""Which IP addresses we connect to on behalf of others: those of the public internet only."""

import asyncio
import socket
from collections.abc import Awaitable, Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from ipaddress import IPv4Address, IPv6Address, IPv6Network, ip_address, ip_network
from typing import Final, TypeAlias

from domain.errors import UrlNotAllowed
from domain.links import IpAddress, Link

Resolve: TypeAlias = Callable[[str], Awaitable[Sequence[str]]]
"""The addresses of a name; raises `OSError` when there are none."""

_GLOBAL_UNICAST: Final = IPv6Network("2000::/3")
"""All that has ever been given out. Outside of it lie the embeddings of IPv4 (`::/96`,
`::ffff:0:0/96`, NAT64), private, local and multicast addresses.
"""
_REFUSED: Final = [
    ip_network(each)
    for each in (
        "168.63.129.16/32",  # a cloud's service for its machines, at a public address
        "192.0.0.0/24",  # protocols, another cloud's service
        "192.88.99.0/24",  # relays of 6to4
        "224.0.0.0/4",  # multicast
        "2001::/23",  # protocols, Teredo: parts of it pass since Python 3.11.10
        "2002::/16",  # 6to4: an IPv4 address inside
        "3fff::/20",  # documentation
    )
]
"""What `is_global` lets pass, in one version of Python or another."""
_LOOPBACK: Final = ("127.0.0.1", "::1")
_LOOKING_UP: Final = ThreadPoolExecutor(16, thread_name_prefix="look-up")
"""Names of strangers' servers can take minutes: nothing else waits for these threads."""


class Addresses:
    """The addresses that may be connected to.

    `extra` are networks that the operator allows besides, such as those of an intranet.
    """

    def __init__(self, extra: Iterable[str] = ()) -> None:
        self._extra = [ip_network(each) for each in extra]

    def allow(self, address: IpAddress) -> bool:
        return any(address in network for network in self._extra) or _is_public(address)

    def check(self, answer: Iterable[IpAddress]) -> None:
        """Refuse the whole answer for one bad address: a good one beside it may be a disguise.

        The message does not tell the address, which may be a secret of our network.
        """
        if not all(self.allow(address) for address in answer):
            raise UrlNotAllowed("The server's address is not one of the public internet.")

    def check_written(self, link: Link) -> None:
        """Refuse a URL that says itself where it leads, and leads where we do not go."""
        if link.address:
            self.check([link.address])
        elif _is_local(link.host):
            self.check(map(ip_address, _LOOPBACK))


def _is_public(address: IpAddress) -> bool:
    return (
        address.is_global
        and not (isinstance(address, IPv6Address) and address not in _GLOBAL_UNICAST)
        and not any(address in network for network in _REFUSED)
    )


async def look_up(host: str, resolve: Resolve) -> Sequence[IPv4Address | IPv6Address]:
    """The addresses of a name. `localhost` never leaves this machine (RFC 6761, section 6.3)."""
    found = _LOOPBACK if _is_local(host) else await resolve(host)
    return [ip_address(each) for each in dict.fromkeys(found)]


def _is_local(host: str) -> bool:
    return host == "localhost" or host.endswith(".localhost")


async def system_resolve(host: str) -> Sequence[str]:
    loop = asyncio.get_running_loop()
    look = partial(socket.getaddrinfo, host, None, type=socket.SOCK_STREAM)
    found = await loop.run_in_executor(_LOOKING_UP, look)
    return [str(place[0]) for *_, place in found]
