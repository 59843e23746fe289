"""A worker with its tables and its store, seen from within."""

import shutil
from collections import Counter
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from uuid import UUID

from db import objects
from db.models import Event, PlaySet, Task, Video
from db.objects import NewObject
from domain.events import EventType
from domain.play_sets import PlaySetStatus
from domain.videos import Resolution, TranscodePass
from jobs import plans, worker
from jobs.plans import NewVideo
from jobs.runs import Tools
from media.passes import Encoder
from media.probe import probe
from server.settings import Settings
from tests.support import factories, tables


@dataclass(frozen=True)
class House:
    tools: Tools
    owner: factories.Owner
    settings: Settings

    async def add(self, source: Path) -> Video:
        """A PROCESSING video of this file, with its first jobs queued."""
        sha256, account = "ab" * 32, self.owner.account.id
        key = f"sources/{sha256}"
        copy = Path(shutil.copy(source, self.settings.data_dir / "copy"))
        await self.tools.store.put_file(key, copy, "video/mp4")
        new = NewVideo(account_id=account, title="A video", file_size=source.stat().st_size)
        found = (await probe(source)).to_json()
        async with self.tools.db.write() as session:
            content = await objects.store(
                session, sha256=sha256, key=key, size=new.file_size, source=found
            )
            stored = await objects.hold(session, content, NewObject(account, None, "video/mp4"))
            video = await plans.add_video(session, new)
            await plans.begin(session, self.tools.queue, video, content, stored)
        return video

    async def work(self, encoder: Encoder | None = None) -> None:
        tools = self.tools if encoder is None else replace(self.tools, encoder=encoder)
        await worker.work_until_empty(tools)

    async def rows(self, kind: type[Any]) -> list[Any]:
        return await tables.rows(self.tools.db, kind)

    async def video(self) -> Video:
        (video,) = await self.rows(Video)
        return video

    async def play_sets(self) -> dict[Resolution, PlaySet]:
        return {one.resolution: one for one in await self.rows(PlaySet)}

    async def statuses(self) -> dict[Resolution, PlaySetStatus]:
        return {name: one.status for name, one in (await self.play_sets()).items()}

    async def tasks(self) -> dict[TranscodePass, Task]:
        return {one.transcode_pass: one for one in await self.rows(Task)}

    async def events(self) -> dict[EventType, int]:
        return Counter(event.type for event in await self.rows(Event))

    def files(self, prefix: str) -> set[str]:
        folder = self.settings.data_dir / "storage" / "objects" / prefix
        return {str(one.relative_to(folder)) for one in folder.rglob("*") if one.is_file()}


def content_of(video: Video) -> UUID:
    assert video.content_id is not None
    return video.content_id
