"""What decides whether videos may be played, read on connections of its own."""

import asyncio
from collections.abc import Collection
from typing import Any, Final
from uuid import UUID

from sqlalchemy import ARRAY, Uuid, any_, bindparam, func, select
from sqlalchemy.dialects.postgresql import aggregate_order_by
from sqlalchemy.exc import InterfaceError, OperationalError

from db.models import Account, PlaySet, Video
from db.session import Database
from domain import playback_rules
from domain.play_sets import PlaySetStatus
from domain.playback import Standing

ANSWER_S: Final = 2
"""A database that takes longer does not answer."""
_CONNECTIONS: Final = 2
"""One to look after all videos that are being played, one for those that begin to be."""


_READY: Final = (
    select(func.array_agg(aggregate_order_by(PlaySet.id, PlaySet.id)))
    .where(PlaySet.video_id == Video.id, PlaySet.status == PlaySetStatus.READY)
    .correlate(Video)
    .scalar_subquery()
)
_STATEMENT: Final = (
    select(
        Video.id,
        Video.epoch,
        Video.status,
        Video.auth_play,
        Video.account_id,
        Video.content_id,
        Account.referrers,
        Account.empty_referrer,
        Account.networks,
        _READY.label("ready"),
    )
    .join(Account, Account.id == Video.account_id)
    .where(Video.id == any_(bindparam("ids", type_=ARRAY(Uuid()))))
)


class Standings:
    """Reads where videos stand. Nobody else's statements are waited for."""

    def __init__(self, conninfo: str) -> None:
        self._db = Database(conninfo, pool_size=_CONNECTIONS)

    async def read(self, ids: Collection[UUID]) -> dict[UUID, Standing]:
        """Of those that there are. Raises `OSError` when the database does not answer."""
        reading = asyncio.create_task(self._read(list(ids)))
        reading.add_done_callback(_take_note)
        try:
            await asyncio.wait([reading], timeout=ANSWER_S)
            if not reading.done():
                raise TimeoutError(f"the database did not answer within {ANSWER_S} s")
            return reading.result()
        finally:
            # To stop a statement is to ask the database, too: nobody waits for that.
            reading.cancel()

    async def _read(self, ids: list[UUID]) -> dict[UUID, Standing]:
        try:
            async with self._db.write_once() as session:
                rows = (await session.execute(_STATEMENT, {"ids": ids})).all()
        except (OperationalError, InterfaceError) as failure:
            raise ConnectionError(str(failure.orig)) from failure
        return {row.id: _standing(row) for row in rows}

    async def close(self) -> None:
        await self._db.close()


def _standing(row: Any) -> Standing:  # noqa: ANN401  (a row of the statement)
    rules = playback_rules.stored(
        tuple(row.referrers), tuple(row.networks), empty=row.empty_referrer
    )
    return Standing(
        row.epoch,
        row.status,
        row.auth_play,
        row.account_id,
        row.content_id,
        rules,
        tuple(row.ready or ()),
    )


def _take_note(reading: asyncio.Task[dict[UUID, Standing]]) -> None:
    """The failure of a statement that nobody waits for any more is no news."""
    if not reading.cancelled():
        reading.exception()
