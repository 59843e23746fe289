"""The task engine: templates, rules, what tasks are about, who runs them.

Play sets that are there were made with the built-in templates of their resolutions.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "e0c2fdb3f791"
down_revision = "669624fb2b3f"

# Only those that play sets refer to; every start brings the built-in templates up to date.
TEMPLATES = """
insert into template (id, public_id, number, name, resolution, codec, quality, encryption)
select key, key, number, name, name, 'h264', 'fast', 'none'
from unnest(array['360P', '480P', '720P', '1080P', 'Origin']) with ordinality as one (name, number),
    cast('00000000-0000-0000-0000-00000000000' || number as uuid) as key
"""
PLAY_SETS = """
update play_set set template_id = template.id
from template where template.name = play_set.resolution
"""
QUEUES = """
update task set queue = case
    when transcode_pass = 'ladder' then 'transcode'
    when transcode_pass is not null then 'first_play'
    else 'intake'
end
where status in ('queued', 'running')
"""


def upgrade() -> None:
    _workers()
    _templates()
    _tasks()
    _videos()


def _workers() -> None:
    op.create_table(
        "worker",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column(
            "started_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "heard_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_worker")),
    )
    op.create_index(op.f("ix_worker_heard_at"), "worker", ["heard_at"], unique=False)
    op.create_table(
        "worker_lane",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("worker_id", sa.Uuid(), nullable=False),
        sa.Column("queues", postgresql.ARRAY(sa.String(length=32)), nullable=False),
        sa.Column("slots", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["worker_id"], ["worker.id"], name=op.f("fk_worker_lane_worker_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_worker_lane")),
    )
    op.create_index(op.f("ix_worker_lane_worker_id"), "worker_lane", ["worker_id"], unique=False)


def _templates() -> None:
    op.create_table(
        "category",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("parent_id", sa.Uuid(), nullable=True),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_category_account_id")
        ),
        sa.ForeignKeyConstraint(["parent_id"], ["category.id"], name=op.f("fk_category_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_category")),
    )
    op.create_index(
        "ix_category_account_id_name", "category", ["account_id", "name", "id"], unique=False
    )
    op.create_index(op.f("ix_category_parent_id"), "category", ["parent_id"], unique=False)
    op.create_table(
        "template",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("public_id", sa.Uuid(), nullable=False),
        sa.Column("replaced_by_id", sa.Uuid(), nullable=True),
        sa.Column("account_id", sa.Uuid(), nullable=True),
        sa.Column("number", sa.Integer(), sa.Identity(always=False, start=1001), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column(
            "resolution",
            sa.Enum(
                "240P",
                "360P",
                "480P",
                "720P",
                "1080P",
                "1440P",
                "2160P",
                "Origin",
                name="resolution",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column(
            "codec",
            sa.Enum("h264", "hevc", "av1", name="codec", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column(
            "quality",
            sa.Enum("fast", "high", name="quality", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column("video_bitrate", sa.Integer(), nullable=True),
        sa.Column("audio_bitrate", sa.Integer(), nullable=True),
        sa.Column("max_frame_rate", sa.Integer(), nullable=True),
        sa.Column(
            "encryption",
            sa.Enum("none", "aes_128", name="encryption", native_enum=False, length=32),
            nullable=False,
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_template_account_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_template")),
        sa.UniqueConstraint("number", name=op.f("uq_template_number")),
        sa.UniqueConstraint("public_id", name=op.f("uq_template_public_id")),
    )
    op.create_index(
        "ix_template_account_id_number", "template", ["account_id", "number"], unique=False
    )
    op.create_table(
        "template_cost",
        sa.Column("template_id", sa.Uuid(), nullable=False),
        sa.Column("source_class", sa.String(length=32), nullable=False),
        sa.Column("cost", sa.Double(), nullable=False),
        sa.Column("samples", sa.Integer(), nullable=False),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["template_id"],
            ["template.id"],
            name=op.f("fk_template_cost_template_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("template_id", "source_class", name=op.f("pk_template_cost")),
    )
    op.create_table(
        "transcode_rule",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("source_type", sa.String(length=64), nullable=True),
        sa.Column("category_id", sa.Uuid(), nullable=True),
        sa.Column("enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "updated_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_transcode_rule_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["category_id"],
            ["category.id"],
            name=op.f("fk_transcode_rule_category_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_transcode_rule")),
    )
    op.create_index(
        "ix_transcode_rule_account_id_created_at",
        "transcode_rule",
        ["account_id", "created_at"],
        unique=False,
    )
    op.create_index(
        op.f("ix_transcode_rule_category_id"), "transcode_rule", ["category_id"], unique=False
    )
    op.create_table(
        "rule_template",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("rule_id", sa.Uuid(), nullable=False),
        sa.Column("template_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["rule_id"],
            ["transcode_rule.id"],
            name=op.f("fk_rule_template_rule_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["template_id"], ["template.id"], name=op.f("fk_rule_template_template_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rule_template")),
        sa.UniqueConstraint(
            "rule_id", "template_id", name=op.f("uq_rule_template_rule_id_template_id")
        ),
    )
    op.create_index(
        op.f("ix_rule_template_template_id"), "rule_template", ["template_id"], unique=False
    )
    op.execute(TEMPLATES)


def _tasks() -> None:
    op.create_table(
        "clip_segment",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("video_id", sa.Uuid(), nullable=False),
        sa.Column("start_ms", sa.BigInteger(), nullable=False),
        sa.Column("end_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["task_id"], ["task.id"], name=op.f("fk_clip_segment_task_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["video_id"], ["video.id"], name=op.f("fk_clip_segment_video_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clip_segment")),
        sa.UniqueConstraint("task_id", "position", name=op.f("uq_clip_segment_task_id_position")),
    )
    op.create_index(op.f("ix_clip_segment_video_id"), "clip_segment", ["video_id"], unique=False)
    op.create_table(
        "export_file",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("source_task_id", sa.Uuid(), nullable=True),
        sa.Column("file_name", sa.String(length=255), nullable=False),
        sa.Column("key", sa.String(), nullable=True),
        sa.Column("row_count", sa.Integer(), nullable=True),
        sa.Column("file_size", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.String(length=64), nullable=True),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["source_task_id"],
            ["task.id"],
            name=op.f("fk_export_file_source_task_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["task_id"], ["task.id"], name=op.f("fk_export_file_task_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_export_file")),
        sa.UniqueConstraint("task_id", name=op.f("uq_export_file_task_id")),
    )
    op.create_index(op.f("ix_export_file_expires_at"), "export_file", ["expires_at"], unique=False)
    op.create_index(
        op.f("ix_export_file_source_task_id"), "export_file", ["source_task_id"], unique=False
    )
    op.create_table(
        "fetch_item",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("task_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("url", sa.String(), nullable=False),
        sa.Column("title", sa.String(length=255), nullable=True),
        sa.Column("source_type", sa.String(length=64), nullable=True),
        sa.Column("source_id", sa.String(length=255), nullable=True),
        sa.Column(
            "status",
            sa.Enum(
                "queued",
                "running",
                "paused",
                "succeeded",
                "partial",
                "failed",
                "cancelled",
                name="taskstatus",
                native_enum=False,
                length=32,
            ),
            nullable=False,
        ),
        sa.Column("video_id", sa.Uuid(), nullable=True),
        sa.Column("upload_session_id", sa.Uuid(), nullable=True),
        sa.Column("validator", sa.String(), nullable=True),
        sa.Column("bytes_fetched", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("file_size", sa.BigInteger(), nullable=True),
        sa.Column("failures", sa.Integer(), server_default="0", nullable=False),
        sa.Column("retry_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "error_code",
            sa.Enum(
                "INVALID_ARGUMENT",
                "NOT_FOUND",
                "LIMIT_EXCEEDED",
                "CHUNK_MISSING",
                "CHECKSUM_MISMATCH",
                "SESSION_CLOSED",
                "INVALID_STATE",
                "PART_BUSY",
                "INCOMPLETE_BODY",
                "STORAGE_FULL",
                "STORAGE_BUSY",
                "QUOTA_EXCEEDED",
                "POSSESSION_NOT_PROVEN",
                "DUPLICATE_CONTENT",
                "OBJECT_IN_USE",
                "MEDIA_REFUSED",
                "TRANSCODE_FAILED",
                "CANCELLED",
                "UNAUTHENTICATED",
                "LINK_EXPIRED",
                "LINK_INVALID",
                "BAD_CURSOR",
                "INTERNAL",
                name="errorcode",
                native_enum=False,
                length=32,
            ),
            nullable=True,
        ),
        sa.Column("error_message", sa.String(), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["task_id"], ["task.id"], name=op.f("fk_fetch_item_task_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["upload_session_id"],
            ["upload_session.id"],
            name=op.f("fk_fetch_item_upload_session_id"),
            ondelete="SET NULL",
        ),
        sa.ForeignKeyConstraint(
            ["video_id"], ["video.id"], name=op.f("fk_fetch_item_video_id"), ondelete="SET NULL"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fetch_item")),
        sa.UniqueConstraint("task_id", "position", name=op.f("uq_fetch_item_task_id_position")),
    )
    op.create_index(
        op.f("ix_fetch_item_upload_session_id"), "fetch_item", ["upload_session_id"], unique=False
    )
    op.create_index(op.f("ix_fetch_item_video_id"), "fetch_item", ["video_id"], unique=False)
    op.add_column(
        "task", sa.Column("redo", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column("task", sa.Column("queue", sa.String(length=32), nullable=True))
    op.add_column("task", sa.Column("queued_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("task", sa.Column("priority", sa.Integer(), server_default="0", nullable=False))
    op.add_column("task", sa.Column("cost_s", sa.Double(), nullable=True))
    op.add_column("task", sa.Column("command", sa.String(), nullable=True))
    op.add_column("task", sa.Column("category_id", sa.Uuid(), nullable=True))
    op.add_column(
        "task",
        sa.Column(
            "skip_auto_transcode", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
    )
    op.add_column("task", sa.Column("file_name", sa.String(length=255), nullable=True))
    op.add_column("task", sa.Column("total_count", sa.Integer(), nullable=True))
    op.add_column("task", sa.Column("success_count", sa.Integer(), nullable=True))
    op.add_column("task", sa.Column("fail_count", sa.Integer(), nullable=True))
    op.create_index(op.f("ix_task_category_id"), "task", ["category_id"], unique=False)
    op.create_index(
        "ix_task_account_id_queued",
        "task",
        ["account_id", "queue"],
        unique=False,
        postgresql_where=sa.text("status = 'queued'"),
    )
    op.create_index(
        "ix_task_unfinished",
        "task",
        ["queue", "priority", "job_id"],
        unique=False,
        postgresql_where=sa.text("status in ('queued', 'running')"),
    )
    op.create_foreign_key(
        op.f("fk_task_category_id"),
        "task",
        "category",
        ["category_id"],
        ["id"],
        ondelete="SET NULL",
    )
    op.execute(QUEUES)


def _videos() -> None:
    op.create_table(
        "segment_key",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("video_id", sa.Uuid(), nullable=False),
        sa.Column("value", sa.LargeBinary(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["video_id"], ["video.id"], name=op.f("fk_segment_key_video_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_segment_key")),
    )
    op.create_index(op.f("ix_segment_key_video_id"), "segment_key", ["video_id"], unique=False)
    op.add_column("audio_track", sa.Column("key_id", sa.Uuid(), nullable=True))
    op.add_column(
        "audio_track",
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
    )
    op.drop_constraint(op.f("uq_audio_track_video_id_name"), "audio_track", type_="unique")
    op.create_index(
        "ix_audio_track_video_id_name",
        "audio_track",
        ["video_id", "name", "created_at"],
        unique=False,
    )
    op.create_foreign_key(
        op.f("fk_audio_track_key_id"), "audio_track", "segment_key", ["key_id"], ["id"]
    )
    op.add_column("play_set", sa.Column("template_id", sa.Uuid(), nullable=True))
    op.execute(PLAY_SETS)
    op.alter_column("play_set", "template_id", nullable=False)
    op.add_column("play_set", sa.Column("key_id", sa.Uuid(), nullable=True))
    op.drop_constraint(op.f("uq_play_set_video_id_resolution"), "play_set", type_="unique")
    op.create_index(op.f("ix_play_set_template_id"), "play_set", ["template_id"], unique=False)
    op.create_index("ix_play_set_video_id", "play_set", ["video_id"], unique=False)
    op.create_index(
        "uq_play_set_open",
        "play_set",
        ["video_id", "template_id"],
        unique=True,
        postgresql_where=sa.text("status in ('initial', 'transcoding', 'transcoded', 'uploading')"),
    )
    op.create_index(
        "uq_play_set_ready",
        "play_set",
        ["video_id", "template_id"],
        unique=True,
        postgresql_where=sa.text("status = 'ready'"),
    )
    op.create_foreign_key(
        op.f("fk_play_set_template_id"), "play_set", "template", ["template_id"], ["id"]
    )
    op.create_foreign_key(op.f("fk_play_set_key_id"), "play_set", "segment_key", ["key_id"], ["id"])
    op.add_column("upload_session", sa.Column("category_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_upload_session_category_id"),
        "upload_session",
        "category",
        ["category_id"],
        ["id"],
        ondelete="SET NULL",
    )
    op.add_column(
        "video",
        sa.Column(
            "source_kind",
            sa.Enum(
                "upload",
                "fetch",
                "trim",
                "splice",
                "simulation",
                name="sourcekind",
                native_enum=False,
                length=32,
            ),
            server_default="upload",
            nullable=False,
        ),
    )
    op.add_column("video", sa.Column("clipped_from_id", sa.Uuid(), nullable=True))
    op.add_column("video", sa.Column("category_id", sa.Uuid(), nullable=True))
    op.add_column(
        "video", sa.Column("simulation", postgresql.JSONB(astext_type=sa.Text()), nullable=True)
    )
    op.create_index(op.f("ix_video_category_id"), "video", ["category_id"], unique=False)
    op.create_index(op.f("ix_video_clipped_from_id"), "video", ["clipped_from_id"], unique=False)
    op.create_foreign_key(
        op.f("fk_video_clipped_from_id"),
        "video",
        "video",
        ["clipped_from_id"],
        ["id"],
        ondelete="SET NULL",
    )
    op.create_foreign_key(
        op.f("fk_video_category_id"),
        "video",
        "category",
        ["category_id"],
        ["id"],
        ondelete="SET NULL",
    )
