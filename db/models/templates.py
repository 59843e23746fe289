"""How play sets are made: templates, the rules that choose them, and what they have cost."""

import uuid
from datetime import datetime

from sqlalchemy import (
    ForeignKey,
    Identity,
    Index,
    String,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.orm import Mapped, mapped_column

from db.models.base import Base, choice
from domain.templates import FIRST_OWN, Codec, Encryption, Quality
from domain.videos import Resolution


class Template(Base):
    """One that is built in has no account; `db.templates.install` writes those.

    How it makes pictures never changes once anything was made with it, so that it says how.
    What its owner changes is another row, which takes over `public_id` and `number`.
    """

    __tablename__ = "template"
    __table_args__ = (Index("ix_template_account_id_number", "account_id", "number"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    public_id: Mapped[uuid.UUID] = mapped_column(unique=True, default=uuid.uuid4)
    """Its key in the API."""
    replaced_by_id: Mapped[uuid.UUID | None]
    """Of a former form: the `public_id` that it had, under which the present one is found."""
    account_id: Mapped[uuid.UUID | None] = mapped_column(ForeignKey("account.id"))
    number: Mapped[int] = mapped_column(Identity(start=FIRST_OWN), unique=True)
    name: Mapped[str] = mapped_column(String(255))
    resolution: Mapped[Resolution] = mapped_column(choice(Resolution))
    codec: Mapped[Codec] = mapped_column(choice(Codec))
    quality: Mapped[Quality] = mapped_column(choice(Quality))
    video_bitrate: Mapped[int | None]
    audio_bitrate: Mapped[int | None]
    """Ceilings of picture and sound, bit/s; null: as the resolution has it."""
    max_frame_rate: Mapped[int | None]
    encryption: Mapped[Encryption] = mapped_column(choice(Encryption))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())
    deleted_at: Mapped[datetime | None]
    """When it was deleted or replaced. Play sets that were made with it still refer to it."""


class TranscodeRule(Base):
    """Which templates a new video gets by itself."""

    __tablename__ = "transcode_rule"
    __table_args__ = (Index("ix_transcode_rule_account_id_created_at", "account_id", "created_at"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    account_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("account.id"))
    source_type: Mapped[str | None] = mapped_column(String(64))
    """Only for videos with this source type; null: with any."""
    category_id: Mapped[uuid.UUID | None] = mapped_column(
        ForeignKey("category.id", ondelete="CASCADE"), index=True
    )
    """Only for videos in this category or below; null: in any."""
    enabled: Mapped[bool] = mapped_column(server_default=text("true"))
    created_at: Mapped[datetime] = mapped_column(server_default=func.now())
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())


class RuleTemplate(Base):
    __tablename__ = "rule_template"
    __table_args__ = (UniqueConstraint("rule_id", "template_id"),)

    id: Mapped[uuid.UUID] = mapped_column(primary_key=True, default=uuid.uuid4)
    rule_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("transcode_rule.id", ondelete="CASCADE"))
    template_id: Mapped[uuid.UUID] = mapped_column(ForeignKey("template.id"), index=True)
    position: Mapped[int]


class TemplateCost(Base):
    """How long a template has taken lately: the measure under estimated times."""

    __tablename__ = "template_cost"

    template_id: Mapped[uuid.UUID] = mapped_column(
        ForeignKey("template.id", ondelete="CASCADE"), primary_key=True
    )
    source_class: Mapped[str] = mapped_column(String(32), primary_key=True)
    """Size and frame rate of the source, roughly: `domain.costs.source_class`."""
    cost: Mapped[float]
    """Seconds of work for a second of video; a running average."""
    samples: Mapped[int]
    updated_at: Mapped[datetime] = mapped_column(server_default=func.now(), onupdate=func.now())
