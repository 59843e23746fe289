"""Stored objects from before those that their owners keep were told from the files of videos."""

import uuid
from typing import LiteralString, cast

import psycopg
from alembic import command

from db import migrate
from db.embedded import EmbeddedPostgres
from tests.database.test_migrated_uploads import BEFORE_LIBRARY
from tests.support import postgres
from tests.support.postgres import rows

ACCOUNT = uuid.UUID(int=9)
EARLIER = "'2025-12-31 00:00:00Z'"
ACCOUNT_ROW = f"insert into account (id, user_id, name) values ('{ACCOUNT}', 'u', 'A')"
OBJECT = f"""
with content as (
    insert into content (id, sha256, key, size, "references")
        values (%(id)s, %(name)s, %(name)s, 10, 1)
)
insert into stored_object (id, storage_id, account_id, content_id, sha256, file_size, file_name,
        content_type, created_at)
    values (%(id)s, %(short)s, '{ACCOUNT}', %(id)s, %(name)s, 10, %(name)s, 'a/b', %(then)s)
"""
CHECKED = f"""
with session as (
    insert into upload_session (id, account_id, status, purpose, title, content_type, file_size,
            chunk_size, storage_key, storage_token, object_id, expires_at)
        values (%(id)s, '{ACCOUNT}', 'completed', '{{purpose}}', 'T', 'a/b', 10, 10, '', '',
            %(id)s, now())
)
insert into task (id, account_id, kind, status, upload_session_id, finished_at)
    values (%(id)s, '{ACCOUNT}', 'verify', 'succeeded', %(id)s, {{then}})
"""
CUT = f"""
insert into task (id, account_id, kind, status, finished_at)
    values (%(id)s, '{ACCOUNT}', 'clip', 'succeeded', %(then)s)
"""
VIDEO = f"""
insert into video (id, vid, account_id, status, title, content_id, file_size, source_kind,
        source_type, source_id, created_at)
    values (%(id)s, %(short)s, '{ACCOUNT}', 'published', 'T', %(id)s, 10, '{{kind}}', 'cms',
        {{origin}}, {{then}})
"""


def checked(purpose: str, then: str = "%(then)s") -> str:
    return CHECKED.format(purpose=purpose, then=then)


def video(kind: str = "upload", origin: str = "null", then: str = EARLIER) -> str:
    return VIDEO.format(kind=kind, origin=origin, then=then)


CAME_WITH_VIDEOS = {
    "uploaded": [checked("video"), video()],
    "known already": [video(then="%(then)s")],
    "cut": [CUT, video("trim")],
    "fetched": [checked("video"), video("fetch", origin="'8'")],
    "its video is gone": [checked("video")],
}
KEPT = {
    "of a session": [checked("object")],
    "of a request": [],
    "of a request, and a video later": [checked("video", "now()"), video(then="now()")],
    "of a request, and a video of it": [video(origin="'7'", then="now()")],
    "uploaded, and a video of it": [checked("video"), video(origin="'9'")],
}


def test_what_came_with_a_video_goes_with_it(postgres_server: EmbeddedPostgres) -> None:
    url = postgres.create_database(postgres_server, "objects")
    command.upgrade(migrate.config(url), BEFORE_LIBRARY)
    with psycopg.connect(url) as connection:
        connection.execute(cast("LiteralString", ACCOUNT_ROW))
        for number, (name, others) in enumerate((CAME_WITH_VIDEOS | KEPT).items()):
            values = {"id": uuid.UUID(int=number), "short": str(number), "name": name}
            for row in [OBJECT, *others]:
                then = f"2026-01-01 00:00:0{number}Z"
                connection.execute(cast("LiteralString", row), {**values, "then": then})
    migrate.upgrade(url)
    found = rows(url, "select file_name from stored_object where kept order by id")
    assert [name for (name,) in found] == list(KEPT)
    left = rows(url, "select file_name from stored_object where not kept order by id")
    assert [name for (name,) in left] == list(CAME_WITH_VIDEOS)
