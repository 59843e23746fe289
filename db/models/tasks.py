"""Background work, what it is about in detail, and who does it."""

import uuid
from datetime import datetime

from sqlalchemy import (
    BigInteger,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, choice
from domain.error_codes import ErrorCode
from domain.tasks import TaskKind, TaskStatus
from domain.videos import TranscodePass


class Task(Base):
    __tablename__ = "task"
    __table_args__ = (
        Index("ix_task_account_id_created_at", "account_id", "created_at", "id"),
        Index(
            "ix_task_account_id_queued",
            "account_id",
            "queue",
            postgresql_where=text("status = 'queued'"),
        ),
        Index(
            "ix_task_unfinished",
            "queue",
            "priority",
            "job_id",
            postgresql_where=text("status in ('queued', 'running')"),
        ),
    )

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
    redo: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether its play sets replace others, and are made anew whatever there is."""
    progress: Mapped[float] = mapped_column(server_default="0")
    speed: Mapped[float | None]
    """Seconds of video handled in a second."""
    attempt: Mapped[int] = mapped_column(server_default="0")
    """The fence: each run raises it, and writes only while it is still its own."""
    failures: Mapped[int] = mapped_column(server_default="0")
    worker: Mapped[str | None]
    queue: Mapped[str | None] = mapped_column(String(32))
    priority: Mapped[int] = mapped_column(server_default="0")
    queued_at: Mapped[datetime | None]
    """When it was last put on its queue."""
    job_id: Mapped[int | None] = mapped_column(BigInteger)
    """The queue's job that delivers this task; jobs of higher priority come first."""
    cost_s: Mapped[float | None]
    """Seconds of work that it is expected to take; null when nobody can tell."""
    command: Mapped[str | None]
    """What the latest run started, as a shell would want it."""
    category_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("category.id", ondelete="SET NULL"), index=True
    )
    skip_auto_transcode: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether nothing is made of its videos unless it is asked for. Of fetches."""
    object_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("stored_object.id", ondelete="SET NULL"), index=True
    )
    at_ms: Mapped[int | None]
    """What a cover is made of: a stored picture, or the source of its video at this moment."""
    file_name: Mapped[str | None] = mapped_column(String(255))
    list_size: Mapped[int | None] = mapped_column(BigInteger)
    """Bytes of the CSV that a fetch has its rows from; null when they came one by one."""
    list_storage_id: Mapped[str | None] = mapped_column(String(16))
    """The stored object that was that CSV, if it was one."""
    total_count: Mapped[int | None]
    success_count: Mapped[int | None]
    fail_count: Mapped[int | None]
    """Rows of a task that has many, and how many of them are over; else null. Of a clip or a
    splice, `total_count` is how many pieces were asked for."""
    error_code: Mapped[ErrorCode | None] = mapped_column(choice(ErrorCode))
    error_message: Mapped[str | None]
    log: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    started_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]


class ClipSegment(Base):
    """A piece of a video that a clip or a splice is made of."""

    __tablename__ = "clip_segment"
    __table_args__ = (UniqueConstraint("task_id", "position"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    task_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"))
    position: Mapped[int]
    video_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("video.id", ondelete="CASCADE"), index=True
    )
    start_ms: Mapped[int] = mapped_column(BigInteger)
    end_ms: Mapped[int] = mapped_column(BigInteger)


class FetchItem(Base):
    """One URL of a fetch."""

    __tablename__ = "fetch_item"
    __table_args__ = (UniqueConstraint("task_id", "position"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    task_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("task.id", ondelete="CASCADE"))
    position: Mapped[int]
    url: Mapped[str]
    title: Mapped[str | None] = mapped_column(String(255))
    source_type: Mapped[str | None] = mapped_column(String(64))
    source_id: Mapped[str | None] = mapped_column(String(255))
    status: Mapped[TaskStatus] = mapped_column(choice(TaskStatus))
    video_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("video.id", ondelete="SET NULL"), index=True
    )
    upload_session_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("upload_session.id", ondelete="SET NULL"), index=True
    )
    """The session that takes its bytes, once their number is known."""
    validator: Mapped[str | None]
    """ETag or date of the file that is being fetched: the rest must be of the same."""
    bytes_fetched: Mapped[int] = mapped_column(BigInteger, server_default="0")
    file_size: Mapped[int | None] = mapped_column(BigInteger)
    failures: Mapped[int] = mapped_column(server_default="0")
    retry_at: Mapped[datetime | None]
    """Not to be tried again before this moment."""
    error_code: Mapped[ErrorCode | None] = mapped_column(choice(ErrorCode))
    error_message: Mapped[str | None]
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    finished_at: Mapped[datetime | None]


class ExportFile(Base):
    """What an export wrote."""

    __tablename__ = "export_file"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    task_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("task.id", ondelete="CASCADE"), unique=True
    )
    source_task_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("task.id", ondelete="CASCADE"), index=True
    )
    """The fetch whose rows it has."""
    file_name: Mapped[str] = mapped_column(String(255))
    key: Mapped[str | None]
    """Null, as what follows, until it is written."""
    row_count: Mapped[int | None]
    file_size: Mapped[int | None] = mapped_column(BigInteger)
    sha256: Mapped[str | None] = mapped_column(String(64))
    expires_at: Mapped[datetime | None] = mapped_column(index=True)


class Worker(Base):
    """A process that runs jobs, as long as it is heard of."""

    __tablename__ = "worker"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    name: Mapped[str]
    started_at: Mapped[datetime] = mapped_column(server_default=func.now())
    heard_at: Mapped[datetime] = mapped_column(server_default=func.now(), index=True)


class WorkerLane(Base):
    """Queues that a worker serves, and how many of their jobs it runs at once."""

    __tablename__ = "worker_lane"

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    worker_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("worker.id", ondelete="CASCADE"), index=True
    )
    queues: Mapped[list[str]] = mapped_column(ARRAY(String(32)))
    slots: Mapped[int]
