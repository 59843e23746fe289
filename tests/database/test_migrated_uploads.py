"""Uploads from before videos began with them, brought to the tables where they do."""

import re
import uuid
from typing import LiteralString, cast

import psycopg
import pytest
from alembic import command

from db import migrate
from db.embedded import EmbeddedPostgres
from tests.support import postgres
from tests.support.postgres import rows

BEFORE_LIBRARY = "e0c2fdb3f791"
ACCOUNT, CATEGORY, FETCH = (uuid.UUID(int=number) for number in (9, 8, 7))
DIGEST = "ab" * 32

SESSIONS = [
    # number, status, purpose, category, skip_auto_transcode
    (1, "waiting", "video", None, True),
    (2, "uploading", "video", CATEGORY, False),
    (3, "uploading", "object", None, False),
    (4, "uploading", "partial", None, False),
    (5, "cancelled", "video", None, False),
    (6, "uploading", "video", None, False),  # of a fetch
]
OPENED = "'2026-01-01 00:00:00Z'::timestamptz"

ROWS = f"""
insert into account (id, user_id, name) values ('{ACCOUNT}', 'u', 'A');
insert into category (id, account_id, name) values ('{CATEGORY}', '{ACCOUNT}', 'Films');
insert into content (id, sha256, key, size, "references")
    values (gen_random_uuid(), '{DIGEST}', 'sources/a', 10, 1);
insert into video (id, vid, account_id, status, title, content_id, file_size, source_kind,
        created_at)
    select gen_random_uuid(), vid, '{ACCOUNT}', status, 'T',
        (select id from content where is_checked), 10, kind, {OPENED}
    from (values ('sent', 'upload', 'published', true), ('bad', 'upload', 'upload_failed', false),
        ('cut', 'trim', 'published', true), ('cutting', 'trim', 'processing', false))
        as made (vid, kind, status, is_checked);
insert into task (id, account_id, kind, status) values ('{FETCH}', '{ACCOUNT}', 'fetch', 'running');
"""
SESSION = """
insert into upload_session (id, account_id, status, purpose, category_id, skip_auto_transcode,
        title, description, sha256, content_type, file_size, chunk_size, storage_key,
        storage_token, created_at, updated_at, expires_at)
    values (%(id)s, %(account)s, %(status)s, %(purpose)s, %(category)s, %(skip)s,
        'Title ' || %(id)s, 'About it', repeat('cd', 32), 'video/mp4', 77, 77, '', '',
        '2026-01-01 00:00:00Z', '2026-01-02 00:00:00Z', '2026-01-03 00:00:00Z')
"""
ITEM = """
insert into fetch_item (id, task_id, position, url, status, upload_session_id)
    values (gen_random_uuid(), %s, 1, 'https://a.example/', 'running', %s)
"""


@pytest.fixture
def migrated(postgres_server: EmbeddedPostgres) -> str:
    url = postgres.create_database(postgres_server, "uploads")
    command.upgrade(migrate.config(url), BEFORE_LIBRARY)
    with psycopg.connect(url) as connection:
        connection.execute(cast("LiteralString", ROWS))
        for number, status, purpose, category, skip in SESSIONS:
            values = {"id": uuid.UUID(int=number), "account": ACCOUNT, "status": status}
            more = {"purpose": purpose, "category": category, "skip": skip}
            connection.execute(SESSION, {**values, **more})
        connection.execute(ITEM, [FETCH, uuid.UUID(int=6)])
    migrate.upgrade(url)
    return url


def test_open_uploads_of_videos_have_them(migrated: str) -> None:
    found = """
        select upload_session.id, video.status, video.title, video.description, video.file_size,
            category.name, video.skip_auto_transcode, video.source_kind, video.account_id,
            video.created_at = upload_session.created_at, video.uploaded_at, video.content_id,
            upload_session.updated_at = '2026-01-02 00:00:00Z'
        from upload_session join video on video.id = upload_session.video_id
        join category on category.id = video.category_id
        order by upload_session.id
    """
    of_all = ("upload", ACCOUNT, True, None, None, True)
    first, second = uuid.UUID(int=1), uuid.UUID(int=2)
    assert rows(migrated, found) == [
        (first, "initial", f"Title {first}", "About it", 77, "Default", True, *of_all),
        (second, "uploading", f"Title {second}", "About it", 77, "Films", False, *of_all),
    ]


def test_their_short_ids_are_like_those_of_others(migrated: str) -> None:
    made = rows(migrated, "select vid from video where status in ('initial', 'uploading')")
    assert len(made) == 2
    assert all(re.fullmatch(r"[\w-]{11}", vid, re.ASCII) for (vid,) in made)


def test_files_that_are_here_have_arrived(migrated: str) -> None:
    found = """
        select vid, uploaded_at = created_at from video
        where vid in ('sent', 'bad', 'cut', 'cutting') order by vid
    """
    assert rows(migrated, found) == [
        ("bad", True),  # its bytes were here, and were refused
        ("cut", True),
        ("cutting", None),
        ("sent", True),
    ]
