"""What happened, and the version of the queue's own tables."""

import uuid
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    Identity,
    Index,
    String,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, choice
from domain.events import EventType


class Event(Base):
    """The outbox: what happened, written in the transaction that made it true."""

    __tablename__ = "event"
    __table_args__ = (
        Index("ix_event_account_id_transaction_id", "account_id", "transaction_id", "id"),
        Index("ix_event_video_id_transaction_id", "video_id", "transaction_id", "id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    transaction_id: Mapped[int] = mapped_column(
        BigInteger, server_default=text("(pg_current_xact_id()::text)::bigint")
    )
    """Orders events so that one that commits late is never skipped: see db/events.py."""
    account_id: Mapped[uuid.UUID]
    type: Mapped[EventType] = mapped_column(choice(EventType))
    upload_session_id: Mapped[uuid.UUID | None]
    video_id: Mapped[uuid.UUID | None]
    play_set_id: Mapped[uuid.UUID | None]
    occurred_at: Mapped[datetime] = mapped_column(server_default=func.now())


class QueueSchema(Base):
    """Which version of the job queue's own tables this database has: see db/migrate.py."""

    __tablename__ = "queue_schema"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    version: Mapped[str] = mapped_column(String(128))
