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
        Index("ix_play_account_id_viewer", "account_id", "viewer", "video_id"),
        Index("ix_play_account_id_started_at", "account_id", "started_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    video_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("video.id", ondelete="CASCADE"))
    session: Mapped[str] = mapped_column(String(64))
    """The caller's own name of this viewing."""
    viewer: Mapped[str | None] = mapped_column(String(255))
    """Who watched, as the caller's own system names them."""
    watched_ms: Mapped[int] = mapped_column(BigInteger)
    progress: Mapped[float]
    """How far it got, 0.0 to 1.0."""
    started_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())


class Recommendation(Base):
    """A video that fits another; made anew by a periodic job."""

    __tablename__ = "recommendation"
    __table_args__ = (Index("ix_recommendation_video_id_rank", "video_id", "rank"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    video_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("video.id", ondelete="CASCADE"))
    other_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("video.id", ondelete="CASCADE"), index=True
    )
    rank: Mapped[int]
    score: Mapped[float]
    reasons: Mapped[list[str]] = mapped_column(ARRAY(Text))
