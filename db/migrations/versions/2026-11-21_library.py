"""The library: what an operator does with videos, who may play them, where they are kept.

Every account gets the category that its videos lie in by default.
"""

from uuid import UUID

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

from domain import grams

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
ARRIVALS = """
update video set uploaded_at = created_at
where content_id is not null or source_kind in ('upload', 'fetch')
"""
OPEN_UPLOADS = """
create temporary table begun on commit drop as
select id as session_id, gen_random_uuid() as id
from upload_session
where status in ('waiting', 'uploading') and purpose = 'video' and video_id is null
    and id not in (
        select upload_session_id from fetch_item where upload_session_id is not null
    )
"""
BEGUN = """
insert into video (
    id, vid, account_id, status, title, description, category_id, file_size,
    skip_auto_transcode, created_at
)
select
    begun.id,
    left(translate(
        encode(sha256(gen_random_uuid()::text::bytea), 'base64'), '+/', '-_'
    ), 11),
    upload_session.account_id,
    case upload_session.status when 'waiting' then 'initial' else 'uploading' end,
    title,
    description,
    coalesce(category_id, (
        select category.id from category
        where category.account_id = upload_session.account_id and number = 1
    )),
    file_size,
    skip_auto_transcode,
    created_at
from begun join upload_session on upload_session.id = begun.session_id
"""
LINKS = """
update upload_session set video_id = begun.id, updated_at = updated_at
from begun where begun.session_id = upload_session.id
"""
# What came with a video has the moment of the transaction that made it: of the end of the task
# that checked or made the file, or of the video itself when its file was known already.
KEPT = """
update stored_object set kept = true
where (account_id, created_at) not in (
    select task.account_id, task.finished_at
    from task left join upload_session on upload_session.id = task.upload_session_id
    where task.finished_at is not null and (
        task.kind in ('clip', 'splice', 'simulate')
        or task.kind = 'verify' and upload_session.purpose = 'video'
    )
) and (account_id, content_id, created_at) not in (
    select account_id, content_id, created_at from video where content_id is not null
) or id in (
    select object_id from upload_session where purpose = 'object' and object_id is not null
) or (account_id, content_id) in (
    select account_id, content_id from video
    where content_id is not null and source_kind = 'upload' and source_id is not null
)
"""
REFERENCES = (
    ("audio_track", "key_id"),
    ("play_set", "audio_track_id"),
    ("play_set", "key_id"),
    ("upload_session", "object_id"),
)
SOME_TITLES = "select id, account_id, title from video where id > :last order by id limit 1000"
SEARCHED = "update video set search_text = :text, grams = :grams where id = :id"


def upgrade() -> None:
    _accounts()
    _categories()
    _videos()
    _uploads()
    _searched()
    _objects()
    _covers()
    _key_points()
    _guards()
    _plays()
    _legacy()
    _references()


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
    op.create_index(
        op.f("ix_upload_session_category_id"), "upload_session", ["category_id"], unique=False
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
    op.add_column("video", sa.Column("search_text", sa.Text(), server_default="", nullable=False))
    op.add_column(
        "video",
        sa.Column(
            "sort_duration_ms",
            sa.BigInteger(),
            sa.Computed("coalesce(duration_ms, -1)", persisted=True),
            nullable=False,
        ),
    )
    op.add_column(
        "video",
        sa.Column(
            "sort_published_at",
            sa.DateTime(timezone=True),
            sa.Computed(
                "coalesce(published_at, '1970-01-01 00:00:00+00'::timestamptz)", persisted=True
            ),
            nullable=False,
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
    for column in ("file_size", "sort_duration_ms", "sort_published_at"):
        op.create_index(f"ix_video_account_id_{column}", "video", ["account_id", column, "id"])
    op.create_index(
        "ix_video_traits",
        "video",
        ["account_id", "status", "source_kind", "share_state", "source_type"],
        postgresql_include=["created_at", "id"],
    )
    op.create_index(
        "ix_video_account_id_owner_phone",
        "video",
        ["account_id", "owner_phone"],
        postgresql_where=sa.text("owner_phone is not null"),
    )
    op.create_index("ix_video_account_id_storage_id", "video", ["account_id", "storage_id"])
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


def _uploads() -> None:
    """Videos begin with their uploads: also those whose upload is open now."""
    op.add_column("video", sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        op.f("ix_upload_session_video_id"), "upload_session", ["video_id"], unique=False
    )
    op.execute(ARRIVALS)
    op.execute(OPEN_UPLOADS)
    op.execute(BEGUN)
    op.execute(LINKS)


def _searched() -> None:
    """Titles from before can be searched for, those of open uploads, too.

    The indexes come last: building one costs much less than keeping it up to date.
    """
    last = UUID(int=0)
    while rows := op.get_bind().execute(sa.text(SOME_TITLES), {"last": last}).all():
        found = [
            {"id": id, "text": grams.normal(title), "grams": grams.of(title, account_id)}
            for id, account_id, title in rows
        ]
        op.get_bind().execute(sa.text(SEARCHED), found)
        last = rows[-1].id
    op.create_index(
        "ix_video_grams",
        "video",
        ["grams"],
        unique=False,
        postgresql_using="gin",
        postgresql_with={"fastupdate": "off"},
    )
    op.create_index("ix_video_tags", "video", ["tags"], unique=False, postgresql_using="gin")


def _objects() -> None:
    """What cannot be told to have come with a video is its owner's: it stays."""
    op.add_column(
        "stored_object",
        sa.Column("kept", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.execute(KEPT)


def _covers() -> None:
    op.add_column("upload_session", sa.Column("owner_phone", sa.String(length=32), nullable=True))
    op.add_column("task", sa.Column("object_id", sa.Uuid(), nullable=True))
    op.add_column("task", sa.Column("at_ms", sa.Integer(), nullable=True))
    op.create_index(op.f("ix_task_object_id"), "task", ["object_id"], unique=False)
    op.create_foreign_key(
        op.f("fk_task_object_id"),
        "task",
        "stored_object",
        ["object_id"],
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
        sa.Column("viewer", sa.String(length=64), nullable=True),
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
    op.create_table(
        "recommendation",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("video_id", sa.Uuid(), nullable=False),
        sa.Column("rank", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("other_id", sa.Uuid(), nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("reasons", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("account_id", "video_id", "rank", name=op.f("pk_recommendation")),
    )
    op.create_table(
        "recommending",
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reached", sa.Uuid(), nullable=True),
        sa.ForeignKeyConstraint(
            ["account_id"],
            ["account.id"],
            name=op.f("fk_recommending_account_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("account_id", name=op.f("pk_recommending")),
    )
    _published("ix_video_published", "account_id")
    _published("ix_video_published_category", "category_id")
    _published(
        "ix_video_published_public", "account_id", " and share_state = 'public' and not auth_play"
    )


def _published(name: str, scope: str, further: str = "") -> None:
    """An index of the newest that can be played."""
    op.create_index(
        name,
        "video",
        [scope, "sort_published_at", "id"],
        postgresql_where=sa.text(f"status = 'published'{further}"),
    )


def _legacy() -> None:
    """What older systems want to know of fetches."""
    op.add_column("task", sa.Column("list_size", sa.BigInteger(), nullable=True))
    op.add_column("task", sa.Column("list_storage_id", sa.String(length=16), nullable=True))


def _references() -> None:
    """What a row that goes is looked for by: a purge removes many at once."""
    for table, column in REFERENCES:
        op.create_index(
            f"ix_{table}_{column}",
            table,
            [column],
            postgresql_where=sa.text(f"{column} is not null"),
        )
