"""Videos, and the marks on their timelines."""

import uuid
from datetime import datetime
from typing import Any, ClassVar

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Computed,
    ForeignKey,
    Index,
    String,
    Text,
    case,
    func,
    select,
    text,
)
from sqlalchemy.orm import Mapped, MappedSQLExpression, column_property, mapped_column

from db.models.accounts import ApiKey
from db.models.base import Base, choice
from domain.videos import AspectRatio, ShareState, SourceKind, VideoStatus


class Video(Base):
    __tablename__ = "video"
    __table_args__ = (
        Index("ix_video_account_id_created_at", "account_id", "created_at", "id"),
        Index("ix_video_account_id_updated_at", "account_id", "updated_at", "id"),
        Index("ix_video_account_id_title", "account_id", "title", "id"),
        Index("ix_video_account_id_file_size", "account_id", "file_size", "id"),
        Index("ix_video_account_id_sort_duration_ms", "account_id", "sort_duration_ms", "id"),
        Index("ix_video_account_id_sort_published_at", "account_id", "sort_published_at", "id"),
        Index(
            "ix_video_traits",
            *("account_id", "status", "source_kind", "share_state", "source_type"),
            # Then the newest of a rare state are found without a look at any row.
            postgresql_include=["created_at", "id"],
        ),
        Index(
            "ix_video_account_id_owner_phone",
            "account_id",
            "owner_phone",
            postgresql_where=text("owner_phone is not null"),
        ),
        # What viewers are shown next is the newest of a category, or of all.
        Index(
            "ix_video_published",
            "account_id",
            "sort_published_at",
            "id",
            postgresql_where=text("status = 'published'"),
        ),
        Index(
            "ix_video_published_category",
            "category_id",
            "sort_published_at",
            "id",
            postgresql_where=text("status = 'published'"),
        ),
        Index(
            "ix_video_published_public",
            "account_id",
            "sort_published_at",
            "id",
            postgresql_where=text(
                "status = 'published' and share_state = 'public' and not auth_play"
            ),
        ),
        Index("ix_video_account_id_storage_id", "account_id", "storage_id"),
        Index("ix_video_account_id_source_sha256", "account_id", "source_sha256"),
        Index("ix_video_tags", "tags", postgresql_using="gin"),
        Index(
            "ix_video_grams",
            "grams",
            postgresql_using="gin",
            postgresql_with={"fastupdate": "off"},  # else every search reads what is pending
        ),
        Index(
            "ix_video_deleted_at",
            "deleted_at",
            postgresql_where=text("deleted_at is not null"),
        ),
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
    source_kind: Mapped[SourceKind] = mapped_column(
        choice(SourceKind), server_default=SourceKind.UPLOAD.value
    )
    clipped_from_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("video.id", ondelete="SET NULL"), index=True
    )
    """The video that it was cut out of."""
    category_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("category.id", ondelete="SET NULL"), index=True
    )
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
    owner_phone: Mapped[str | None] = mapped_column(String(32))
    """Of whoever it was uploaded for, in the caller's own system."""
    tags: Mapped[list[str]] = mapped_column(ARRAY(String(64)), server_default=text("'{}'"))
    search_text: Mapped[str] = mapped_column(Text, server_default="", deferred=True)
    """The title as it is searched; `db.videos.entitle` sets it, with `grams`."""
    grams: Mapped[list[str]] = mapped_column(
        ARRAY(Text), server_default=text("'{}'"), deferred=True
    )
    """What its title is found by: see domain/grams.py."""
    skip_auto_transcode: Mapped[bool] = mapped_column(server_default=text("false"))
    simulation: Mapped[dict[str, Any] | None]
    """How fast and how far a test picture's video gets: `domain.simulation.Simulation`."""
    poster_key: Mapped[str | None]
    storyboard_key: Mapped[str | None]
    """The storyboard's WebVTT file; its pictures lie beside it."""
    cover_key: Mapped[str | None]
    """The cover that its owner chose, in place of the poster."""
    cover_object_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("stored_object.id", ondelete="SET NULL"), index=True
    )
    """The stored object that the cover was made of."""
    player_id: Mapped[str | None] = mapped_column(String(64))
    player_name: Mapped[str | None] = mapped_column(String(255))
    aspect_ratio: Mapped[AspectRatio] = mapped_column(
        choice(AspectRatio), server_default=AspectRatio.R16_9.value
    )
    auto_play: Mapped[bool] = mapped_column(server_default=text("false"))
    publish_domain: Mapped[str | None] = mapped_column(String(255))
    share_state: Mapped[ShareState] = mapped_column(
        choice(ShareState), server_default=ShareState.PRIVATE.value
    )
    share_password_hash: Mapped[str | None] = mapped_column(deferred=True)
    has_share_password: Mapped[bool] = column_property(share_password_hash.is_not(None))
    share_password_sealed: Mapped[bytes | None]
    """The password for its owner to read, where the installation allows that."""
    auth_play: Mapped[bool] = mapped_column(server_default=text("false"))
    """Whether viewers need a playback token that the owner's server asked for."""
    banned_at: Mapped[datetime | None]
    ban_reason: Mapped[str | None]
    banned_by_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("api_key.id", ondelete="SET NULL")
    )
    deleted_at: Mapped[datetime | None]
    former_status: Mapped[VideoStatus | None] = mapped_column(choice(VideoStatus))
    """What it was before it was deleted, and is again when it is restored."""
    epoch: Mapped[int] = mapped_column(server_default="0")
    """Raised to end every playback link given out before."""
    has_ready: ClassVar[MappedSQLExpression[bool]]
    """Whether a play set of it is READY: set in `db.models.play_sets`, which knows them."""
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    uploaded_at: Mapped[datetime | None]
    """When its file was here whole; it is checked after that."""
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())
    published_at: Mapped[datetime | None]
    sort_duration_ms: Mapped[int] = mapped_column(
        BigInteger, Computed("coalesce(duration_ms, -1)", persisted=True)
    )
    """Orders need a column without nulls: what is not known is less than all that is."""
    sort_published_at: Mapped[datetime] = mapped_column(
        Computed("coalesce(published_at, '1970-01-01 00:00:00+00'::timestamptz)", persisted=True)
    )

    banned_by: Mapped[str | None] = column_property(
        case(
            (
                banned_by_id.is_not(None),
                select(ApiKey.name)
                .where(ApiKey.id == banned_by_id)
                .correlate_except(ApiKey)
                .scalar_subquery(),
            )
        )
    )
    """Name of the API key that banned it."""


class KeyPoint(Base):
    """A mark on the timeline of a video."""

    __tablename__ = "key_point"
    __table_args__ = (Index("ix_key_point_video_id_at_ms", "video_id", "at_ms", "id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    video_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("video.id", ondelete="CASCADE"))
    at_ms: Mapped[int]
    description: Mapped[str] = mapped_column(String(255))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())
