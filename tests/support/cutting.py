"""An installation with a store of its own, in which runs make files."""

import hashlib
import shutil
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import av
from sqlalchemy import select

from db import accounts, objects
from db.models import Account, Content, Task, Video
from db.objects import NewObject
from domain.tasks import TaskKind
from jobs import fsck, maintenance, plans, worker
from jobs.fsck import Finding
from jobs.plans import NewVideo
from jobs.runs import Tools
from jobs.worker import Lane
from media.probe import probe
from schema import ids
from storage import keys
from tests.support import decoding, factories
from tests.support.api import Api

LATER = timedelta(days=2)
"""After this, what no row is about is a fault, and all garbage is due."""


@dataclass(frozen=True)
class House:
    tools: Tools
    api: Api
    owner: factories.Owner
    folder: Path

    def using(self, **changed: Any) -> "House":
        return replace(self, tools=replace(self.tools, **changed))

    async def add(self, source: Path) -> str:
        """The id of a video of this file, PUBLISHED, of which nothing was made."""
        account, sha256 = self.owner.account.id, hashlib.sha256(source.read_bytes()).hexdigest()
        key, size = keys.source(sha256, uuid4()), source.stat().st_size
        copy = Path(shutil.copy(source, self.folder / uuid4().hex))
        await self.tools.store.put_file(key, copy, "video/mp4")
        found = (await probe(source)).to_json()
        new = NewVideo(account_id=account, title="A video", skip_auto_transcode=True)
        async with self.tools.db.write() as session:
            content = await objects.store(session, sha256=sha256, key=key, size=size, source=found)
            stored = await objects.hold(session, content, NewObject(account, None, "video/mp4"))
            video = await plans.add_video(session, new)
            await plans.begin(session, self.tools.queue, video, content, stored)
        return ids.encode("Video", video.id)

    async def work(self, *queues: str) -> None:
        """Run what is queued, or only what is queued there, until there is nothing."""
        lanes = [Lane(queues, 1)] if queues else worker.LANES
        await worker.work_until_empty(self.tools, lanes)

    async def task(self, kind: TaskKind) -> Task:
        async with self.tools.db.read() as session:
            return (await session.scalars(select(Task).where(Task.kind == kind))).one()

    async def video(self, id: str) -> Video:
        async with self.tools.db.read() as session:
            return await session.get_one(Video, ids.decode(id, "Video"))

    async def account(self) -> Account:
        async with self.tools.db.write() as session:
            return await accounts.lock(session, self.owner.account.id)

    async def limit_storage(self, size: int) -> None:
        async with self.tools.db.write() as session:
            (await accounts.lock(session, self.owner.account.id)).storage_quota = size

    async def content(self, id: UUID | None) -> Content:
        async with self.tools.db.read() as session:
            return await session.get_one(Content, id)

    async def sources(self) -> set[str]:
        """The keys of all stored sources."""
        return {one.key async for one in self.tools.store.list(keys.SOURCES)}

    async def faults(self) -> list[Finding]:
        now = datetime.now(UTC) + LATER
        found = fsck.check(self.tools, repair=False, read=True, now=now)
        return [one async for one in found]

    async def collect(self) -> int:
        return await maintenance.collect(self.tools, now=datetime.now(UTC) + LATER)


def pictures(path: Path) -> list[bytes]:
    """The brightness of every frame, each as small as a stamp."""
    with av.open(str(path)) as container:
        return [
            b"".join(decoding.luma(frame.reformat(16, 16, "gray")))
            for frame in container.decode(video=0)
        ]


def sound_ms(path: Path) -> int:
    """How long the sound lasts."""
    with av.open(str(path)) as container:
        frames = list(container.decode(audio=0))
        return round(sum(one.samples for one in frames) / frames[0].sample_rate * 1000)


def differ(one: Sequence[bytes], other: Sequence[bytes]) -> float:
    """How far pictures are from each other on average, of 255."""
    pairs = [
        (a, b)
        for left, right in zip(one, other, strict=True)
        for a, b in zip(left, right, strict=True)
    ]
    return sum(abs(a - b) for a, b in pairs) / len(pairs)
