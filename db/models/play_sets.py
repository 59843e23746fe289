"""Play sets, the sound that they share, and the keys they are encrypted with."""

import uuid
from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    ColumnElement,
    ForeignKey,
    Index,
    String,
    case,
    func,
    or_,
    select,
    text,
)
from sqlalchemy.orm import Mapped, column_property, mapped_column

from db.models.base import Base, choice
from db.models.tasks import Task
from db.models.templates import Template
from db.models.videos import Video
from domain.error_codes import ErrorCode
from domain.play_sets import FAILED_PLAY_SETS, PlaySetStatus
from domain.templates import Encryption
from domain.videos import Resolution


class AudioTrack(Base):
    """Sound that several play sets of a video share."""

    __tablename__ = "audio_track"
    __table_args__ = (
        Index("ix_audio_track_video_id_name", "video_id", "name", "created_at"),
        Index("ix_audio_track_key_id", "key_id", postgresql_where=text("key_id is not null")),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    video_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("video.id", ondelete="CASCADE"))
    name: Mapped[str] = mapped_column(String(32))
    playlist_key: Mapped[str]
    file_size: Mapped[int] = mapped_column(BigInteger)
    bandwidth: Mapped[int]
    average_bandwidth: Mapped[int]
    codecs: Mapped[str]
    key_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("segment_key.id"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


class SegmentKey(Base):
    """What the segments of a run's encrypted tracks are encrypted with."""

    __tablename__ = "segment_key"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    video_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("video.id", ondelete="CASCADE"), index=True
    )
    value: Mapped[bytes] = mapped_column(deferred=True)
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())


def _why(reason: Any, status: Any, task_id: Any) -> ColumnElement[Any]:  # noqa: ANN401  (columns)
    """A column of the task of a play set that failed."""
    of_task = select(reason).where(Task.id == task_id).correlate_except(Task).scalar_subquery()
    has_failed = or_(*(status == one for one in FAILED_PLAY_SETS))
    return case((has_failed, of_task))


class PlaySet(Base):
    """One template's picture of a video. While one replaces another, there are both."""

    __tablename__ = "play_set"
    __table_args__ = (
        Index("ix_play_set_video_id", "video_id"),
        Index(
            "ix_play_set_audio_track_id",
            "audio_track_id",
            postgresql_where=text("audio_track_id is not null"),
        ),
        Index("ix_play_set_key_id", "key_id", postgresql_where=text("key_id is not null")),
        Index(
            "uq_play_set_ready",
            "video_id",
            "template_id",
            unique=True,
            postgresql_where=text("status = 'ready'"),
        ),
        Index(
            "uq_play_set_open",
            "video_id",
            "template_id",
            unique=True,
            postgresql_where=text(
                "status in ('initial', 'transcoding', 'transcoded', 'uploading')"
            ),
        ),
    )

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    video_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("video.id", ondelete="CASCADE"))
    task_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("task.id"), index=True)
    audio_track_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("audio_track.id"))
    template_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("template.id"), index=True)
    key_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("segment_key.id"))
    """Null unless it is encrypted."""
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
    encryption: Mapped[Encryption] = column_property(  # pyright: ignore[reportAssignmentType] - it has the enum of its column
        select(Template.encryption)
        .where(Template.id == template_id)
        .correlate_except(Template)
        .scalar_subquery()
    )
    """Whether it is, or will be, encrypted: as its template says."""
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
    error_code: Mapped[ErrorCode | None] = column_property(_why(Task.error_code, status, task_id))
    error_message: Mapped[str | None] = column_property(_why(Task.error_message, status, task_id))
    """Why it failed: its task's own reason; null in every other state."""


Video.has_ready = column_property(
    select(PlaySet.id)
    .where(PlaySet.video_id == Video.id, PlaySet.status == PlaySetStatus.READY)
    .correlate_except(PlaySet)
    .exists()
)
