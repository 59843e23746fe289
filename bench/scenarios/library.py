"""How long lists and searches take in a large library.

One account gets 100,000 videos (`--videos`) with five play sets each and titles in Chinese and
English. Measured in one process, without HTTP:

- the statements that a page of 50 videos with their play sets costs;
- searches for the first 15, newest first: a character and a letter that very many titles have, two
  characters, a word that few have, one that none has;
- pages deep inside of the list beside its first page, in every order.

Exits with 1 when a search's 99th percentile is above the limit, a page costs more statements than
it may, or a deep page takes much longer than the first.
"""

import argparse
import asyncio
import random
import statistics
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, LiteralString

import psycopg
from psycopg import sql

from db import accounts, migrate, records
from db.embedded import EmbeddedPostgres
from db.models import Video
from db.rows import Rows
from db.session import Database
from db.videos import ORDERS
from domain import grams
from domain.accounts import Viewer, new_api_key
from domain.paging import Cursor, Window
from domain.videos import VideoOrder, new_vid
from resolvers import videos
from resolvers.context import Context, Services
from resolvers.videos import Wanted
from schema import root
from server import wiring
from server.settings import Settings

LIMIT_MS: Final = 50
MOST_STATEMENTS: Final = 5
MOST_RATIO: Final = 3.0
"""A deep page beside the first: both are a few milliseconds, and noise counts."""
PAGE: Final = 15
SETTINGS: Final = {"shared_buffers": "256MB", "fsync": "off", "max_wal_size": "4GB"}

SEARCHES: Final = {
    "one character": "的",
    "one letter": "e",
    "two characters": "厨房",
    "two common letters": "ti",
    "a word": "kitchen",
    "a rare word": "zymurgy",
    "a word that is not there": "quokka",
    "a word of the oldest tenth": "archive",
}
CHINESE: Final = (
    *("深海的秘密", "周末厨房", "城市骑行", "红烧牛肉面", "上海到苏州", "老街的早晨", "山里的春天"),
    *("手工木艺", "一个人的旅行", "高原上的湖", "夜市小吃", "我们的星球", "古镇慢生活", "海边日落"),
)
ENGLISH: Final = (
    *("the long way home", "weekend kitchen", "product tour", "city ride", "what is new"),
    *("deep sea", "street market", "learning to build", "a quiet village", "mountain lake"),
    *("how it is made", "night train", "morning coffee", "team meeting", "release notes"),
)
PAGE_OF_50: Final = """
{ videos(first: 50) { nodes {
  id vid title status durationMs createdAt playSets { resolution status fileSize width height }
} pageInfo { hasNextPage endCursor } } }
"""
COLUMNS: Final = (
    *("id", "vid", "account_id", "status", "title", "search_text", "grams", "file_size"),
    *("duration_ms", "width", "height", "created_at", "updated_at", "published_at"),
)
RARE: Final = 20_011
"""One video in so many has the rare word in its title."""
COPY: Final = sql.SQL("copy video ({}) from stdin").format(
    sql.SQL(", ").join(map(sql.Identifier, COLUMNS))
)
GRAMS: Final[LiteralString] = """
create index ix_video_grams on video using gin (grams) with (fastupdate = off)
"""
TASKS: Final[LiteralString] = """
insert into task (id, account_id, kind, status, video_id, transcode_pass, progress, attempt)
select id, account_id, 'transcode', 'succeeded', id, 'ladder', 1, 1 from video
"""
PLAY_SETS: Final[LiteralString] = """
insert into play_set (id, video_id, task_id, template_id, resolution, status, file_size, width,
    height, duration_ms)
select gen_random_uuid(), video.id, video.id, template.id, template.resolution, 'ready', 1000000,
    640, 360, 60000
from video, (
    select distinct on (resolution) id, resolution from template where account_id is null
    order by resolution, number limit 5
) as template
"""


def title(number: int, *, oldest: int) -> str:
    word = random.choice(ENGLISH if number % 2 else CHINESE)  # noqa: S311
    if number % RARE == 1:
        return f"Zymurgy for beginners {number}"
    if number < oldest:
        word = f"archive {word}"
    other = random.choice(ENGLISH if number % 3 else CHINESE)  # noqa: S311
    return f"{word.title()} {number % 1000} - {other}"


