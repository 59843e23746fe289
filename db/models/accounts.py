"""Accounts, their keys, and the secret under signed links."""

import uuid
from datetime import datetime

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ForeignKey,
    String,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base


class Account(Base):
    __tablename__ = "account"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    user_id: Mapped[str] = mapped_column(String(32), unique=True)
    name: Mapped[str] = mapped_column(String(255))
    phone: Mapped[str | None] = mapped_column(String(32))
    referrers: Mapped[list[str]] = mapped_column(ARRAY(String(255)), server_default=text("'{}'"))
    """Hosts whose pages may play its videos; empty: all."""
    empty_referrer: Mapped[bool] = mapped_column(server_default=text("true"))
    """Whether players that name no page may play, too."""
    networks: Mapped[list[str]] = mapped_column(ARRAY(String(64)), server_default=text("'{}'"))
    """Networks whose viewers may play its videos, as CIDR; empty: all."""
    category_numbers: Mapped[int] = mapped_column(server_default="1")
    """The highest number that one of its categories ever had."""
    storage_used: Mapped[int] = mapped_column(BigInteger, server_default="0")
    """Bytes of the account's stored objects, as `db.objects` counts them."""
    storage_quota: Mapped[int | None] = mapped_column(BigInteger)
    """Bytes that it may store; null: what the installation allows."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class ApiKey(Base):
    __tablename__ = "api_key"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(255))
    prefix: Mapped[str] = mapped_column(String(16))
    digest: Mapped[bytes] = mapped_column(unique=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    revoked_at: Mapped[datetime | None]


class SigningSecret(Base):
    """The one secret under every signed link of this installation."""

    __tablename__ = "signing_secret"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    secret: Mapped[bytes]
