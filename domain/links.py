"""URLs of strangers' servers: which ones we may ask, by their form alone.

What a name stands for is known only when a connection is made: `outbound.addresses` judges that,
and the addresses that are written in a URL.
"""

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Final, TypeAlias
from urllib.parse import SplitResult, quote, urlsplit

import idna

from domain.errors import LimitExceeded, UrlNotAllowed

MAX_URL = 1_000
"""Characters."""
PORTS: Final = frozenset({80, 443, 8080, 8443})
"""Those that are asked when the operator says nothing else."""

IpAddress: TypeAlias = IPv4Address | IPv6Address

_DEFAULT_PORTS: Final = {"http": 80, "https": 443}
_FORBIDDEN: Final = {"Cc", "Cs", "Zl", "Zp", "Zs"}
"""Unicode categories: control characters, halves of characters, every kind of space."""
_PLACE: Final = re.compile(r"(\[(?P<ipv6>[^\[\]]*)\]|(?P<name>[^\[\]:]+))(:(?P<port>[0-9]{0,5}))?")
_NAME: Final = re.compile(r"(?!-)[a-z0-9_-]{1,63}(?<!-)(\.(?!-)[a-z0-9_-]{1,63}(?<!-))*")
_MAX_NAME: Final = 253
_OCTAL: Final = re.compile(r"0[0-7]*")
_HEXADECIMAL: Final = re.compile(r"0x[0-9a-f]*")
_DECIMAL: Final = re.compile(r"[1-9][0-9]*")
_NUMERIC: Final = re.compile(r"[0-9]+|0x[0-9a-f]*")
_KEPT: Final = "%/:@!$&'()*+,;=~?[]"
"""Signs of a path or query that stay as they are, besides letters and digits."""


@dataclass(frozen=True, slots=True)
class Link:
    """A URL in parts, each in one spelling only.

    Requests are made of these parts and never of the caller's text, so that nothing which reads
    the text in another way can be led elsewhere.
    """

    scheme: str
    """`http` or `https`."""
    host: str
    """In ASCII and lower case, with no dot at its end; an address in its usual form."""
    port: int
    target: str
    """Path and query, encoded; begins with `/`. The fragment is gone: servers never see it."""
    address: IpAddress | None = None
    """What `host` is, unless it is a name."""

    @property
    def url(self) -> str:
        host = f"[{self.host}]" if isinstance(self.address, IPv6Address) else self.host
        port = "" if self.port == _DEFAULT_PORTS[self.scheme] else f":{self.port}"
        return f"{self.scheme}://{host}{port}{self.target}"


def check(url: str, *, ports: Collection[int] = PORTS, most: int = MAX_URL) -> Link:
    """The link, if its form is one that we ask for. `most` is in characters.

    Raises `LimitExceeded` for its length, and else `UrlNotAllowed`.
    """
    if len(url) > most:
        raise LimitExceeded("The length of the URL", limit=most, actual=len(url))
    _check_characters(url)
    parts = _split(url)
    host, address, written_port = _place(parts.netloc)
    port = int(written_port or _DEFAULT_PORTS[parts.scheme])
    if port not in ports:
        raise UrlNotAllowed(f"Port {port} is not one of {_listed(ports)}.")
    return Link(parts.scheme, host, port, _target(parts), address)


def host_of(written: str) -> tuple[str, IpAddress | None]:
    """The one spelling of the host in `host` or `host:port`, and what it is unless it is a name.

    Raises `UrlNotAllowed`.
    """
    _check_characters(written)
    host, address, _ = _place(written)
    return host, address


def _place(written: str) -> tuple[str, IpAddress | None, str | None]:
    """Host, address and port of the part of a URL that says where."""
    place = _PLACE.fullmatch(written)
    if not place:
        raise UrlNotAllowed("The URL's host or port cannot be read.")
    host, address = _named(place["name"]) if place["name"] else _bracketed(place["ipv6"])
    return host, address, place["port"]


def _check_characters(url: str) -> None:
    for place, character in enumerate(url, start=1):
        if character == "\\" or unicodedata.category(character) in _FORBIDDEN:
            name = f"U+{ord(character):04X}"
            raise UrlNotAllowed(f"Character {place} of the URL, {name}, is not allowed.")


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
    except ValueError:  # such as a bracket that is never closed
        raise UrlNotAllowed("The URL cannot be read.") from None
    if parts.scheme not in _DEFAULT_PORTS:
        raise UrlNotAllowed("The URL must begin with http:// or https://.")
    if "@" in parts.netloc:
        raise UrlNotAllowed("The URL must not contain a user name or a password.")
    return parts


def _listed(ports: Collection[int]) -> str:
    return ", ".join(map(str, sorted(ports)))


def _bracketed(written: str) -> tuple[str, IpAddress]:
    try:
        address = IPv6Address(written)
    except ValueError:
        raise UrlNotAllowed("The URL's IPv6 address is not one.") from None
    if address.scope_id is not None:
        raise UrlNotAllowed("The URL's IPv6 address names a network card.")
    return str(address), address


def _named(written: str) -> tuple[str, IpAddress | None]:
    """A name, or an IPv4 address: what ends in a number is never a name."""
    name = in_ascii(written).removesuffix(".")
    if _NUMERIC.fullmatch(name.rpartition(".")[2]):
        address = _ipv4(name)
        return str(address), address
    if len(name) > _MAX_NAME or not _NAME.fullmatch(name):
        raise UrlNotAllowed("The URL has no host, or one that cannot exist.")
    return name, None


def in_ascii(host: str) -> str:
    """The host as resolvers get it (UTS #46): ideographic dots and wide letters are plain ones.

    Raises `UrlNotAllowed`.
    """
    try:
        plain = idna.uts46_remap(host, std3_rules=False)
        return plain if plain.isascii() else idna.encode(plain).decode()
    except idna.IDNAError:
        raise UrlNotAllowed("The URL's host is no international domain name.") from None


def _ipv4(name: str) -> IPv4Address:
    """What inet_aton makes of it: up to four numbers, the last one filling what is left of 32 bits.

    A number may be octal or hexadecimal.
    """
    *heads, last = [_number(part) for part in name.split(".")]
    room = 32 - 8 * len(heads)
    if room < 8 or any(head > 0xFF for head in heads) or last >> room:  # noqa: PLR2004 - bits
        raise UrlNotAllowed("The URL's IPv4 address is not one.")
    value = last
    for place, head in enumerate(heads):
        value |= head << (24 - 8 * place)
    return IPv4Address(value)


def _number(part: str) -> int:
    if _OCTAL.fullmatch(part):
        return int(part, 8)
    if _HEXADECIMAL.fullmatch(part):
        return int(part[2:] or "0", 16)
    if _DECIMAL.fullmatch(part):
        return int(part)
    raise UrlNotAllowed("The URL's IPv4 address is not one.")


def _target(parts: SplitResult) -> str:
    query = f"?{parts.query}" if parts.query else ""
    return quote(f"{parts.path or '/'}{query}", safe=_KEPT)
