"""Videos, what was made of them, and the work on it."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    case,
    func,
    select,
    text,
)
from sqlalchemy.orm import Mapped, column_property, mapped_column

from db.models.base import Base, choice
from domain.errors import ErrorCode
from domain.tasks import TaskKind, TaskStatus
from domain.videos import PlaySetStatus, Resolution, TranscodePass, VideoStatus


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
