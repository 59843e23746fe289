"""A PostgreSQL server for one run of the tests, its databases, and how they are emptied."""

import json
import tempfile
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, LiteralString

import psycopg
from psycopg import AsyncConnection, sql

from db.embedded import EmbeddedPostgres

# A test's data need not survive a power cut.
UNSAFE_BUT_FAST = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}

WIPE = """
create or replace function wipe() returns void language plpgsql
-- No trigger fires, so no foreign key is checked and the order of tables does not matter.
set session_replication_role = replica
as $$
declare
    kept_rows constant jsonb := {rows};
    found_table regclass;
    condition text;
    has_rows boolean;
begin
    for found_table in
        select oid from pg_class
        where relnamespace = 'public'::regnamespace and relkind = 'r'
        and relname <> all ({keep}::text[])
    loop
        condition := coalesce(kept_rows ->> found_table::text, 'false');
        condition := format('(%s) is not true', condition);
        execute format('select exists (select from %s where %s)', found_table, condition)
            into has_rows;
        if has_rows then
            execute format('delete from %s where %s', found_table, condition);
        end if;
    end loop;
end $$
"""


@contextmanager
def folder() -> Generator[Path]:
    """Give a folder that the server's account can enter, unlike pytest's own ones under root."""
    with tempfile.TemporaryDirectory(prefix="reelgraph-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@contextmanager
def running() -> Generator[EmbeddedPostgres]:
    """A server in a folder of its own."""
    with folder() as directory:
        server = start(directory / "postgres")
        yield server
        server.stop()


def start(directory: Path) -> EmbeddedPostgres:
    """Start a server in this directory that ends with this process, whatever happens to it."""
    server = EmbeddedPostgres(directory, private=True, settings=UNSAFE_BUT_FAST)
    server.start()
    return server


def create_database(server: EmbeddedPostgres, name: str, *, like: str = "template1") -> str:
    """Return the URL of a fresh database, in place of one that has this name.

    It is empty, or a copy of the database `like`, to which nobody may be connected.
    """
    database = sql.Identifier(name)
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        connection.execute(sql.SQL("drop database if exists {} with (force)").format(database))
        copy = sql.SQL("create database {} template {}")
        connection.execute(copy.format(database, sql.Identifier(like)))
    return server.url(name)


async def install_wipe(
    url: str, *, keep: Sequence[str], keep_rows: Mapping[str, str] | None = None
) -> None:
    """Create `wipe()`, which empties every table of schema public except those in `keep`.

    `keep_rows` has conditions by table: rows that meet them stay. `select wipe()` takes about
    1 ms: only tables with rows are written.
    """
    rows = sql.Literal(json.dumps(keep_rows or {}))
    statement = sql.SQL(WIPE).format(keep=sql.Literal(list(keep)), rows=rows)
    async with await AsyncConnection.connect(url, autocommit=True) as connection:
        await connection.execute(statement)


def rows(url: str, query: LiteralString) -> list[Any]:
    """What a query finds in the database of this URL."""
    with psycopg.connect(url) as connection:
        return connection.execute(query).fetchall()
