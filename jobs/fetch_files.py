"""Files on this machine's disk whose size their server did not tell: written until they end.

What nobody announced can be endless. It gets no more room than an announced file would: that of
the account's quota, and of the disk less what others need.
"""

import asyncio
import shutil
from collections.abc import AsyncGenerator, AsyncIterator
from io import FileIO
from pathlib import Path
from typing import Final

from db import uploads
from domain.errors import StorageFull
from jobs.runs import Run
from storage import bodies, files
from storage.bodies import BATCH, Blocks

_CHECKED_EVERY: Final = 8 << 20
"""Bytes after which the account's quota is looked at again."""


class NoRoom(StorageFull):
    """There is none for this one file, whatever there is for others."""


async def write(run: Run, path: Path, blocks: AsyncIterator[bytes]) -> int:
    """The file's size. Raises `QuotaExceeded` and `NoRoom` as soon as it has grown too large."""
    size, checked = 0, -_CHECKED_EVERY
    with path.open("xb", buffering=0) as file:
        async for batch, length in bodies.batches(blocks):
            if size + length >= checked + _CHECKED_EVERY:
                checked = size + length
                await _check_quota(run, checked)
            try:
                with files.full_disk():
                    await asyncio.to_thread(_write, file, batch, run.tools.workspace.reserve)
            except StorageFull as failure:
                raise NoRoom from failure
            size += length
    return size


async def read(path: Path) -> AsyncGenerator[bytes]:
    with path.open("rb", buffering=0) as file:
        while block := await asyncio.to_thread(file.read, BATCH):
            yield block


async def _check_quota(run: Run, size: int) -> None:
    async with run.tools.db.write() as session:
        await uploads.make_room(session, run.task.account_id, size, run.tools.limits)


def _write(file: FileIO, batch: Blocks, reserve: int) -> None:
    if shutil.disk_usage(file.fileno()).free < reserve:
        raise NoRoom
    file.writelines(batch)
