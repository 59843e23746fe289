"""Uploads, whole: contents apart from who holds them, and what sessions know of their bytes.

A content takes the id of the video that has most of it, so that what was made of it keeps its
place in the store. Other videos of the same bytes share that one's files from here on.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "669624fb2b3f"
down_revision = "4c1f0a6d2b7e"

CONTENTS = """
insert into content (id, sha256, key, size, "references", source, created_at)
select coalesce(first.id, gen_random_uuid()), old.sha256, old.key, old.size,
    (select count(distinct account_id) from video where source_sha256 = old.sha256),
    first.source, old.created_at
from stored_object old
left join lateral (
    select id, source from video where source_sha256 = old.sha256
    order by (
        select count(*) from play_set where video_id = video.id and status = 'ready'
    ) desc, created_at, id
    limit 1
) first on true
"""
OBJECTS = """
insert into stored_object
    (id, storage_id, account_id, content_id, sha256, file_size, content_type, created_at)
select gen_random_uuid(), substr(md5(random()::text || content.id::text), 1, 11),
    video.account_id, content.id, content.sha256, content.size, 'application/octet-stream',
    min(video.created_at)
from video join content on content.sha256 = video.source_sha256
group by video.account_id, content.id
"""
VIDEOS = """
update video set content_id = stored_object.content_id, storage_id = stored_object.storage_id
from stored_object
where stored_object.sha256 = video.source_sha256
    and stored_object.account_id = video.account_id
"""
PICTURES = """
update video set poster_key = first.poster_key, storyboard_key = first.storyboard_key
from video first where first.id = video.content_id and video.id <> first.id
"""
PLAY_SETS = """
update play_set set playlist_key = twin.playlist_key, file_size = twin.file_size
from video, play_set twin
where video.id = play_set.video_id and play_set.status = 'ready' and video.content_id <> video.id
    and twin.video_id = video.content_id and twin.resolution = play_set.resolution
    and twin.playlist_key is not null
"""
# What the first one lacks has no place any more; nobody would find its files.
LACKING = """
update play_set set status = 'transcode_failed' from video
where video.id = play_set.video_id and video.content_id <> video.id
    and play_set.status = 'ready' and not exists (
        select from play_set twin where twin.video_id = video.content_id
            and twin.resolution = play_set.resolution and twin.playlist_key is not null
    )
"""
SOUND = """
update audio_track set playlist_key = twin.playlist_key, file_size = twin.file_size
from video, audio_track twin
where video.id = audio_track.video_id and video.content_id <> video.id
    and twin.video_id = video.content_id and twin.name = audio_track.name
"""
USED = """
update account set storage_used = used.bytes
from (select account_id, sum(file_size) as bytes from stored_object group by account_id) used
where used.account_id = account.id
"""
SESSIONS = """
update upload_session set storage_token = id::text, storage_key =
    'sources/' || substr(sha256, 1, 2) || '/' || substr(sha256, 3, 2) || '/'
    || sha256 || '.' || replace(id::text, '-', '')
"""
# A check that is under way knows no video yet; its client completes the upload once more.
REOPENED = """
update upload_session set status = 'uploading',
    expires_at = greatest(expires_at, now() + interval '7 days')
