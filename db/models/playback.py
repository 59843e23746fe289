"""What guards playing: tries of passwords, and tokens that hold for one use."""

import uuid
from datetime import datetime

from sqlalchemy import ForeignKey, Index, String, func
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base


class PasswordAttempt(Base):
    """A wrong password for a shared video."""

    __tablename__ = "password_attempt"
    __table_args__ = (
        Index("ix_password_attempt_video_id_caller", "video_id", "caller", "attempted_at"),
        Index("ix_password_attempt_attempted_at", "attempted_at"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    video_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("video.id", ondelete="CASCADE"))
    caller: Mapped[str] = mapped_column(String(64))
    """Whose try it was: an address, or an account."""
    attempted_at: Mapped[datetime] = mapped_column(server_default=func.now())


class SpentToken(Base):
    """A playback token for one use that was used; kept until it would have expired."""

    __tablename__ = "spent_token"
    __table_args__ = (Index("ix_spent_token_expires_at", "expires_at"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime]
