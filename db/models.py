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
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import DeclarativeBase, Mapped, column_property, mapped_column

from domain.errors import ErrorCode
from domain.events import EventType
from domain.tasks import TaskKind, TaskStatus
from domain.uploads import UploadPurpose, UploadStatus
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


class Video(Base):
    __tablename__ = "video"
    __table_args__ = (
        Index("ix_video_account_id_created_at", "account_id", "created_at", "id"),
        Index("ix_video_account_id_updated_at", "account_id", "updated_at", "id"),
        Index("ix_video_account_id_title", "account_id", "title", "id"),
        Index("ix_video_account_id_source_sha256", "account_id", "source_sha256"),
        Index(
            "uq_video_source",
            "account_id",
            "source_type",
            "source_id",
            unique=True,
            postgresql_where=text("source_id is not null and status <> 'deleted'"),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    vid: Mapped[str] = mapped_column(String(16), unique=True)
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    status: Mapped[VideoStatus] = mapped_column(choice(VideoStatus))
    status_reason: Mapped[str | None]
    title: Mapped[str] = mapped_column(String(255))
    description: Mapped[str | None]
    source_type: Mapped[str | None] = mapped_column(String(64))
    source_id: Mapped[str | None] = mapped_column(String(255))
    """Where the caller says it comes from: a system of theirs, and its id there."""
    content_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("content.id"), index=True)
    """Null, as all of the source that follows, until the file was checked."""
    storage_id: Mapped[str | None] = mapped_column(String(16))
    source_sha256: Mapped[str | None] = mapped_column(String(64))
    source: Mapped[dict[str, Any] | None]
    """What probing found: `domain.media.Source.to_json`."""
    file_size: Mapped[int] = mapped_column(BigInteger)
    width: Mapped[int | None]
    height: Mapped[int | None]
    duration_ms: Mapped[int | None] = mapped_column(BigInteger)
    skip_auto_transcode: Mapped[bool] = mapped_column(server_default=text("false"))
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
    video_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("video.id", ondelete="SET NULL"))
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
