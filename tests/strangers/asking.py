"""A client that hardly anything is allowed to, and what it is answered."""

import ssl

from outbound.addresses import Addresses
from outbound.client import Client
from tests.strangers.conftest import ANY_PORT, LAN, Names


def lost(
    names: Names,
    *,
    tls: ssl.SSLContext | None = None,
    connect_timeout_s: float = 10,
    answer_timeout_s: float = 10,
) -> Client:
    """A client to which nothing is allowed but `LAN`."""
    return Client(
        addresses=Addresses(LAN),
        ports=ANY_PORT,
        resolve=names.resolve,
        tls=tls,
        connect_timeout_s=connect_timeout_s,
        answer_timeout_s=answer_timeout_s,
    )


async def status(client: Client, url: str) -> int:
    async with client.opened(url) as response:
        return response.status
