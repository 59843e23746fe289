"""An uploaded file becomes a video, once, or says why it does not."""

import asyncio
import threading
from collections import Counter
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from db import runs, tasks
from db.models import Content, Event, PlaySet, StoredObject, Task, UploadSession, Video
from db.session import Database
from domain.error_codes import ErrorCode
from domain.errors import Cancelled
from domain.events import EventType
from domain.tasks import TaskKind, TaskStatus
from domain.uploads import UploadStatus
from domain.videos import VideoStatus
from jobs import outcomes, worker
from jobs.runs import Tools
from jobs.uploads import ref_of
from schema import ids
from server.settings import Settings
from storage import keys
from storage.local import LocalStore
from tests.support import cancelling, tables, uploading
from tests.support.api import Api
from tests.support.samples import make, sample
from tests.support.waiting import until, waits

SECONDS = 1


@dataclass(frozen=True)
class House:
    tools: Tools
    api: Api
    settings: Settings

    @property
    def db(self) -> Database:
        return self.tools.db

    async def upload(self, data: bytes, *, title: str = "A video") -> UploadSession:
        """The session of these bytes, VERIFYING."""
        id = await uploading.send(self.api, data, title=title)
        return await self.session(ids.decode(id, "UploadSession"))

    async def verify(self) -> None:
        """Run the jobs about uploads, and none of transcoding."""
        await worker.work_until_empty(self.tools, worker.LANES[:1])

    async def session(self, id: Any) -> UploadSession:
        async with self.db.read() as session:
            return await session.get_one(UploadSession, id)

    async def rows(self, kind: type[Any]) -> list[Any]:
        return await tables.rows(self.db, kind)

    async def task(self) -> Task:
        async with self.db.read() as session:
            verify = select(Task).where(Task.kind == TaskKind.VERIFY)
            return (await session.scalars(verify)).one()

    def is_stored(self, upload: UploadSession) -> dict[str, bool]:
        """Which of the two names of an upload's bytes are on disk."""
        return {
            "upload": self.upload_path(upload).exists(),
            "object": self.object_path(upload).exists(),
        }

    @property
    def storage(self) -> Path:
        return self.settings.data_dir / "storage"

    def upload_path(self, upload: UploadSession) -> Path:
        return self.storage / "uploads" / upload.storage_token

    def object_path(self, upload: UploadSession) -> Path:
        return self.storage / "objects" / keys.source(upload.sha256, upload.id)


@pytest.fixture
def house(tools: Tools, api: Api, settings: Settings) -> House:
    return House(tools, api, settings)


async def test_the_source_is_kept_and_the_upload_is_not(house: House, samples: Path) -> None:
    upload = await house.upload(small(samples))
    assert house.is_stored(upload) == {"upload": True, "object": False}
    await house.verify()
    assert house.is_stored(upload) == {"upload": False, "object": True}


async def test_bytes_that_changed_on_disk_are_found(house: House, samples: Path) -> None:
    upload = await house.upload(small(samples))
    with house.upload_path(upload).open("r+b") as file:
        file.seek(1_000)
        file.write(b"!")
    await house.verify()
    await check_refused(house, upload, "CHECKSUM_MISMATCH", "The SHA-256 of the whole file is ")


REFUSED = {
    "text_named.mp4": "The file is in none of the accepted containers",
    "playlist_named.mp4": "The file is in none of the accepted containers",
    "truncated.mp4": "The file is damaged, or a part is missing.",
    "sound_only.mp4": "The file has no video stream.",
    "huge_picture.mov": "The picture has 16000 x 16000 pixels; the limit is 35651584 in all.",
}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_file_that_is_no_video_is_refused(house: House, samples: Path, name: str) -> None:
    upload = await house.upload(sample(samples, name).read_bytes())
    await house.verify()
    await check_refused(house, upload, "MEDIA_REFUSED", REFUSED[name])


async def check_refused(house: House, upload: UploadSession, code: str, reason: str) -> None:
    """It failed with this reason, and nothing of it is left."""
    session = await uploading.session(house.api, ids.encode("UploadSession", upload.id))
    assert (session["status"], session["error"]["code"]) == ("FAILED", code)
    assert session["error"]["message"].startswith(reason)
    shown = session["video"]
    assert (shown["status"], shown["statusReason"]) == (
        "UPLOAD_FAILED",
        session["error"]["message"],
    )
    task = await house.task()
    assert (task.status, task.attempt) == (TaskStatus.FAILED, 1)
    assert (str(task.error_code), task.error_message) == (code, session["error"]["message"])
    await check_nothing_kept(house, upload)


async def check_nothing_kept(house: House, upload: UploadSession) -> None:
    """No file is left, and the video that was to come of it has failed, which was told once."""
    (video,) = await house.rows(Video)
    assert video.status is VideoStatus.UPLOAD_FAILED
    assert (video.content_id, video.source_sha256, video.source) == (None, None, None)
    assert await house.rows(PlaySet) == []
    assert await house.rows(StoredObject) == []
    assert await house.rows(Content) == []
    assert house.is_stored(upload) == {"upload": False, "object": False}
    assert Counter(event.type for event in await house.rows(Event)) == {
        EventType.UPLOAD_FAILED: 1,
        EventType.VIDEO_FAILED: 1,
    }


