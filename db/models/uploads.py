"""Upload sessions and their parts."""

import uuid
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Index,
    String,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, column_property, mapped_column

from db.models.base import Base, choice
from domain.error_codes import ErrorCode
from domain.uploads import UploadPurpose, UploadStatus


class UploadSession(Base):
    __tablename__ = "upload_session"
    __table_args__ = (
        Index(
            "ix_upload_session_uncleared",
            "updated_at",
            postgresql_where=text(
                "storage_token <> '' and status not in ('waiting', 'uploading', 'verifying')"
            ),
        ),
        Index("ix_upload_session_account_id_created_at", "account_id", "created_at", "id"),
        Index(
            "ix_upload_session_expires_at",
            "expires_at",
            postgresql_where=text("status in ('waiting', 'uploading')"),
        ),
        Index(
            "ix_upload_session_account_id_open",
            "account_id",
            postgresql_where=text("status in ('waiting', 'uploading', 'verifying')"),
        ),
        Index(
            "ix_upload_session_object_id",
            "object_id",
            postgresql_where=text("object_id is not null"),
        ),
        Index(
            "ix_upload_session_storage_key",
            "storage_key",
            postgresql_where=text("storage_token <> ''"),
        ),
        Index(
            "ix_upload_session_storage_token",
            "storage_token",
            postgresql_where=text("storage_token <> ''"),
        ),
        Index(
            "ix_upload_session_account_id_sha256",
            "account_id",
            "sha256",
            postgresql_where=text("status in ('waiting', 'uploading')"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    status: Mapped[UploadStatus] = mapped_column(choice(UploadStatus))
    title: Mapped[str] = mapped_column(String(255))
    description: Mapped[str | None]
    device_type: Mapped[str | None]
    purpose: Mapped[UploadPurpose] = mapped_column(
        choice(UploadPurpose), server_default=UploadPurpose.VIDEO.value
    )
    skip_auto_transcode: Mapped[bool] = mapped_column(server_default=text("false"))
    category_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("category.id", ondelete="SET NULL"), index=True
    )
    """Where its video is to be kept."""
    owner_phone: Mapped[str | None] = mapped_column(String(32))
    """What its video is to say of its owner."""
    file_name: Mapped[str | None] = mapped_column(String(255))
    content_type: Mapped[str] = mapped_column(String(255))
    sha256: Mapped[str | None] = mapped_column(String(64))
    """As announced, if it was; as found, once it is checked."""
    file_size: Mapped[int] = mapped_column(BigInteger)
    chunk_size: Mapped[int] = mapped_column(BigInteger)
    chunk_digests: Mapped[bytes | None] = mapped_column(deferred=True)
    """The SHA-256 of each chunk, 32 bytes after 32 bytes, if they were announced."""
    sequential: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether bytes come in order from the start, instead of chunk by chunk."""
    partials: Mapped[list[uuid.UUID] | None] = mapped_column(ARRAY(Uuid()))
    """The sessions whose files, one after the other, are this one's."""
    storage_key: Mapped[str]
    storage_token: Mapped[str]
    """The key that the file gets, and the store's own name of the upload; "" once that has
    nothing of it any more."""
    speed: Mapped[float | None]
    """Bytes a second, lately: see `domain.uploads.next_speed`."""
    heard_at: Mapped[datetime | None]
    """When bytes last came."""
    received_bytes: Mapped[int] = mapped_column(BigInteger, server_default="0")
    received_chunks: Mapped[int] = mapped_column(server_default="0")
    video_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("video.id", ondelete="SET NULL"), index=True
    )
    """What it brings the file of; null for other purposes. Never another one, once it is set."""
    object_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("stored_object.id", ondelete="SET NULL")
    )
    error_code: Mapped[ErrorCode | None] = mapped_column(choice(ErrorCode))
    error_message: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())
    expires_at: Mapped[datetime]
    has_digests: Mapped[bool] = column_property(chunk_digests.is_not(None))
    """Whether `chunk_digests` were announced; they are long."""


class UploadPart(Base):
    """A chunk that is whole. A chunk being written has no row."""

    __tablename__ = "upload_part"

    session_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("upload_session.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str | None] = mapped_column(String(64))
    """Null for a chunk that the client sent to the store itself."""