def rows(account_id: uuid.UUID, count: int) -> Iterator[tuple[Any, ...]]:
    """Made one after the other, as a library grows."""
    for number in range(count):
        name = title(number, oldest=count // 10)
        at = time.gmtime(1_700_000_000 + number * 60)
        moment = time.strftime("%Y-%m-%d %H:%M:%S+00", at)
        size, duration = random.randrange(10**6, 10**10), random.randrange(10**3, 10**7)  # noqa: S311
        yield (
            uuid.uuid4(),
            new_vid(),
            account_id,
            "deleted" if number % 50 == 0 else "published",
            name,
            grams.normal(name),
            grams.of(name, account_id),
            size,
            duration if number % 10 else None,
            1920,
            1080,
            moment,
            moment,
            moment if number % 7 else None,
        )


def fill(url: str, account_id: uuid.UUID, count: int) -> None:
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("drop index ix_video_grams")
        with connection.cursor() as cursor, cursor.copy(COPY) as copy:
            for row in rows(account_id, count):
                copy.write_row(row)
        for statement in (GRAMS, TASKS, PLAY_SETS):
            connection.execute(statement)
        connection.execute("vacuum analyze")


def percentile(took: list[float], part: float) -> float:
    return sorted(took)[min(len(took) - 1, int(len(took) * part))]


class Library:
    """What is asked of the library, and how long PostgreSQL and the driver take to answer."""

    def __init__(self, services: Services, account_id: uuid.UUID, rounds: int) -> None:
        self._services, self._rounds = services, rounds
        self._columns = records.value_columns(Video)
        self._context = Context(services, "http://bench", Viewer(account_id, uuid.uuid4()))

    def page(
        self,
        wanted: Wanted | None = None,
        *,
        cursor: Cursor | None = None,
        order: VideoOrder = VideoOrder.CREATED_AT,
    ) -> Rows:
        return videos.page(self._context, Window(PAGE, cursor), wanted, order=order)

    async def found(self, asked: Rows) -> int:
        """How many rows of the page there are; from here on its statement is prepared."""
        [found] = await self._services.reader.rows(asked, self._columns)
        return min(len(found), PAGE)

    async def took(self, *asked: Rows) -> list[list[float]]:
        """Milliseconds of each, in turn, as many times as there are rounds."""
        times: list[list[float]] = [[] for _ in asked]
        for _ in range(self._rounds):
            for one, taken in zip(asked, times, strict=True):
                began = time.perf_counter()
                await self._services.reader.rows(one, self._columns)
                taken.append(1_000 * (time.perf_counter() - began))
        return times

    async def count(self, wanted: Wanted) -> tuple[int, float]:
        began = time.perf_counter()
        asked = videos.page(self._context, Window(0), wanted)
        [count] = await self._services.reader.counts(asked)
        return count, 1_000 * (time.perf_counter() - began)

    async def statements(self) -> int:
        """How many a page of 50 with play sets costs."""
        noted: list[str] = []
        self._services.reader.on_statement = noted.append
        result = await root.schema.execute(PAGE_OF_50, context_value=self._context, mode="text")
        self._services.reader.on_statement = None
        if result.errors:
            raise SystemExit(str(result.errors))
        return len(noted)


def deep(url: str, order: str, count: int) -> Cursor:
    """The place at 90 % of the list."""
    column = sql.Identifier(order)
    query = sql.SQL("select {}, id from video order by {} desc, id desc offset %s limit 1")
    with psycopg.connect(url, options="-c timezone=UTC") as connection:
        row = connection.execute(query.format(column, column), [count * 9 // 10]).fetchone()
    if row is None:
        raise SystemExit("there is no such row")
    value, id = row
    return Cursor(value.isoformat() if hasattr(value, "isoformat") else str(value), str(id))


async def searches(library: Library) -> bool:
    """Whether each is quick enough."""
    fast = True
    for name, text in SEARCHES.items():
        asked = library.page(Wanted(search=text))
        found = await library.found(asked)
        [took] = await library.took(asked)
        count, counting = await library.count(Wanted(search=text))
        p99 = percentile(took, 0.99)
        fast &= p99 <= LIMIT_MS
        print(
            f"{name:26} {count:8} found, page of {found:2}:"
            f" median {statistics.median(took):6.2f} ms, p99 {p99:6.2f} ms;"
            f" to count them {counting:7.1f} ms",
            flush=True,
        )
    return fast


async def pages(library: Library, url: str, count: int) -> bool:
    """Whether deep pages cost about what the first costs."""
    even = True
    for order in VideoOrder:
        asked = library.page(order=order, cursor=deep(url, ORDERS[order], count))
        await library.found(asked)
        first, late = map(statistics.median, await library.took(library.page(order=order), asked))
        even &= late / first <= MOST_RATIO
        print(
            f"by {order.name:14} first page {first:6.2f} ms,"
            f" at 90 % {late:6.2f} ms: {late / first:.2f} times",
            flush=True,
        )
    return even


async def measure(url: str, account_id: uuid.UUID, count: int, rounds: int) -> int:
    with tempfile.TemporaryDirectory(prefix="library-") as name:
        settings = Settings(data_dir=Path(name), database_url=url)
        async with wiring.open_services(settings, url) as services:
            library = Library(services, account_id, rounds)
            statements = await library.statements()
            print(f"a page of 50 videos with play sets: {statements} statements")
            fast = await searches(library)
            even = await pages(library, url, count)
    if fast and even and statements <= MOST_STATEMENTS:
        return 0
    print("a goal was missed", file=sys.stderr)
    return 1


async def owner(url: str) -> uuid.UUID:
    db = Database(url)
    async with db.write() as session:
        account = await accounts.add(session, user_id="bench", name="Bench")
        await accounts.add_api_key(session, account, name="bench", api_key=new_api_key())
    await db.close()
    return account.id


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--videos", type=int, default=100_000)
    parser.add_argument("--rounds", type=int, default=50)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="library-") as name:
        folder = Path(name)
        folder.chmod(0o711)  # the database's own account has to pass
        server = EmbeddedPostgres(folder / "postgres", private=True, settings=SETTINGS)
        server.start()
        try:
            server.ensure_database()
            migrate.upgrade(server.url())
            account_id = asyncio.run(owner(server.url()))
            fill(server.url(), account_id, arguments.videos)
            return asyncio.run(
                measure(server.url(), account_id, arguments.videos, arguments.rounds)
            )
        finally:
            server.stop()


if __name__ == "__main__":
    raise SystemExit(main())