async def test_the_same_bytes_twice_are_stored_once(house: House, samples: Path) -> None:
    first = await house.upload(small(samples), title="first")
    await house.verify()
    second = await house.upload(small(samples), title="second")
    await house.verify()
    assert sorted(video.title for video in await house.rows(Video)) == ["first", "second"]
    (content,) = await house.rows(Content)
    assert (content.key, content.references) == (keys.source(first.sha256, first.id), 1)
    (stored,) = await house.rows(StoredObject)
    assert {video.storage_id for video in await house.rows(Video)} == {stored.storage_id}
    assert house.is_stored(first) == {"upload": False, "object": True}
    assert house.is_stored(second) == {"upload": False, "object": False}


def small(samples: Path) -> bytes:
    path = samples / "small.mp4"
    if not path.exists():
        make(path, seconds=SECONDS, size="160x90", audio=False)
    return path.read_bytes()


async def test_a_run_that_died_after_storing_the_file_is_made_up_for(
    house: House, samples: Path
) -> None:
    upload = await house.upload(small(samples))
    task = await house.task()
    async with house.db.write() as session:
        assert await runs.claim(session, task.id, worker="dead") is not None
    await house.tools.store.finish(ref_of(upload))
    await house.verify()
    await check_made_once(house, upload, attempts=2)


async def test_a_run_that_died_before_cleaning_up_is_made_up_for(
    house: House, samples: Path
) -> None:
    upload = await house.upload(small(samples))
    await house.verify()
    async with house.db.write() as session:  # as if it were still there
        (await session.get_one(UploadSession, upload.id)).storage_token = upload.storage_token
    house.upload_path(upload).hardlink_to(house.object_path(upload))
    await defer_again(house)
    await house.verify()
    await check_made_once(house, upload, attempts=1)


async def test_a_job_delivered_twice_at_once_makes_one_video(house: House, samples: Path) -> None:
    upload = await house.upload(small(samples))
    await defer_again(house)
    async with asyncio.TaskGroup() as group:
        group.create_task(house.verify())
        group.create_task(house.verify())
    await house.verify()
    await check_made_once(house, upload, attempts=(await house.task()).attempt)


async def defer_again(house: House) -> None:
    async with house.db.write() as session:
        await house.tools.queue.defer(session, await house.task())


async def check_made_once(house: House, upload: UploadSession, *, attempts: int) -> None:
    task = await house.task()
    assert (task.status, task.attempt) == (TaskStatus.SUCCEEDED, attempts)
    (video,) = await house.rows(Video)
    (content,) = await house.rows(Content)
    assert (content.key, content.references) == (keys.source(upload.sha256, upload.id), 1)
    (stored,) = await house.rows(StoredObject)
    assert (stored.content_id, stored.storage_id) == (content.id, video.storage_id)
    session = await house.session(upload.id)
    assert (session.status, session.video_id) == (UploadStatus.COMPLETED, video.id)
    assert house.is_stored(upload) == {"upload": False, "object": True}
    (event,) = [one for one in await house.rows(Event) if one.type is EventType.UPLOAD_COMPLETED]
    assert (event.upload_session_id, event.video_id) == (upload.id, video.id)


async def test_a_check_that_is_cancelled_before_it_runs_leaves_nothing(
    house: House, samples: Path
) -> None:
    upload = await house.upload(small(samples))
    id = ids.encode("VerifyTask", (await house.task()).id)
    payload = (await house.api.run(cancelling.TASK, id=id))["cancelTask"]
    assert payload == {"task": {"status": "CANCELLED"}, "userErrors": []}
    await house.verify()
    await check_cancelled(house, upload)


async def test_a_check_that_is_cancelled_at_its_end_leaves_nothing(
    house: House, samples: Path
) -> None:
    upload = await house.upload(small(samples))
    task = await house.task()
    failure = Cancelled("Enough.")
    async with busy_store(house) as (store, release), asyncio.TaskGroup() as group:
        tools = replace(house.tools, store=store)
        group.create_task(worker.work_until_empty(tools, worker.LANES[:1]))
        await until(lambda: has_status(house, TaskStatus.RUNNING))
        async with house.db.write() as session:  # as the API does it, but it stays in the middle
            (ended,) = await tasks.cancel(session, [task.id], failure)
            await outcomes.failed(session, ended, failure)
            release.set()
            await until(lambda: waits(house.db, "select video.%"))  # to say: done
            assert house.is_stored(upload) == {"upload": True, "object": True}
            await house.tools.queue.stop(ended)
            await until(
                lambda: waits(house.db, "update task%failures=%")
            )  # to put the cancelled run back
        await house.tools.store.abort(ref_of(upload))
    await check_cancelled(house, upload)


@asynccontextmanager
async def busy_store(house: House) -> AsyncGenerator[tuple[LocalStore, threading.Event]]:
    """A store whose one thread is busy until the event is set, or the block ends."""
    store, release = LocalStore(house.storage, threads=1), threading.Event()
    (house.storage / "objects" / "large").write_bytes(b"x")

    def wait(_: int) -> None:
        release.wait()

    async def read() -> None:
        async with store.hashed_file("large", wait):
            pass

    reading = asyncio.create_task(read())
    try:
        yield store, release
    finally:
        release.set()
        await reading
        await store.delete(["large"])
        await store.close()


async def has_status(house: House, status: TaskStatus) -> bool:
    return (await house.task()).status is status


async def check_cancelled(house: House, upload: UploadSession) -> None:
    session = await house.session(upload.id)
    assert (session.status, session.error_code) == (UploadStatus.FAILED, ErrorCode.CANCELLED)
    assert (await house.task()).status is TaskStatus.CANCELLED
    await check_nothing_kept(house, upload)
