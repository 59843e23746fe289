"""What is seen to from time to time."""

import asyncio
from datetime import UTC, datetime, timedelta

from croniter import croniter
from sqlalchemy import select

from db.models import UploadSession
from domain.events import topic
from domain.uploads import UploadStatus
from jobs import maintenance, worker
from jobs.runs import Tools
from schema import ids
from server.settings import Settings
from tests.support import uploading
from tests.support.api import Api


async def test_an_upload_whose_time_is_over_gives_its_room_back(
    tools: Tools, api: Api, settings: Settings
) -> None:
    begun = [(await uploading.begin(api, b"abc"))["id"] for _ in range(3)]
    late, complete, open_ = (ids.decode(id, "UploadSession") for id in begun)
    await uploading.put(api, begun[1], 1, b"abc")
    await uploading.complete(api, begun[1], uploading.sha256(b"abc"))
    async with tools.db.write() as session:
        rows = {row.id: row for row in await session.scalars(select(UploadSession))}
        tokens = {id: row.storage_token for id, row in rows.items()}
        for id in (late, complete):
            rows[id].expires_at = datetime.now(UTC) - timedelta(seconds=1)
    async with tools.bus.subscribe(topic("upload", late)) as watcher, asyncio.timeout(5):
        await maintenance.expire_uploads(tools)
        await watcher.changed()
    async with tools.db.read() as session:
        statuses = {row.id: row.status for row in await session.scalars(select(UploadSession))}
    assert statuses == {
        late: UploadStatus.EXPIRED,
        complete: UploadStatus.VERIFYING,
        open_: UploadStatus.WAITING,
    }
    uploads = settings.data_dir / "storage" / "uploads"
    exists = {id: (uploads / token).exists() for id, token in tokens.items()}
    assert exists == {late: False, complete: True, open_: True}


def test_each_duty_has_its_interval() -> None:
    periodic = worker.tasks.periodic_registry.periodic_tasks
    crons = {name: one.cron for (name, _), one in periodic.items()}
    assert {name: interval_s(cron) for name, cron in crons.items()} == {
        "rescue": 5,
        "expire": 60,
        "collect": 60,
        "scrub": 600,
    }


def interval_s(cron: str) -> float:
    times = croniter(cron, datetime.now(UTC))
    first = times.get_next(float)
    return times.get_next(float) - first
