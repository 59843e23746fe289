"""The bytes of files, who holds them, and what is to be removed."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base


class Content(Base):
    """The bytes of a file as it was sent: stored once, whoever has them."""

    __tablename__ = "content"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    """Also names the prefix of all that was made from it: `storage.keys.media`."""
    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    key: Mapped[str] = mapped_column(unique=True)
    size: Mapped[int] = mapped_column(BigInteger)
    references: Mapped[int]
    """How many stored objects, of all accounts, have these bytes."""
    source: Mapped[dict[str, Any] | None]
    """What probing found, if anybody has made a video of it: `domain.media.Source.to_json`."""
    checked_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)
    """When the bytes were last seen to have the digest."""
    damaged_at: Mapped[datetime | None]
    """Since when they are known not to: then nobody new gets them."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class StoredObject(Base):
    """An account's hold on a content. Two accounts with the same bytes do not see each other."""

    __tablename__ = "stored_object"
    __table_args__ = (
        UniqueConstraint("account_id", "content_id"),
        Index("ix_stored_object_account_id_created_at", "account_id", "created_at", "id"),
        Index("ix_stored_object_account_id_sha256", "account_id", "sha256"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    storage_id: Mapped[str] = mapped_column(String(16), unique=True)
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    content_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("content.id"), index=True)
    sha256: Mapped[str] = mapped_column(String(64))
    file_size: Mapped[int] = mapped_column(BigInteger)
    file_name: Mapped[str | None] = mapped_column(String(255))
    content_type: Mapped[str] = mapped_column(String(255))
    kept: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether its owner stored it for itself, and not only as the file of a video: then it stays
    when its videos go."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Garbage(Base):
    """What the store still has and nothing refers to any more: a key, or a prefix with `/`."""

    __tablename__ = "garbage"

    key: Mapped[str] = mapped_column(primary_key=True)
    due_at: Mapped[datetime] = mapped_column(index=True)


class SpentChallenge(Base):
    """A possession challenge that was answered; nobody answers it again."""

    __tablename__ = "spent_challenge"

    nonce: Mapped[bytes] = mapped_column(primary_key=True)
    expires_at: Mapped[datetime] = mapped_column(index=True)
