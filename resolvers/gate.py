"""Who may play at this moment: what this process knows of the videos that are being played.

A link says what it allows. Whether it still holds is a matter of the video and its account, which
the database knows; players ask several times a second. So each video that is played is read once,
and again when the bus says that it has changed. What the bus could not tell is found by one
statement for all of them, `POLL_S` after the one before.

While the database does not answer, playing goes on for `TRUSTED_S` with what is known; then
nobody plays until it does.
"""

import asyncio
import logging
import math
import time
from collections import OrderedDict
from collections.abc import Sequence
from contextlib import suppress
from typing import Final
from uuid import UUID

from db.bus import EventBus
from db.standings import ANSWER_S, Standings
from domain.errors import DomainError
from domain.events import topic
from domain.playback import PlaybackUnavailable, Standing, check
from domain.playback_rules import Client
from domain.playlists import Variant
from domain.tokens import Grant

log = logging.getLogger(__name__)

POLL_S: Final = 0.6
"""With the statement itself, what was changed counts within a second."""
FRESH_S: Final = 0.1
"""How old what is known may be to refuse somebody: a video may just have come back."""
TRUSTED_S: Final = 30
"""How long playing goes on while the database does not answer."""
COOL_S: Final = 30
"""A video that nobody asked for in this time is not being played any more."""
MOST: Final = 5_000
"""Videos that are known at once; the least lately used one makes room."""

RULES: Final = "account-rules"
"""The kind of topic under which a change of an account's rules is told."""


class Played:
    """One video that is being played."""

    def __init__(self, id: UUID) -> None:
        self.id = id
        self.standing: Standing | None = None
        """None: there is no such video, or it was not read yet."""
        self.variants: tuple[Sequence[UUID], Sequence[Variant]] = ((), ())
        """The last master playlist, and the play sets that it was made of."""
        self.used_at = -math.inf
        self.asked_at = -math.inf
        """When the statement began that `standing` is of."""
        self.told_at = -math.inf
        """When the bus last said that something has changed."""
        self.reading = asyncio.Lock()
        self.topics = [topic("video", id)]

    def wake(self) -> None:
        self.told_at = time.monotonic()

    def is_known(self, since: float) -> bool:
        """Whether it was read after that, and after it last changed."""
        return self.asked_at > max(self.told_at, since)


class Gate:
    """Lets players in, or refuses them."""

    def __init__(
        self,
        standings: Standings,
        bus: EventBus,
        *,
        poll_s: float = POLL_S,
        trusted_s: float = TRUSTED_S,
        cool_s: float = COOL_S,
        most: int = MOST,
    ) -> None:
        self._standings, self._bus = standings, bus
        self._poll_s, self._trusted_s, self._cool_s = poll_s, trusted_s, cool_s
        self._most = most
        self._played: OrderedDict[UUID, Played] = OrderedDict()
        self._polling: asyncio.Task[None] | None = None
        self._is_cut = False

    async def admit(self, grant: Grant, client: Client) -> Played:
        """The video that the link is for, if it may be played by this client now.

        Raises `LinkInvalid`, `AddressNotAllowed`, `ReferrerNotAllowed` and `PlaybackUnavailable`.
        """
        played = self._played.get(grant.subject)
        if played is None:
            played = self._add(grant.subject)
        else:
            self._played.move_to_end(grant.subject)
        now = played.used_at = time.monotonic()
        await self._learn(played, since=now - self._trusted_s)
        try:
            check(played.standing, grant, client)
        except DomainError:
            with suppress(PlaybackUnavailable):
                await self._learn(played, since=now - FRESH_S)
            check(played.standing, grant, client)
        return played

    async def close(self) -> None:
        if self._polling is not None:
            self._polling.cancel()
            await asyncio.gather(self._polling, return_exceptions=True)
        await self._standings.close()

    def _add(self, id: UUID) -> Played:
        played = self._played[id] = Played(id)
        self._bus.watch(played, *played.topics)
        if len(self._played) > self._most:
            self._drop(next(iter(self._played.values())))
        if self._polling is None or self._polling.done():
            self._polling = asyncio.create_task(self._poll())
        return played

    def _drop(self, played: Played) -> None:
        del self._played[played.id]
        self._bus.unwatch(played, *played.topics)

    async def _learn(self, played: Played, *, since: float) -> None:
        """Read it, unless that was done after this moment and after what we were told."""
        if played.is_known(since):
            return
        try:
            async with asyncio.timeout(ANSWER_S), played.reading:
                if not played.is_known(since):  # somebody else may have read it meanwhile
                    await self._read([played])
        except OSError as failure:
            raise PlaybackUnavailable from failure

    async def _poll(self) -> None:
        """Look after all videos that are being played, as long as there are any."""
        while self._played:
            await asyncio.sleep(self._poll_s)
            self._let_cool()
            try:
                await self._read(list(self._played.values()))
            except OSError as failure:
                if not self._is_cut:
                    log.warning("cannot find out whether links still hold: %s", failure)
                self._is_cut = True
            except Exception:
                log.exception("cannot find out whether links still hold")

    def _let_cool(self) -> None:
        before = time.monotonic() - self._cool_s
        for played in [one for one in self._played.values() if one.used_at < before]:
            self._drop(played)

    async def _read(self, wanted: Sequence[Played]) -> None:
        """Raises `OSError` when the database does not answer."""
        if not wanted:
            return
        asked_at = time.monotonic()
        found = await self._standings.read([one.id for one in wanted])
        self._is_cut = False
        for one in wanted:
            # Another statement may have begun later, and ended sooner.
            if asked_at > one.asked_at:
                one.asked_at, one.standing = asked_at, found.get(one.id)
                self._watch_rules(one)

    def _watch_rules(self, played: Played) -> None:
        if len(played.topics) == 1 and played.standing and self._played.get(played.id) is played:
            rules = topic(RULES, played.standing.account_id)
            played.topics.append(rules)
            self._bus.watch(played, rules)
