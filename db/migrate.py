"""Bringing a database to the current schema, and to the rows that every installation has.

Our own tables come first, then the job queue's.

Any number of processes may start at once: an advisory lock lets one of them work at a time.
"""

import re
from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path
from typing import LiteralString, cast

import psycopg
from alembic import command
from alembic.config import Config

from db import templates
from db.session import sqlalchemy_url

_LOCK = "select pg_advisory_lock(hashtext('reelgraph migrations'))"
_QUEUE_SQL = resources.files("procrastinate") / "sql"
_QUEUE_MIGRATION = re.compile(r"\d\d\.\d\d\.\d\d_.*\.sql")


class Unreachable(Exception):
    """The database does not answer, or does not let us in."""


def config(conninfo: str) -> Config:
    settings = Config()
    settings.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    settings.set_main_option("file_template", "%%(year)d-%%(month).2d-%%(day).2d_%%(slug)s")
    settings.attributes["url"] = sqlalchemy_url(conninfo)
    return settings


def draft(conninfo: str, message: str) -> None:
    """Write a migration for what the models have and the database lacks."""
    command.revision(config(conninfo), message, autogenerate=True)


def upgrade(conninfo: str) -> None:
    """Safe to call at every start; without pending migrations it takes milliseconds.

    Raises `Unreachable` with the driver's reason.
    """
    try:
        connecting = psycopg.connect(conninfo, autocommit=True, connect_timeout=10)
    except psycopg.OperationalError as failure:
        raise Unreachable(str(failure).strip().splitlines()[0]) from failure
    with connecting as connection:
        connection.execute(_LOCK)
        command.upgrade(config(conninfo), "head")
        _upgrade_queue(connection)
        templates.install(connection)


def _upgrade_queue(connection: psycopg.Connection) -> None:
    """Procrastinate ships a whole schema, and numbered steps from each release to the next."""
    row = connection.execute("select version from queue_schema").fetchone()
    steps = _queue_migrations()
    pending = [_QUEUE_SQL / "schema.sql"] if row is None else _later_than(row[0], steps)
    if not pending:
        return
    with connection.transaction():
        for step in pending:
            connection.execute(cast("LiteralString", step.read_text()))
        connection.execute(
            "insert into queue_schema (id, version) values (1, %s)"
            " on conflict (id) do update set version = excluded.version",
            [steps[-1].name],
        )


def _queue_migrations() -> list[Traversable]:
    files = (_QUEUE_SQL / "migrations").iterdir()
    return sorted(
        (file for file in files if _QUEUE_MIGRATION.fullmatch(file.name)),
        key=lambda file: file.name,
    )


def _later_than(version: str, steps: list[Traversable]) -> list[Traversable]:
    return [step for step in steps if step.name > version]
