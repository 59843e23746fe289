"""Exports: which ones a caller may ask for, beginning one, and handing its file out."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from db import exports, tasks
from db.models import ExportFile, Task
from db.rows import Rows
from domain.errors import LinkInvalid, NotFound
from domain.fetches import file_name_of
from domain.tasks import TaskKind, TaskStatus
from domain.tokens import Grant
from resolvers.context import Context
from storage.base import LocalFile

_UNNAMED = "fetch"


@dataclass(frozen=True, slots=True)
class Streamed:
    """A file that is handed out as it is read; its size in bytes."""

    size: int
    blocks: AsyncIterator[bytes]


@dataclass(frozen=True, slots=True)
class Opened:
    """A file to hand out, on this machine or elsewhere."""

    name: str
    file: LocalFile | Streamed


def file_of(_ctx: Context) -> Rows:
    """The files of exports that are the caller's own, as long as they are there."""
    return Rows.of(exports.EXPORT_FILES, by="task_id", written=True)


def url(ctx: Context, id: UUID, expires_at: datetime) -> str:
    """A link that hands the file out, to whoever has it."""
    token = ctx.services.export_links.sign(Grant(id, expires_at))
    return f"{ctx.base_url}/exports/{token}"


async def of_fetch(ctx: Context, id: UUID, *, sent: str) -> Task:
    """Export the rows of a fetch, as they are when the export runs."""
    async with ctx.services.db.write() as session:
        source = (await tasks.of_account(session, ctx.account_id, [id])).get(id)
        if source is None or source.kind is not TaskKind.FETCH:
            raise NotFound("FetchTask", sent, path=["fetchTaskId"])
        name = file_name_of(source.file_name or _UNNAMED, "-rows.csv")
        task = Task(
            account_id=ctx.account_id,
            kind=TaskKind.EXPORT,
            status=TaskStatus.QUEUED,
            file_name=name,
        )
        await tasks.add(session, task)
        file = ExportFile(task_id=task.id, source_task_id=id, file_name=name)
        await exports.add(session, file)
        await ctx.services.queue.defer(session, task)
        return await tasks.fresh(session, task)


async def opened(ctx: Context, token: str) -> Opened:
    """The file of a signed link.

    Raises `LinkInvalid`, also when it is gone, `LinkExpired`, or what the store raises.
    """
    grant, store = ctx.services.export_links.read(token), ctx.services.store
    async with ctx.services.db.read() as session:
        file = await exports.by_id(session, grant.subject)
    if file is None or file.key is None:
        raise LinkInvalid
    found = await store.delivery(file.key, 1)
    if not isinstance(found, LocalFile):
        # Not every store's own link would give it this name: its bytes pass through us.
        size = (await store.stat(file.key)).size  # whether it is there is known before we answer
        found = Streamed(size, store.read(file.key))
    return Opened(file.file_name, found)
