"""What one request may use, and on whose behalf it acts."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from functools import cached_property
from typing import TypeAlias
from uuid import UUID

from db.bus import EventBus
from db.locks import Locks
from db.reader import Reader
from db.session import Database
from domain import links, trash
from domain.accounts import Viewer
from domain.errors import Unauthenticated
from domain.tokens import Signer
from domain.uploads import UploadLimits
from jobs.queue import Queue
from outbound.addresses import Addresses
from resolvers.gate import Gate
from resolvers.loaders import Loaders
from resolvers.passwords import Passwords
from resolvers.viewers import Viewers
from storage.base import ObjectStore


@dataclass(frozen=True, slots=True)
class FetchRules:
    """What may be fetched from URLs."""

    ports: Collection[int]
    addresses: Addresses
    rows: int
    """URLs of one fetch."""

    def check(self, url: str) -> None:
        """Refuse a URL that cannot be fetched, as far as it tells itself."""
        self.addresses.check_written(links.check(url, ports=self.ports))


@dataclass(frozen=True, slots=True)
class Services:
    """Built once per process and shared by all requests."""

    db: Database
    reader: Reader
    store: ObjectStore
    queue: Queue
    bus: EventBus
    locks: Locks
    upload_links: Signer
    playback_links: Signer
    export_links: Signer
    challenges: Signer
    """Signs possession challenges, and says which pieces they ask for."""
    passwords: Passwords
    viewers: Viewers
    gate: Gate
    limits: UploadLimits
    fetch_rules: FetchRules
    json_in_sql: bool = True
    """Whether PostgreSQL may write the JSON of answers."""
    trash_days: int = trash.DAYS
    """How long deleted videos can be restored."""


Admit: TypeAlias = Callable[[Callable[[], None] | None], None]
"""How a subscription says that whoever joins it now misses nothing; see schema.execution.sharing.

A call with a function: everything is sent anew from here on, and that function makes it happen
once more. A call with None: from here on newcomers are welcome at any time.
"""


def nobody(_again: Callable[[], None] | None) -> None:
    """Nobody else wants to join."""


@dataclass
class Context:
    """One request's view of the product."""

    services: Services
    base_url: str
    """Scheme and host under which the caller reaches this server, without a slash at the end."""
    viewer: Viewer | None = None
    client: str | None = None
    """The address that the request came from, as far as it is known."""
    admit: Admit = nobody

    @cached_property
    def load(self) -> Loaders:
        return Loaders(self.services.reader, self.services.db)

    @property
    def account_id(self) -> UUID:
        """Whose rows there are. The one place where a caller without a key is refused."""
        if self.viewer is None:
            raise Unauthenticated
        return self.viewer.account_id
