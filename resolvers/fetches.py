"""Fetching files from URLs: which fetches a caller may ask for, beginning one, deleting one."""

import asyncio
from collections.abc import Collection, Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import partial
from uuid import UUID

from db import accounts, exports, fetch_endings, fetches, garbage, objects, tasks
from db.models import Task
from db.rows import Rows
from domain import lists, text
from domain.errors import (
    Cancelled,
    DomainError,
    InvalidArgument,
    LimitExceeded,
    NotFound,
)
from domain.fetches import MAX_LIST_SIZE, NewRow
from domain.files import File
from domain.paging import Window
from domain.tasks import TaskKind, TaskStatus
from domain.text import is_storable
from jobs import outcomes
from resolvers import categories, uploads
from resolvers.context import Context, FetchRules
from storage import keys

_DELETED = "The fetch was deleted."


@dataclass(frozen=True, slots=True)
class NewFetch:
    """What its owner says of a fetch besides its rows."""

    source_type: str | None = None
    category_id: UUID | None = None
    file_name: str | None = None
    skip_auto_transcode: bool = False
    list_size: int | None = None
    """Bytes of the CSV that the rows are from; None when they came one by one."""
    list_storage_id: str | None = None
    """That CSV, if it is a stored object."""


def own_items(ctx: Context) -> Rows:
    """Rows of the caller's fetches, by their keys."""
    return Rows.of(fetches.FETCH_ITEMS, by="id", account_id=ctx.account_id)


def items(_ctx: Context, window: Window, *, statuses: Collection[TaskStatus] | None = None) -> Rows:
    """Rows of fetches that are the caller's own, as they stand in the list."""
    return Rows.of(
        fetches.FETCH_ITEMS,
        by="task_id",
        order=fetches.BY_POSITION,
        window=window,
        statuses=statuses,
    )


async def of_rows(ctx: Context, new: NewFetch, rows: Sequence[NewRow]) -> Task:
    """Fetch these. A URL that cannot be is refused at once, with its place."""
    _ = ctx.account_id  # first: without a key, nothing is said of anything
    rules = ctx.services.fetch_rules
    with _at("source", "items"):
        if not rows:
            raise InvalidArgument("The list has no rows.")
        if len(rows) > rules.rows:
            raise LimitExceeded("The number of rows", limit=rules.rows, actual=len(rows))
    checked = await asyncio.to_thread(_all_checked, rows, rules)  # of up to a million characters
    return await _create(ctx, new, checked)


def _all_checked(rows: Sequence[NewRow], rules: FetchRules) -> list[NewRow]:
    return [_checked(row, number, rules) for number, row in enumerate(rows)]


def _checked(row: NewRow, number: int, rules: FetchRules) -> NewRow:
    place = ("source", "items", str(number))
    with _at(*place, "url"):
        rules.check(row.url)
    with _at(*place, "title"):
        title = text.optional("title", row.title, text.MAX_TITLE)
    with _at(*place, "sourceId"):
        source_id = text.optional("sourceId", row.source_id, text.MAX_SOURCE_ID)
    return NewRow(row.url, (title or "").strip() or None, source_id or None)


@contextmanager
def _at(*path: str) -> Generator[None]:
    """A failure inside is about this place of the input."""
    try:
        yield
    except DomainError as failure:
        failure.path = path
        raise


async def of_file(ctx: Context, new: NewFetch, file: File) -> Task:
    """Fetch what a list in CSV names that comes with the request."""
    _ = ctx.account_id
    with _at("source", "csvFile"):
        _check_size(file.size)
        data = b"".join([block async for block in file.body])
        rows = await _read(ctx, data)
    new = replace(_named(new, file.name), list_size=file.size)
    return await _create(ctx, new, rows)


