"""The tables: 20,000 videos of one account with five play sets each, as their owner has them.

Statistics and danmu are what the product does not have yet; their tables are made here.
"""

import asyncio
import tempfile
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import LiteralString, cast
from uuid import UUID

import psycopg
from psycopg import Connection, conninfo, sql
from psycopg.rows import TupleRow

from db import accounts, migrate
from db.embedded import EmbeddedPostgres
from db.session import Database
from domain.accounts import new_api_key

VIDEOS = 20_000
DANMU = 200_000
DANMU_VIDEOS = 20
VARIANTS = 64
"""Different variables in a workload that has any."""

STATEMENTS = Path(__file__).with_name("dataset.sql")
SETTINGS = {"max_connections": 200, "shared_buffers": "256MB", "fsync": "off"}


@dataclass(frozen=True, slots=True)
class Dataset:
    url: str
    account_id: UUID
    api_key: str
    vids: list[str]
    danmu_video: UUID
    danmu_starts: list[int]
    """From each of these times on there are 1,000 danmu and more."""

    def environment(self) -> dict[str, str]:
        """How a peer reaches the database, by libpq's names, and who may call it."""
        info = conninfo.conninfo_to_dict(self.url)
        return {
            "PGHOST": str(info["host"]),
            "PGPORT": str(info["port"]),
            "PGUSER": str(info["user"]),
            "PGDATABASE": str(info["dbname"]),
            "DATABASE_URL": self.url,
            "API_KEY": self.api_key,
            "ACCOUNT_ID": str(self.account_id),
        }


@contextmanager
def folder() -> Generator[Path]:
    """A temporary folder that the database's account can enter."""
    with tempfile.TemporaryDirectory(prefix="reelgraph-bench-") as name:
        Path(name).chmod(0o711)
        yield Path(name)


@contextmanager
def serve(home: Path) -> Generator[Dataset]:
    """A PostgreSQL server with the tables in it; it ends with this process, whatever happens."""
    server = EmbeddedPostgres(home / "postgres", private=True, settings=SETTINGS)
    server.start()
    try:
        server.ensure_database()
        migrate.upgrade(server.url())
        yield _seed(server.url())
    finally:
        server.stop()


def _seed(url: str) -> Dataset:
    account_id, api_key = asyncio.run(_owner(url))
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("set timezone to 'UTC'")
        text = cast("LiteralString", STATEMENTS.read_text())
        statements = sql.SQL(text).format(
            videos=sql.Literal(VIDEOS),
            danmu=sql.Literal(DANMU),
            danmu_videos=sql.Literal(DANMU_VIDEOS),
            account=sql.Literal(account_id),
        )
        with psycopg.ClientCursor(connection) as cursor:
            cursor.execute(statements)
        connection.execute("vacuum analyze")
        return _sample(url, account_id, api_key, connection)


def _sample(url: str, account_id: UUID, api_key: str, connection: Connection[TupleRow]) -> Dataset:
    vids = connection.execute("select vid from video order by md5(vid) limit %s", [VARIANTS])
    last_start = connection.execute(
        "select video_id, time_ms from bench_danmu where video_id = md5('video1')::uuid"
        " order by time_ms desc, id desc offset 1000 limit 1"
    ).fetchall()
    video_id, end = last_start[0]
    starts = [end * place // VARIANTS for place in range(VARIANTS)]
    return Dataset(url, account_id, api_key, [row[0] for row in vids], video_id, starts)


async def _owner(url: str) -> tuple[UUID, str]:
    db = Database(url)
    api_key = new_api_key()
    try:
        async with db.write() as session:
            account = await accounts.add(session, user_id="bench", name="Bench")
            await accounts.add_api_key(session, account, name="bench", api_key=api_key)
            return account.id, api_key
    finally:
        await db.close()
