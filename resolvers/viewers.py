"""Who is calling."""

import time
from collections import OrderedDict

from db import accounts
from db.session import Database
from domain.accounts import Viewer, digest
from domain.errors import Unauthenticated

_REMEMBER_S = 5
"""A revoked key stops working after this time at the latest."""
_REMEMBERED = 1024


class Viewers:
    """Finds whom an API key stands for, and remembers it for a few seconds."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._known: OrderedDict[bytes, tuple[float, Viewer]] = OrderedDict()

    async def of(self, authorization: str | None) -> Viewer | None:
        """None without credentials; raises `Unauthenticated` for bad ones."""
        if authorization is None:
            return None
        scheme, _, api_key = authorization.strip().partition(" ")
        if scheme.lower() != "bearer" or not api_key:
            raise Unauthenticated
        return await self._find(api_key.strip())

    async def _find(self, api_key: str) -> Viewer:
        key = digest(api_key)
        until, viewer = self._known.get(key, (0.0, None))
        if viewer is None or until < time.monotonic():
            async with self._db.read() as session:
                viewer = await accounts.viewer_of(session, api_key)
            if viewer is None:
                raise Unauthenticated("This API key is unknown or was revoked.")
            self._known[key] = (time.monotonic() + _REMEMBER_S, viewer)
            self._known.move_to_end(key)
            if len(self._known) > _REMEMBERED:
                self._known.popitem(last=False)
        return viewer
