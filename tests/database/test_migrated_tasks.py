"""What there was before templates, brought to the tables that have them."""

import uuid
from typing import LiteralString, cast

import psycopg
import pytest
from alembic import command

from db import migrate
from db.embedded import EmbeddedPostgres
from domain.templates import BUILT_IN, FIRST_OWN
from tests.support import postgres
from tests.support.postgres import rows

BEFORE_TEMPLATES = "669624fb2b3f"
ACCOUNT, CONTENT, VIDEO = uuid.UUID(int=9), uuid.UUID(int=8), uuid.UUID(int=7)

ROWS = f"""
insert into account (id, user_id, name) values ('{ACCOUNT}', 'u', 'A');
insert into content (id, sha256, key, size, "references")
    values ('{CONTENT}', '{"ab" * 32}', 'sources/a', 10, 1);
insert into video (id, vid, account_id, status, title, content_id, file_size)
    values ('{VIDEO}', 'v', '{ACCOUNT}', 'published', 'T', '{CONTENT}', 10);
insert into task (id, account_id, kind, status, video_id, transcode_pass) values
    ('{uuid.UUID(int=1)}', '{ACCOUNT}', 'transcode', 'succeeded', '{VIDEO}', 'first_play'),
    ('{uuid.UUID(int=2)}', '{ACCOUNT}', 'transcode', 'queued', '{VIDEO}', 'ladder'),
    ('{uuid.UUID(int=3)}', '{ACCOUNT}', 'transcode', 'running', '{VIDEO}', 'origin'),
    ('{uuid.UUID(int=4)}', '{ACCOUNT}', 'verify', 'queued', null, null);
insert into play_set (id, video_id, task_id, resolution, status, playlist_key) values
    (gen_random_uuid(), '{VIDEO}', '{uuid.UUID(int=1)}', '360P', 'ready', 'a/360P.m3u8'),
    (gen_random_uuid(), '{VIDEO}', '{uuid.UUID(int=2)}', '480P', 'initial', null),
    (gen_random_uuid(), '{VIDEO}', '{uuid.UUID(int=2)}', '1080P', 'initial', null),
    (gen_random_uuid(), '{VIDEO}', '{uuid.UUID(int=3)}', 'Origin', 'transcoding', null);
"""


@pytest.fixture
def migrated(postgres_server: EmbeddedPostgres) -> str:
    url = postgres.create_database(postgres_server, "tasks")
    command.upgrade(migrate.config(url), BEFORE_TEMPLATES)
    with psycopg.connect(url) as connection:
        connection.execute(cast("LiteralString", ROWS))
    migrate.upgrade(url)
    return url


def test_play_sets_are_of_the_built_in_templates_of_their_resolutions(migrated: str) -> None:
    found = "select play_set.resolution, number, playlist_key from play_set"
    joined = " join template on template.id = template_id order by number"
    assert rows(migrated, cast("LiteralString", found + joined)) == [
        ("360P", 1, "a/360P.m3u8"),
        ("480P", 2, None),
        ("1080P", 4, None),
        ("Origin", 5, None),
    ]


def test_unfinished_tasks_know_their_queues(migrated: str) -> None:
    assert rows(migrated, "select queue from task order by id") == [
        (None,),
        ("transcode",),
        ("first_play",),
        ("intake",),
    ]


def test_everybody_has_the_built_in_templates(migrated: str) -> None:
    found = "select id, number, name from template where account_id is null order by number"
    assert rows(migrated, found) == [(one.id, one.number, one.name) for one in BUILT_IN]


def test_numbers_of_own_templates_begin_behind_them(migrated: str) -> None:
    with psycopg.connect(migrated) as connection:
        made = connection.execute(
            "insert into template"
            " (id, public_id, account_id, name, resolution, codec, quality, encryption)"
            " values (gen_random_uuid(), gen_random_uuid(), %s, 'Mine', '720P', 'h264', 'fast',"
            " 'none') returning number",
            [ACCOUNT],
        ).fetchone()
    assert made == (FIRST_OWN,)
    migrate.upgrade(migrated)
    count = "select count(*) from template where account_id is not null"
    assert rows(migrated, count) == [(1,)]
