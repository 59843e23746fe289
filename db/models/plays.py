"""Who watched what, and what others may like to watch after it."""

import uuid
from datetime import datetime

from sqlalchemy import BigInteger, ForeignKey, Index, String, Text, UniqueConstraint, func
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base


class Play(Base):
    """One viewing of a video; reports of the same session change it."""

    __tablename__ = "play"
    __table_args__ = (
        UniqueConstraint("video_id", "session"),
        Index("ix_play_account_id_started_at", "account_id", "started_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    video_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("video.id", ondelete="CASCADE"))
    session: Mapped[str] = mapped_column(String(64))
    """The caller's own name of this viewing."""
    viewer: Mapped[str | None] = mapped_column(String(64))
    """Who watched, as the caller's own system names them."""
    watched_ms: Mapped[int] = mapped_column(BigInteger)
    progress: Mapped[float]
    """How far it got, 0.0 to 1.0."""
    started_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())


class Recommendation(Base):
    """A video that fits another; made anew by a periodic job.

    It refers to no row: that would lock the videos for as long as many thousands of these are
    written. Who reads it looks at the videos anyway, and the job removes what has none.
    """

    __tablename__ = "recommendation"

    account_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    video_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    rank: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    """From 1."""
    other_id: Mapped[uuid.UUID]
    score: Mapped[float]
    reasons: Mapped[list[str]] = mapped_column(ARRAY(Text))


class Recommending(Base):
    """How far an account's recommendations are."""

    __tablename__ = "recommending"

    account_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("account.id", ondelete="CASCADE"), primary_key=True
    )
    begun_at: Mapped[datetime]
    """What was changed before this counts in them."""
    reached: Mapped[uuid.UUID | None]
    """The last video whose are made; null when all are."""
