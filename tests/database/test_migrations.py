"""Bringing a database to the current tables, from nothing and from earlier."""

import subprocess
import uuid
from importlib import resources
from typing import LiteralString, cast

import psycopg
import pytest
from alembic import command

from db import migrate
from db.embedded import EmbeddedPostgres
from domain import grams
from tests.support import postgres, processes
from tests.support.postgres import rows

RELATIONS = """
select relname, oid::text, relfilenode::text, xmin::text from pg_class
where relnamespace = 'public'::regnamespace order by relname
"""
VERSIONS = """
select xmin::text, version_num from alembic_version
union all select xmin::text, version from queue_schema order by 2
"""
QUEUE = """
select proname, pg_get_functiondef(oid) from pg_proc
where pronamespace = 'public'::regnamespace and prokind = 'f'
union all
select format('%s.%s', table_name, column_name), format('%s %s', data_type, column_default)
from information_schema.columns where table_name like 'procrastinate%'
union all
select indexname, indexdef from pg_indexes where tablename like 'procrastinate%'
order by 1, 2
"""


@pytest.fixture
def empty(postgres_server: EmbeddedPostgres) -> str:
    return postgres.create_database(postgres_server, "migrations")


def steps() -> list[str]:
    """The queue's numbered migrations, oldest first."""
    folder = resources.files("procrastinate") / "sql" / "migrations"
    return sorted(file.name for file in folder.iterdir() if file.name.endswith(".sql"))


def install_queue(url: str, names: list[str]) -> None:
    """Make the queue's tables as they were after these migrations."""
    folder = resources.files("procrastinate") / "sql" / "migrations"
    with psycopg.connect(url) as connection:
        for name in names:
            connection.execute(cast("LiteralString", (folder / name).read_text()))
        connection.execute("update queue_schema set version = %s", [names[-1]])


def drop_queue(url: str) -> None:
    with psycopg.connect(url) as connection:
        connection.execute(
            """
            do $$ declare one record; begin
                for one in select oid::regprocedure as name from pg_proc
                    where proname like 'procrastinate%'
                loop execute format('drop function %s cascade', one.name); end loop;
                for one in select oid::regclass as name from pg_class
                    where relname like 'procrastinate%' and relkind = 'r'
                loop execute format('drop table %s cascade', one.name); end loop;
                for one in select oid::regtype as name from pg_type
                    where typname like 'procrastinate%' and typtype in ('e', 'c')
                loop execute format('drop type %s cascade', one.name); end loop;
            end $$
            """
        )


def test_an_empty_database_gets_the_tables_of_the_models(empty: str) -> None:
    migrate.upgrade(empty)
    command.check(migrate.config(empty))  # raises when the models have anything else


def test_an_empty_database_gets_the_queue(empty: str) -> None:
    migrate.upgrade(empty)
    tables = rows(
        empty,
        "select relname from pg_class where relkind = 'r' and relname like 'procrastinate%'"
        " order by relname",
    )
    assert [name for (name,) in tables] == [
        "procrastinate_events",
        "procrastinate_jobs",
        "procrastinate_periodic_defers",
        "procrastinate_workers",
    ]
    assert rows(empty, "select version from queue_schema") == [(steps()[-1],)]


def test_a_second_upgrade_changes_nothing(empty: str) -> None:
    migrate.upgrade(empty)
    before = rows(empty, RELATIONS), rows(empty, VERSIONS)
    migrate.upgrade(empty)
    assert (rows(empty, RELATIONS), rows(empty, VERSIONS)) == before


def test_an_older_queue_becomes_what_a_new_one_is(empty: str) -> None:
    migrate.upgrade(empty)
    fresh = rows(empty, QUEUE)
    drop_queue(empty)
    install_queue(empty, steps()[:-3])
    assert rows(empty, QUEUE) != fresh
    migrate.upgrade(empty)
    assert rows(empty, QUEUE) == fresh
    assert rows(empty, "select version from queue_schema") == [(steps()[-1],)]


def test_two_upgrades_at_once_both_succeed(empty: str) -> None:
    code = "import sys; from db import migrate; migrate.upgrade(sys.argv[1])"
    running = [
        subprocess.Popen(
            [processes.command()[0], "-c", code, empty],
            env=processes.environment(),
            stderr=subprocess.PIPE,
            text=True,
        )
        for _ in range(2)
    ]
    outputs = [process.communicate(timeout=60)[1] for process in running]
    assert [process.returncode for process in running] == [0, 0], outputs
    command.check(migrate.config(empty))
    assert rows(empty, "select count(*) from alembic_version") == [(1,)]


def test_an_upgrade_waits_for_the_one_that_runs(empty: str) -> None:
    with psycopg.connect(empty, autocommit=True) as other:
        other.execute(cast("LiteralString", migrate._LOCK))
        limited = f"{empty}{'&' if '?' in empty else '?'}options=-cstatement_timeout%3D100"
        with pytest.raises(psycopg.errors.QueryCanceled):
            migrate.upgrade(limited)
    assert rows(empty, RELATIONS) == []


