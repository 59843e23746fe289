"""The outbox: events are written in the transaction that makes them true, then read in order.

Sequence numbers are given out before a transaction commits, so a later number can become
visible first. Events are therefore ordered by (transaction id, id), and a reader takes only
those below the oldest transaction still running: nothing can appear behind its position.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Self
from uuid import UUID

from sqlalchemy import ARRAY, BigInteger, Text, bindparam, cast, func, insert, select, tuple_

from db.bus import CHANNEL
from db.models import Event, Video
from db.session import ReadSession, WriteSession
from domain.events import EventType, NewEvent

_HORIZON = select(cast(cast(func.pg_snapshot_xmin(func.pg_current_snapshot()), Text), BigInteger))
"""The oldest transaction that is still running."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the log. Everything up to and including it has been read."""

    transaction_id: int
    event_id: int

    @classmethod
    def of(cls, event: Event) -> Self:
        return cls(event.transaction_id, event.id)


@dataclass(frozen=True, slots=True)
class Batch:
    events: Sequence[Event]
    late: bool
    """Some events are committed but not yet in order; read again soon."""


async def record(session: WriteSession, *events: NewEvent) -> None:
    """Write the events and wake their watchers when the transaction commits."""
    values = [
        {
            "type": event.type,
            "account_id": event.account_id,
            "upload_session_id": event.upload_session_id,
            "video_id": event.video_id,
            "play_set_id": event.play_set_id,
        }
        for event in events
    ]
    await session.execute(insert(Event), values)
    await wake(session, *(topic for event in events for topic in event.topics()))


async def tell(session: WriteSession, type: EventType, changed: Sequence[Video]) -> None:
    """Write one event of each of these videos, as `record` does."""
    await record(session, *(NewEvent(type, one.account_id, video_id=one.id) for one in changed))


async def wake(session: WriteSession, *topics: str) -> None:
    """Wake the watchers of `topics` when the transaction commits."""
    topic = func.unnest(bindparam("topics", sorted(set(topics)), type_=ARRAY(Text))).column_valued()
    await session.execute(select(func.pg_notify(CHANNEL, topic)))


async def end(session: ReadSession) -> Position:
    """The position from which only what happens from now on is read."""
    horizon = await session.scalar(_HORIZON)
    return Position((horizon or 1) - 1, 2**63 - 1)


async def after(
    session: ReadSession,
    position: Position,
    *,
    account_id: UUID,
    types: Collection[EventType],
    video_id: UUID | None = None,
    limit: int = 100,
) -> Batch:
    """The next events of an account, oldest first."""
    key = tuple_(Event.transaction_id, Event.id)
    start = tuple_(position.transaction_id, position.event_id)
    wanted = select(Event).where(key > start, Event.account_id == account_id, Event.type.in_(types))
    if video_id is not None:
        wanted = wanted.where(Event.video_id == video_id)
    rows = await session.scalars(wanted.order_by(Event.transaction_id, Event.id).limit(limit))
    horizon = await session.scalar(_HORIZON) or 0
    found = rows.all()
    events = [event for event in found if event.transaction_id < horizon]
    return Batch(events, late=len(events) < len(found))
