"""Who is calling."""

import time
from collections import OrderedDict

from db import accounts
from db.session import Database
from domain.accounts import Viewer
from domain.errors import Unauthenticated

_REMEMBER_S = 5
"""A revoked key stops working after this time at the latest."""
_REMEMBERED = 1024


class Viewers:
    """Finds whom an API key stands for, and remembers it for a few seconds."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._lately: OrderedDict[str, tuple[float, Viewer]] = OrderedDict()
        """By the whole header: hashing the key each time would cost as much as reading a row."""

    async def of(self, authorization: str | None) -> Viewer | None:
        """None without credentials; raises `Unauthenticated` for bad ones."""
        if authorization is None:
            return None
        until, viewer = self._lately.get(authorization, (0.0, None))
        if viewer is None or until < time.monotonic():
            viewer = await self._read(authorization)
        return viewer

    async def _read(self, authorization: str) -> Viewer:
        scheme, _, api_key = authorization.strip().partition(" ")
        if scheme.lower() != "bearer" or not api_key:
            raise Unauthenticated
        async with self._db.read() as session:
            viewer = await accounts.viewer_of(session, api_key.strip())
        if viewer is None:
            raise Unauthenticated("This API key is unknown or was revoked.")
        self._lately[authorization] = (time.monotonic() + _REMEMBER_S, viewer)
        self._lately.move_to_end(authorization)
        if len(self._lately) > _REMEMBERED:
            self._lately.popitem(last=False)
        return viewer