async def of_object(ctx: Context, new: NewFetch, storage_id: str) -> Task:
    """Fetch what a list in CSV names that is stored already."""
    account_id, found = ctx.account_id, None
    with _at("source", "csvStorageId"):
        async with ctx.services.db.read() as session:
            if is_storable(storage_id):
                found = await objects.by_storage_id(session, account_id, storage_id)
            content = found and await objects.content(session, found.content_id)
        if not found or not content:
            raise NotFound("StoredObject", storage_id)
        _check_size(found.file_size)
        data = b"".join([block async for block in ctx.services.store.read(content.key)])
        rows = await _read(ctx, data)
    new = replace(
        _named(new, found.file_name), list_size=found.file_size, list_storage_id=storage_id
    )
    return await _create(ctx, new, rows)


def _check_size(size: int) -> None:
    if size > MAX_LIST_SIZE:
        raise LimitExceeded("The size of the list", limit=MAX_LIST_SIZE, actual=size)


async def _read(ctx: Context, data: bytes) -> list[NewRow]:
    rules = ctx.services.fetch_rules
    read = partial(lists.read_csv, data, most=rules.rows, check=rules.check)
    found = await asyncio.to_thread(read)  # it may take as long as other requests cannot wait
    return [NewRow(row.url, row.title, row.source_id) for row in found]


def _named(new: NewFetch, name: str | None) -> NewFetch:
    return replace(new, file_name=new.file_name or name)


async def _create(ctx: Context, new: NewFetch, rows: Sequence[NewRow]) -> Task:
    source_type = text.optional("sourceType", new.source_type, text.MAX_SOURCE_TYPE) or None
    if source_type is None and any(row.source_id for row in rows):
        raise InvalidArgument("Rows with a sourceId need a sourceType.", path=["sourceType"])
    task = Task(
        account_id=ctx.account_id,
        kind=TaskKind.FETCH,
        status=TaskStatus.QUEUED,
        category_id=new.category_id,
        skip_auto_transcode=new.skip_auto_transcode,
        file_name=text.file_name(new.file_name),
        list_size=new.list_size,
        list_storage_id=new.list_storage_id,
        total_count=len(rows),
        success_count=0,
        fail_count=0,
    )
    async with ctx.services.db.write() as session:
        await accounts.lock(session, task.account_id)  # whoever deletes a category waits
        await categories.check(session, task.account_id, new.category_id)
        await tasks.add(session, task)
        await fetches.add(
            session, [_row(task, place, row, source_type) for place, row in enumerate(rows, 1)]
        )
        await ctx.services.queue.defer(session, task)
        return await tasks.fresh(session, task)


def _row(task: Task, position: int, row: NewRow, source_type: str | None) -> dict[str, object]:
    return {
        "task_id": task.id,
        "position": position,
        "url": row.url,
        "title": row.title,
        "source_type": source_type if row.source_id else None,
        "source_id": row.source_id,
        "status": TaskStatus.QUEUED,
    }


async def delete(ctx: Context, id: UUID, *, sent: str) -> None:
    """The fetch and its rows go, also when it is not over; its videos stay.

    Files that its rows were exported to go as well: they say as much as the rows.
    """
    failure, stopped = Cancelled(_DELETED), list[Task]()
    async with ctx.services.db.write() as session:
        task = (await tasks.of_account(session, ctx.account_id, [id])).get(id)
        if task is None or task.kind is not TaskKind.FETCH:
            raise NotFound("FetchTask", sent, path=["id"])
        unfinished = [id, *await exports.unfinished(session, id)]
        for one in await tasks.cancel(session, unfinished, failure):
            await outcomes.failed(session, one, failure)
            stopped.append(one)
        left = await fetch_endings.to_clear(session, id)
        files = await exports.of_source(session, id)
        await garbage.add(session, [keys.exports(file.task_id) for file in files])
        await fetch_endings.delete_task(session, id)
        await outcomes.wake_watchers(session, task)
    for one in stopped:
        await ctx.services.queue.stop(one)
    for upload_id in left:
        await uploads.discard(ctx, upload_id)
