"""Writing rows to a file that its owner can download for a while."""

import asyncio
import hashlib
import logging
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, TypeAlias
from uuid import UUID

from db import exports, fetches, garbage, runs
from db.models import ExportFile, FetchItem
from domain import lists
from domain.errors import NotFound
from domain.fetches import EXPORT_DAYS
from jobs import outcomes
from jobs.runs import Overtaken, Run, Tools
from storage import keys

log = logging.getLogger(__name__)

CONTENT_TYPE: Final = "text/csv;charset=UTF-8"
_PAGE: Final = 500

Page: TypeAlias = Sequence[Sequence[object]]


@dataclass(frozen=True, slots=True)
class Table:
    """What is exported: the names of its columns, and its rows, page by page."""

    header: Sequence[str]
    pages: AsyncIterator[Page]


@dataclass(frozen=True, slots=True)
class Written:
    """A file, its bytes' digest, and how many rows it has."""

    path: Path
    size: int
    sha256: str
    rows: int


FETCH_HEADER: Final = (
    *("position", "url", "title", "sourceId", "status", "video", "bytesFetched", "fileSize"),
    *("errorCode", "errorMessage", "createdAt", "finishedAt"),
)


async def export(run: Run) -> None:
    """Write the file that this task is about, and publish it."""
    async with run.tools.db.read() as session:
        file = await exports.of_task(session, run.task.id)
    table = file and _table(run.tools, file)
    if not file or not table:
        raise NotFound("FetchTask", run.task.id)
    await _clean(run)
    key = keys.export(run.task.id, run.task.attempt)
    with run.tools.workspace.folder() as folder:
        written = await _write(folder / "export.csv", table)
        await _announce(run, key)
        try:
            await run.tools.store.put_file(key, written.path, CONTENT_TYPE)
            await _publish(run, file, key, written)
        finally:
            await _drop_unless_kept(run.tools, key)


async def expire(tools: Tools, *, now: datetime | None = None) -> None:
    """Remove the files whose time is over."""
    while True:
        async with tools.db.read() as session:
            over = await exports.expired(session, now=now or datetime.now(UTC))
        if not over:
            return
        await tools.store.delete([file.key for file in over if file.key])
        async with tools.db.write() as session:
            await exports.forget(session, [file.id for file in over])
        log.info("%s exports have expired", len(over))


async def _clean(run: Run) -> None:
    """Remove what runs before this one left. A later one's file is not ours."""
    earlier = range(1, run.task.attempt)
    await run.tools.store.delete([keys.export(run.task.id, number) for number in earlier])


async def _announce(run: Run, key: str) -> None:
    """Have the file that comes now removed, unless it is published in time."""
    async with run.tools.db.write() as session:
        if not await runs.hold(session, run.task):
            raise Overtaken
        await garbage.announce(session, key)


async def _drop_unless_kept(tools: Tools, key: str) -> None:
    """Also after an error: the connection can break after a commit and before its answer."""
    async with tools.db.read() as session:
        kept = await exports.known(session, [key])
    if not kept:
        await tools.store.delete([key])


def _table(tools: Tools, file: ExportFile) -> Table | None:
    """One branch for each kind of rows; None when what they belonged to is gone."""
    if file.source_task_id is not None:
        return Table(FETCH_HEADER, _fetch_rows(tools, file.source_task_id))
    return None


async def _fetch_rows(tools: Tools, task_id: UUID) -> AsyncGenerator[Page]:
    after = 0
    while True:
        async with tools.db.read() as session:
            rows = await fetches.page_for_export(session, task_id, after, _PAGE)
        if not rows:
            return
        yield [_fetch_row(item, vid) for item, vid in rows]
        after = rows[-1][0].position


def _fetch_row(item: FetchItem, vid: str | None) -> Sequence[object]:
    return (
        item.position,
        item.url,
        item.title,
        item.source_id,
        item.status.name,
        vid,
        item.bytes_fetched,
        item.file_size,
        item.error_code and item.error_code.value,
        item.error_message,
        _moment(item.created_at),
        _moment(item.finished_at),
    )


def _moment(value: datetime | None) -> str | None:
    return value and value.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


async def _write(path: Path, table: Table) -> Written:
    size = rows = 0
    hasher = hashlib.sha256()
    with path.open("xb", buffering=0) as file:
        async for block, count in _blocks(table):
            hasher.update(block)
            size += await asyncio.to_thread(file.write, block)
            rows += count
    return Written(path, size, hasher.hexdigest(), rows)


async def _blocks(table: Table) -> AsyncGenerator[tuple[bytes, int]]:
    """The file in pieces, each with the number of rows that it has."""
    yield lists.CSV_MARK + lists.csv_lines([table.header]), 0
    async for page in table.pages:
        yield lists.csv_lines(page), len(page)


async def _publish(run: Run, file: ExportFile, key: str, written: Written) -> None:
    expires_at = (datetime.now(UTC) + timedelta(days=EXPORT_DAYS)).replace(
        microsecond=0
    )  # as signed links have it
    async with run.tools.db.write() as session:
        if not await runs.succeed(session, run.task):
            raise Overtaken
        await garbage.keep(session, key)
        await exports.finish(
            session,
            file.id,
            key=key,
            row_count=written.rows,
            file_size=written.size,
            sha256=written.sha256,
            expires_at=expires_at,
        )
        await outcomes.wake_watchers(session, run.task)