where status = 'verifying'
"""
ENDED = """
update task set status = 'cancelled', finished_at = now()
where kind = 'verify' and status in ('queued', 'running')
"""


def upgrade() -> None:
    op.drop_constraint(op.f("fk_video_source_sha256"), "video", type_="foreignkey")
    _contents()
    _sessions()
    _videos()


def _contents() -> None:
    op.create_table(
        "content",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("references", sa.Integer(), nullable=False),
        sa.Column("source", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column(
            "checked_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("damaged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_content")),
        sa.UniqueConstraint("key", name=op.f("uq_content_key")),
        sa.UniqueConstraint("sha256", name=op.f("uq_content_sha256")),
    )
    op.create_index(op.f("ix_content_checked_at"), "content", ["checked_at"], unique=False)
    op.create_table(
        "garbage",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_garbage")),
    )
    op.create_index(op.f("ix_garbage_due_at"), "garbage", ["due_at"], unique=False)
    op.create_table(
        "spent_challenge",
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("nonce", name=op.f("pk_spent_challenge")),
    )
    op.create_index(
        op.f("ix_spent_challenge_expires_at"), "spent_challenge", ["expires_at"], unique=False
    )
    op.add_column(
        "account", sa.Column("storage_used", sa.BigInteger(), server_default="0", nullable=False)
    )
    op.add_column("account", sa.Column("storage_quota", sa.BigInteger(), nullable=True))
    op.execute(CONTENTS)
    op.drop_table("stored_object")
    op.create_table(
        "stored_object",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("storage_id", sa.String(length=16), nullable=False),
        sa.Column("account_id", sa.Uuid(), nullable=False),
        sa.Column("content_id", sa.Uuid(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("file_size", sa.BigInteger(), nullable=False),
        sa.Column("file_name", sa.String(length=255), nullable=True),
        sa.Column("content_type", sa.String(length=255), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["account.id"], name=op.f("fk_stored_object_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["content_id"], ["content.id"], name=op.f("fk_stored_object_content_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stored_object")),
        sa.UniqueConstraint(
            "account_id", "content_id", name=op.f("uq_stored_object_account_id_content_id")
        ),
        sa.UniqueConstraint("storage_id", name=op.f("uq_stored_object_storage_id")),
    )
    op.create_index(
        "ix_stored_object_account_id_created_at",
        "stored_object",
        ["account_id", "created_at", "id"],
        unique=False,
    )
    op.create_index(
        op.f("ix_stored_object_content_id"), "stored_object", ["content_id"], unique=False
    )
    op.create_index("ix_stored_object_account_id_sha256", "stored_object", ["account_id", "sha256"])
    op.execute(OBJECTS)
    op.execute(USED)


def _sessions() -> None:
    op.alter_column("upload_part", "sha256", existing_type=sa.VARCHAR(length=64), nullable=True)
    op.add_column(
        "upload_session",
        sa.Column(
            "purpose",
            sa.Enum(
                "video", "object", "partial", name="uploadpurpose", native_enum=False, length=32
            ),
            server_default="video",
            nullable=False,
        ),
    )
    op.add_column(
        "upload_session",
        sa.Column(
            "skip_auto_transcode", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
    )
    op.add_column("upload_session", sa.Column("file_name", sa.String(length=255), nullable=True))
    op.add_column(
        "upload_session",
        sa.Column(
            "content_type",
            sa.String(length=255),
            server_default="application/octet-stream",
            nullable=False,
        ),
    )
    op.add_column("upload_session", sa.Column("chunk_digests", sa.LargeBinary(), nullable=True))
    op.add_column(
        "upload_session",
        sa.Column("sequential", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.add_column(
        "upload_session", sa.Column("partials", postgresql.ARRAY(sa.Uuid()), nullable=True)
    )
    op.add_column(
        "upload_session", sa.Column("storage_key", sa.String(), server_default="", nullable=False)
    )
    op.add_column(
        "upload_session", sa.Column("storage_token", sa.String(), server_default="", nullable=False)
    )
    op.add_column("upload_session", sa.Column("speed", sa.Double(), nullable=True))
    op.add_column(
        "upload_session", sa.Column("heard_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column("upload_session", sa.Column("object_id", sa.Uuid(), nullable=True))
    op.alter_column("upload_session", "sha256", existing_type=sa.VARCHAR(length=64), nullable=True)
    op.create_index(
        "ix_upload_session_account_id_sha256",
        "upload_session",
        ["account_id", "sha256"],
        unique=False,
        postgresql_where=sa.text("status in ('waiting', 'uploading')"),
    )
    op.create_foreign_key(
        op.f("fk_upload_session_object_id"),
        "upload_session",
        "stored_object",
        ["object_id"],
        ["id"],
        ondelete="SET NULL",
    )
    op.create_index(
        "ix_upload_session_account_id_open",
        "upload_session",
        ["account_id"],
        postgresql_where=sa.text("status in ('waiting', 'uploading', 'verifying')"),
    )
    for column in ("storage_key", "storage_token"):
        op.create_index(
            f"ix_upload_session_{column}",
            "upload_session",
            [column],
            postgresql_where=sa.text("storage_token <> ''"),
        )
    op.create_index(
        "ix_upload_session_uncleared",
        "upload_session",
        ["updated_at"],
        postgresql_where=sa.text(
            "storage_token <> '' and status not in ('waiting', 'uploading', 'verifying')"
        ),
    )
    for statement in (SESSIONS, REOPENED, ENDED):
        op.execute(statement)
    for name in ("content_type", "storage_key", "storage_token"):
        op.alter_column("upload_session", name, server_default=None)


def _videos() -> None:
    op.add_column("video", sa.Column("source_type", sa.String(length=64), nullable=True))
    op.add_column("video", sa.Column("source_id", sa.String(length=255), nullable=True))
    op.add_column("video", sa.Column("content_id", sa.Uuid(), nullable=True))
    op.add_column("video", sa.Column("storage_id", sa.String(length=16), nullable=True))
    op.add_column(
        "video",
        sa.Column(
            "skip_auto_transcode", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
    )
    op.alter_column("video", "source_sha256", existing_type=sa.VARCHAR(length=64), nullable=True)
    op.alter_column(
        "video", "source", existing_type=postgresql.JSONB(astext_type=sa.Text()), nullable=True
    )
    op.alter_column("video", "width", existing_type=sa.INTEGER(), nullable=True)
    op.alter_column("video", "height", existing_type=sa.INTEGER(), nullable=True)
    op.alter_column("video", "duration_ms", existing_type=sa.BIGINT(), nullable=True)
    op.create_index(
        "ix_video_account_id_source_sha256", "video", ["account_id", "source_sha256"], unique=False
    )
    op.create_index(op.f("ix_video_content_id"), "video", ["content_id"], unique=False)
    op.create_index(
        "uq_video_source",
        "video",
        ["account_id", "source_type", "source_id"],
        unique=True,
        postgresql_where=sa.text("source_id is not null and status <> 'deleted'"),
    )
    op.create_foreign_key(op.f("fk_video_content_id"), "video", "content", ["content_id"], ["id"])
    for statement in (VIDEOS, PICTURES, LACKING, PLAY_SETS, SOUND):
        op.execute(statement)