def test_a_database_that_does_not_answer_is_unreachable() -> None:
    url = f"postgresql://nobody@127.0.0.1:{processes.free_port()}/none"
    with pytest.raises(migrate.Unreachable, match=r"^connection failed: .*Connection refused"):
        migrate.upgrade(url)


A_DIGEST, FAILED, PLAYED = "ab" * 32, uuid.UUID(int=1), uuid.UUID(int=2)

BEFORE_CONTENTS = f"""
insert into account (id, user_id, name) values ('{uuid.UUID(int=9)}', 'u', 'A');
insert into stored_object (sha256, key, size, "references")
    values ('{A_DIGEST}', 'sources/a', 10, 2);
insert into video (id, vid, account_id, status, title, source_sha256, source, file_size, width,
        height, duration_ms, poster_key, created_at)
    select id, 'v' || number, '{uuid.UUID(int=9)}', status, 'T', '{A_DIGEST}', '{{}}', 10, 1, 1, 1,
        'videos/' || id || '/poster.jpg', now() + number * interval '1 s'
    from (values (1, '{FAILED}'::uuid, 'upload_failed'), (2, '{PLAYED}'::uuid, 'published'))
        as made (number, id, status);
insert into task (id, account_id, kind, status, video_id)
    select id, account_id, 'transcode', 'succeeded', id from video;
insert into play_set (id, video_id, task_id, resolution, status, playlist_key)
    select id, id, id, '360P',
        case status when 'published' then 'ready' else 'transcode_failed' end,
        case status when 'published' then 'videos/' || id || '/360P.m3u8' end
    from video;
insert into upload_session (id, account_id, status, title, sha256, file_size, chunk_size,
        expires_at)
    values ('{uuid.UUID(int=5)}', '{uuid.UUID(int=9)}', 'verifying', 'U', '{A_DIGEST}', 10, 10,
        now() - interval '1 h');
"""


def test_videos_from_before_contents_go_on_playing(empty: str) -> None:
    command.upgrade(migrate.config(empty), "4c1f0a6d2b7e")
    with psycopg.connect(empty) as connection:
        connection.execute(cast("LiteralString", BEFORE_CONTENTS))
    migrate.upgrade(empty)
    assert rows(empty, 'select id, key, size, "references" from content') == [
        (PLAYED, "sources/a", 10, 1)  # one account has it
    ]
    assert rows(empty, "select storage_used from account") == [(10,)]
    played = "select status, playlist_key from play_set order by video_id"
    assert rows(empty, played) == [
        ("transcode_failed", None),
        ("ready", f"videos/{PLAYED}/360P.m3u8"),
    ]
    old = "select count(*) from video where content_id is null and vid in ('v1', 'v2')"
    assert rows(empty, old) == [(0,)]
    assert rows(empty, "select poster_key from video where id = content_id") == [
        (f"videos/{PLAYED}/poster.jpg",)
    ]


def test_titles_from_before_can_be_searched_for(empty: str) -> None:
    command.upgrade(migrate.config(empty), "4c1f0a6d2b7e")
    with psycopg.connect(empty) as connection:
        connection.execute(cast("LiteralString", BEFORE_CONTENTS))
        connection.execute("update video set title = 'É ！' where vid = 'v2'")  # noqa: RUF001
    migrate.upgrade(empty)
    found = rows(empty, "select vid, search_text, grams from video order by length(vid), vid")
    ((_, text, searched),) = found[2:]  # of the upload that is open
    assert (text, searched) == ("u", grams.of("U", uuid.UUID(int=9)))
    assert found[:2] == [
        ("v1", "t", grams.of("T", uuid.UUID(int=9))),
        ("v2", "é !", grams.of("É !", uuid.UUID(int=9))),
    ]
    assert len(found[1][2]) == 5  # three characters, and two pairs of them


COUNTING = """
create table indexed (title text, index_exists boolean);
create function note() returns trigger language plpgsql as $$ begin
    if to_jsonb(new) ->> 'search_text' <> '' then
        insert into indexed
            select new.title, exists (select from pg_class where relname = 'ix_video_grams');
    end if;
    return null;
end $$;
create trigger note after update on video for each row execute function note();
"""


def test_each_title_from_before_is_indexed_once(empty: str) -> None:
    command.upgrade(migrate.config(empty), "4c1f0a6d2b7e")
    with psycopg.connect(empty) as connection:
        connection.execute(cast("LiteralString", BEFORE_CONTENTS))
        connection.execute(cast("LiteralString", COUNTING))
    migrate.upgrade(empty)
    written = rows(empty, "select title, index_exists from indexed order by title")
    assert written == [("T", False), ("T", False), ("U", False)]


def test_an_upload_that_was_being_checked_can_be_completed_again(empty: str) -> None:
    command.upgrade(migrate.config(empty), "4c1f0a6d2b7e")
    with psycopg.connect(empty) as connection:
        connection.execute(cast("LiteralString", BEFORE_CONTENTS))
    migrate.upgrade(empty)
    id = uuid.UUID(int=5)
    session = "select status, storage_key, storage_token, expires_at > now() from upload_session"
    assert rows(empty, cast("LiteralString", session)) == [
        ("uploading", f"sources/ab/ab/{A_DIGEST}.{id.hex}", str(id), True)
    ]
