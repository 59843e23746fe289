"""The library: what an operator does with videos, who may play them, where they are kept.

Every account gets the category that its videos lie in by default.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "878ab35a5638"
down_revision = "e0c2fdb3f791"

NUMBERS = """
update category set number = numbered.number
from (
    select id, 1 + row_number() over (partition by account_id order by created_at, id) as number
    from category
) as numbered
where numbered.id = category.id
"""
DEFAULTS = """
insert into category (id, account_id, number, name)
select gen_random_uuid(), id, 1, 'Default' from account
"""
HIGHEST = """
update account set category_numbers = (
    select max(number) from category where account_id = account.id
)
"""
PLACES = """
update video set category_id = category.id
from category
where video.category_id is null and category.account_id = video.account_id and category.number = 1
"""


def upgrade() -> None:
    _accounts()
    _categories()
    _videos()
    _key_points()
    _guards()
    _plays()
    _legacy()


def _accounts() -> None:
    op.add_column("account", sa.Column("phone", sa.String(length=32), nullable=True))
    op.add_column(
        "account",
        sa.Column(
            "referrers",
            sa.ARRAY(sa.String(length=255)),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
    )
    op.add_column(
        "account",
        sa.Column("empty_referrer", sa.Boolean(), server_default=sa.text("true"), nullable=False),
    )
    op.add_column(
        "account",
        sa.Column(
            "networks",
            sa.ARRAY(sa.String(length=64)),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
    )
    op.add_column(
        "account", sa.Column("category_numbers", sa.Integer(), server_default="1", nullable=False)
    )


def _categories() -> None:
    op.add_column("category", sa.Column("number", sa.Integer(), nullable=True))
    op.execute(NUMBERS)
    op.execute(DEFAULTS)
    op.execute(HIGHEST)
    op.execute(PLACES)
    op.alter_column("category", "number", nullable=False)
    op.create_unique_constraint(
        op.f("uq_category_account_id_number"), "category", ["account_id", "number"]
    )


def _videos() -> None:
    op.add_column("video", sa.Column("owner_phone", sa.String(length=32), nullable=True))
    op.add_column(
        "video",
        sa.Column(
            "tags", sa.ARRAY(sa.String(length=64)), server_default=sa.text("'{}'"), nullable=False
        ),
    )
    op.add_column(
        "video",
        sa.Column("grams", sa.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
    )
    op.add_column("video", sa.Column("cover_key", sa.String(), nullable=True))
    op.add_column("video", sa.Column("cover_object_id", sa.Uuid(), nullable=True))
    op.add_column("video", sa.Column("player_id", sa.String(length=64), nullable=True))
    op.add_column("video", sa.Column("player_name", sa.String(length=255), nullable=True))
    op.add_column(
        "video",
        sa.Column(
            "aspect_ratio",
            sa.Enum("16:9", "4:3", name="aspectratio", native_enum=False, length=32),
            server_default="16:9",
            nullable=False,
        ),
    )
    op.add_column(
        "video",
        sa.Column("auto_play", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.add_column("video", sa.Column("publish_domain", sa.String(length=255), nullable=True))
    op.add_column(
        "video",
        sa.Column(
            "share_state",
            sa.Enum(
                "private", "password", "public", name="sharestate", native_enum=False, length=32
            ),
            server_default="private",
            nullable=False,
        ),
    )
    op.add_column("video", sa.Column("share_password_hash", sa.String(), nullable=True))
    op.add_column("video", sa.Column("share_password_sealed", sa.LargeBinary(), nullable=True))
    op.add_column(
        "video",
        sa.Column("auth_play", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.add_column("video", sa.Column("banned_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("video", sa.Column("ban_reason", sa.String(), nullable=True))
    op.add_column("video", sa.Column("banned_by_id", sa.Uuid(), nullable=True))
    op.add_column("video", sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "video",
        sa.Column(
            "former_status",
            sa.Enum(
                "initial",
                "uploading",
                "upload_failed",
                "processing",
                "published",
                "banned",
                "deleted",
                name="videostatus",
                native_enum=False,
                length=32,
            ),
            nullable=True,
        ),
    )
    op.create_index(op.f("ix_video_cover_object_id"), "video", ["cover_object_id"], unique=False)
    op.create_index(
        "ix_video_deleted_at",
        "video",
        ["deleted_at"],
        unique=False,
        postgresql_where=sa.text("deleted_at is not null"),
    )
    op.create_index("ix_video_grams", "video", ["grams"], unique=False, postgresql_using="gin")
    op.create_index("ix_video_tags", "video", ["tags"], unique=False, postgresql_using="gin")
    op.create_foreign_key(
        op.f("fk_video_banned_by_id"),
        "video",
        "api_key",
        ["banned_by_id"],
        ["id"],
        ondelete="SET NULL",
    )
    op.create_foreign_key(
        op.f("fk_video_cover_object_id"),
        "video",
        "stored_object",
        ["cover_object_id"],
        ["id"],
        ondelete="SET NULL",
    )


def _key_points() -> None:
    op.create_table(
        "key_point",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("video_id", sa.Uuid(), nullable=False),
        sa.Column("at_ms", sa.Integer(), nullable=False),
        sa.Column("description", sa.String(length=255), nullable=False),
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
            ["video_id"], ["video.id"], name=op.f("fk_key_point_video_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_key_point")),
    )
    op.create_index(
        "ix_key_point_video_id_at_ms", "key_point", ["video_id", "at_ms", "id"], unique=False
    )


def _guards() -> None:
    op.create_table(
        "password_attempt",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("video_id", sa.Uuid(), nullable=False),
        sa.Column("caller", sa.String(length=64), nullable=False),
        sa.Column(
            "attempted_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["video_id"],
            ["video.id"],
            name=op.f("fk_password_attempt_video_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_password_attempt")),
    )
    op.create_index(
        "ix_password_attempt_attempted_at", "password_attempt", ["attempted_at"], unique=False
    )
    op.create_index(
        "ix_password_attempt_video_id_caller",
        "password_attempt",
        ["video_id", "caller", "attempted_at"],
        unique=False,
    )
    op.create_table(
        "spent_token",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_spent_token")),
    )
    op.create_index("ix_spent_token_expires_at", "spent_token", ["expires_at"], unique=False)


def _plays() -> None:
    op.create_table(
        "play",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("video_id", sa.Uuid(), nullable=False),
        sa.Column("session", sa.String(length=64), nullable=False),
        sa.Column("viewer", sa.String(length=255), nullable=True),
        sa.Column("watched_ms", sa.BigInteger(), nullable=False),
        sa.Column("progress", sa.Double(), nullable=False),
        sa.Column(
            "started_at",
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
        sa.ForeignKeyConstraint(["account_id"], ["account.id"], name=op.f("fk_play_account_id")),
        sa.ForeignKeyConstraint(
            ["video_id"], ["video.id"], name=op.f("fk_play_video_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_play")),
        sa.UniqueConstraint("video_id", "session", name=op.f("uq_play_video_id_session")),
    )
    op.create_index(
        "ix_play_account_id_started_at", "play", ["account_id", "started_at"], unique=False
    )
    op.create_index(
        "ix_play_account_id_viewer", "play", ["account_id", "viewer", "video_id"], unique=False
    )
    op.create_table(
        "recommendation",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("video_id", sa.Uuid(), nullable=False),
        sa.Column("other_id", sa.Uuid(), nullable=False),
        sa.Column("rank", sa.Integer(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("reasons", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.ForeignKeyConstraint(
            ["other_id"], ["video.id"], name=op.f("fk_recommendation_other_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["video_id"], ["video.id"], name=op.f("fk_recommendation_video_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recommendation")),
    )
    op.create_index(
        op.f("ix_recommendation_other_id"), "recommendation", ["other_id"], unique=False
    )
    op.create_index(
        "ix_recommendation_video_id_rank", "recommendation", ["video_id", "rank"], unique=False
    )


def _legacy() -> None:
    """What older systems want to know of fetches."""
    op.add_column("task", sa.Column("list_size", sa.BigInteger(), nullable=True))
    op.add_column("task", sa.Column("list_storage_id", sa.String(length=16), nullable=True))
