"""Tables. Columns and constraints only: no behaviour, no relationships, no lazy loading."""

import uuid
from datetime import datetime
from enum import StrEnum
from typing import Any, ClassVar

from sqlalchemy import (
    BigInteger,
    DateTime,
    Enum,
    ForeignKey,
    Identity,
    Index,
    MetaData,
    String,
    UniqueConstraint,
    Uuid,
    case,
    func,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, column_property, mapped_column

from domain.errors import ErrorCode
from domain.events import EventType
from domain.tasks import TaskKind, TaskStatus
from domain.uploads import UploadStatus
from domain.videos import PlaySetStatus, Resolution, TranscodePass, VideoStatus


def choice(kind: type[StrEnum]) -> Enum:
    """A text column that holds a member's value. New members need no migration."""

    def values(members: type[StrEnum]) -> list[str]:
        return [member.value for member in members]

    return Enum(kind, values_callable=values, native_enum=False, length=32)


class Base(DeclarativeBase):
    type_annotation_map: ClassVar = {
        datetime: DateTime(timezone=True),
        uuid.UUID: Uuid(),
        dict[str, Any]: JSONB(),
    }
    metadata = MetaData(
        naming_convention={
            "ix": "ix_%(table_name)s_%(column_0_N_name)s",
            "uq": "uq_%(table_name)s_%(column_0_N_name)s",
            "ck": "ck_%(table_name)s_%(constraint_name)s",
            "fk": "fk_%(table_name)s_%(column_0_N_name)s",
            "pk": "pk_%(table_name)s",
        }
    )


class Account(Base):
    __tablename__ = "account"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    user_id: Mapped[str] = mapped_column(String(32), unique=True)
    name: Mapped[str] = mapped_column(String(255))
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


class StoredObject(Base):
    """A content-addressed source file, shared by all videos made of the same bytes."""

    __tablename__ = "stored_object"

    sha256: Mapped[str] = mapped_column(String(64), primary_key=True)
    key: Mapped[str] = mapped_column(unique=True)
    size: Mapped[int] = mapped_column(BigInteger)
    references: Mapped[int]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class Video(Base):
    __tablename__ = "video"
    __table_args__ = (
        Index("ix_video_account_id_created_at", "account_id", "created_at", "id"),
        Index("ix_video_account_id_updated_at", "account_id", "updated_at", "id"),
        Index("ix_video_account_id_title", "account_id", "title", "id"),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    vid: Mapped[str] = mapped_column(String(16), unique=True)
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    status: Mapped[VideoStatus] = mapped_column(choice(VideoStatus))
    status_reason: Mapped[str | None]
    title: Mapped[str] = mapped_column(String(255))
    description: Mapped[str | None]
    source_sha256: Mapped[str] = mapped_column(ForeignKey("stored_object.sha256"))
    source: Mapped[dict[str, Any]]
    """What probing found: `domain.media.Source.to_json`."""
    file_size: Mapped[int] = mapped_column(BigInteger)
    width: Mapped[int]
    height: Mapped[int]
    duration_ms: Mapped[int] = mapped_column(BigInteger)
    poster_key: Mapped[str | None]
    storyboard_key: Mapped[str | None]
    """The storyboard's WebVTT file; its pictures lie beside it."""
    epoch: Mapped[int] = mapped_column(server_default="0")
    """Raised to end every playback link given out before."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())
    published_at: Mapped[datetime | None]


class Task(Base):
    __tablename__ = "task"
    __table_args__ = (Index("ix_task_account_id_created_at", "account_id", "created_at", "id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    kind: Mapped[TaskKind] = mapped_column(choice(TaskKind))
    status: Mapped[TaskStatus] = mapped_column(choice(TaskStatus))
    video_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("video.id", ondelete="CASCADE"), index=True
    )
    upload_session_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("upload_session.id", ondelete="CASCADE"), index=True
    )
    transcode_pass: Mapped[TranscodePass | None] = mapped_column(choice(TranscodePass))
    progress: Mapped[float] = mapped_column(server_default="0")
    speed: Mapped[float | None]
    """Seconds of video handled in a second."""
    attempt: Mapped[int] = mapped_column(server_default="0")
    """The fence: each run raises it, and writes only while it is still its own."""
    failures: Mapped[int] = mapped_column(server_default="0")
    worker: Mapped[str | None]
    job_id: Mapped[int | None] = mapped_column(BigInteger)
    """The queue's job that delivers this task."""
    error_code: Mapped[ErrorCode | None] = mapped_column(choice(ErrorCode))
    error_message: Mapped[str | None]
    log: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class AudioTrack(Base):
    """Sound that several play sets of a video share."""

    __tablename__ = "audio_track"
    __table_args__ = (UniqueConstraint("video_id", "name"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    video_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("video.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(32))
    playlist_key: Mapped[str]
    file_size: Mapped[int] = mapped_column(BigInteger)
    bandwidth: Mapped[int]
    average_bandwidth: Mapped[int]
    codecs: Mapped[str]


class PlaySet(Base):
    __tablename__ = "play_set"
    __table_args__ = (UniqueConstraint("video_id", "resolution"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    video_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("video.id", ondelete="CASCADE"))
    task_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("task.id"), index=True)
    audio_track_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("audio_track.id"))
    resolution: Mapped[Resolution] = mapped_column(choice(Resolution))
    status: Mapped[PlaySetStatus] = mapped_column(choice(PlaySetStatus))
    playlist_key: Mapped[str | None]
    file_size: Mapped[int | None] = mapped_column(BigInteger)
    width: Mapped[int | None]
    height: Mapped[int | None]
    frame_rate: Mapped[str | None]
    """Frames per second as an exact fraction, such as 30000/1001."""
    duration_ms: Mapped[int | None] = mapped_column(BigInteger)
    bandwidth: Mapped[int | None]
    average_bandwidth: Mapped[int | None]
    codecs: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())
    progress: Mapped[float] = column_property(
        case(
            (status == PlaySetStatus.READY, 1.0),
            else_=func.coalesce(
                select(Task.progress)
                .where(Task.id == task_id)
                .correlate_except(Task)
                .scalar_subquery(),
                0.0,
            ),
        )
    )
    """How much is made, 0.0 to 1.0: its task's own, as long as it is not READY."""


class UploadSession(Base):
    __tablename__ = "upload_session"
    __table_args__ = (
        Index("ix_upload_session_account_id_created_at", "account_id", "created_at", "id"),
        Index(
            "ix_upload_session_expires_at",
            "expires_at",
            postgresql_where=text("status in ('waiting', 'uploading')"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    status: Mapped[UploadStatus] = mapped_column(choice(UploadStatus))
    title: Mapped[str] = mapped_column(String(255))
    description: Mapped[str | None]
    device_type: Mapped[str | None]
    sha256: Mapped[str] = mapped_column(String(64))
    file_size: Mapped[int] = mapped_column(BigInteger)
    chunk_size: Mapped[int] = mapped_column(BigInteger)
    received_bytes: Mapped[int] = mapped_column(BigInteger, server_default="0")
    received_chunks: Mapped[int] = mapped_column(server_default="0")
    video_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("video.id", ondelete="SET NULL"))
    error_code: Mapped[ErrorCode | None] = mapped_column(choice(ErrorCode))
    error_message: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())
    expires_at: Mapped[datetime]


class UploadPart(Base):
    """A chunk that is whole and checked. A chunk being written has no row."""

    __tablename__ = "upload_part"

    session_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("upload_session.id", ondelete="CASCADE"), primary_key=True
    )
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    size: Mapped[int] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))


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
