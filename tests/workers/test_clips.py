"""Pieces of real files become the file of a new video, once, or it is said why not."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete

from db import runs
from db.models import Video
from domain.error_codes import ErrorCode
from domain.events import EventType
from domain.tasks import TaskKind, TaskStatus
from domain.videos import VideoStatus
from jobs import queue
from jobs.runs import Tools
from schema import ids
from storage.local import LocalStore
from tests.api.test_clips import create as create_clip
from tests.api.test_splices import create as create_splice
from tests.support import cancelling, cutting, factories, samples
from tests.support.api import Api
from tests.support.cutting import House, differ, pictures
from tests.support.tables import events
from tests.support.waiting import until

RATE = 30
WATCHED = """
query ($id: ID!) {
  node(id: $id) {
    ... on Video { status statusReason durationMs width height playSets { status } }
  }
}
"""


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("clips")


@pytest.fixture(scope="session")
def source(folder: Path) -> Path:
    """Twelve seconds with sound."""
    return samples.make(folder / "source.mp4", seconds=12, size="160x90", rate=str(RATE))


@pytest.fixture
async def house(
    tools: Tools, api: Api, owner: factories.Owner, tmp_path: Path
) -> AsyncIterator[House]:
    store = LocalStore(tmp_path / "store")
    limited = House(tools, api, owner, tmp_path).using(store=store)
    yield limited
    await store.close()


async def clip(house: House, source: Path) -> str:
    """The id of a new video, of two pieces of this one."""
    payload = await create_clip(house.api, await house.add(source), (6_000, 11_000), (500, 5_500))
    assert payload["userErrors"] == []
    return payload["video"]["id"]


async def watched(house: House, id: str) -> dict[str, Any]:
    return (await house.api.run(WATCHED, id=id))["node"]


async def file_of(house: House, id: str) -> Path:
    content = await house.content((await house.video(id)).content_id)
    async with house.tools.store.object_file(content.key) as path:
        return path


async def test_a_clip_shows_its_pieces_to_the_frame(house: House, source: Path) -> None:
    id = await clip(house, source)
    await house.work()
    assert await watched(house, id) == {
        "status": "PUBLISHED",
        "statusReason": None,
        "durationMs": 10_000,
        "width": 160,
        "height": 90,
        "playSets": [{"status": "READY"}, {"status": "READY"}],
    }
    file = await file_of(house, id)
    made, whole = pictures(file), pictures(source)
    assert len(made) == 10 * RATE
    wanted = [*whole[6 * RATE : 11 * RATE], *whole[RATE // 2 : RATE // 2 + 5 * RATE]]
    assert differ(made[::50], wanted[::50]) < 3
    assert differ(made[::50], whole[: 10 * RATE : 50]) > 10
    assert cutting.sound_ms(file) == pytest.approx(10_000, abs=50)
    assert await house.faults() == []


async def test_the_file_of_a_clip_is_an_object_of_the_account(house: House, source: Path) -> None:
    id = await clip(house, source)
    before = (await house.account()).storage_used
    await house.work(queue.CLIP)
    video, task = await house.video(id), await house.task(TaskKind.CLIP)
    assert (task.status, task.progress, task.attempt) == (TaskStatus.SUCCEEDED, 1, 1)
    query = "query ($id: String!) { storedObject(storageId: $id) { fileName fileSize sha256 } }"
    found = await house.api.run(query, id=video.storage_id)
    assert found["storedObject"] == {
        "fileName": "A clip.mp4",
        "fileSize": video.file_size,
        "sha256": video.source_sha256,
    }
    assert (await house.account()).storage_used == before + video.file_size
    assert await house.collect() == 0
    assert await house.faults() == []


async def test_unlike_videos_are_joined(house: House, folder: Path, source: Path) -> None:
    portrait = samples.make(folder / "portrait.mp4", seconds=1, size="90x160", rate="25")
    silent = samples.make(folder / "silent.mp4", seconds=2, size="64x64", rate="15", audio=False)
    videos = [await house.add(one) for one in (portrait, silent, source)]
    id = (await create_splice(house.api, *videos, videos[1]))["video"]["id"]
    await house.work()
    shown = await watched(house, id)
    assert (shown["status"], shown["durationMs"]) == ("PUBLISHED", 17_000)
    assert (shown["width"], shown["height"]) == (90, 160)
    assert shown["playSets"] == [{"status": "READY"}, {"status": "READY"}]
    file = await file_of(house, id)
    assert len(pictures(file)) == 17 * RATE
    assert cutting.sound_ms(file) == pytest.approx(17_000, abs=50)


async def test_a_running_clip_can_be_cancelled(house: House, folder: Path) -> None:
    long = folder / "long.mp4"
    if not long.exists():
        once = samples.make(folder / "once.mp4", seconds=10, size="640x360")
        loop = ("-stream_loop", "59", "-i", str(once), "-c", "copy")
        samples.ffmpeg(*loop, to=long)
    video = await house.add(long)
    payload = await create_clip(house.api, video, *[(0, 590_000)] * 5)
    stored = await house.sources()
    working = asyncio.create_task(house.work(queue.CLIP))

    async def has_begun() -> bool:
        return (await house.task(TaskKind.CLIP)).progress > 0

    await until(has_begun)
    cancelled = await house.api.run(cancelling.TASK, id=payload["task"]["id"])
    assert cancelled == {"cancelTask": {"task": {"status": "CANCELLED"}, "userErrors": []}}
    async with asyncio.timeout(20):
        await working
    shown = await watched(house, payload["video"]["id"])
    assert (shown["status"], shown["statusReason"]) == ("UPLOAD_FAILED", "The task was cancelled.")
    assert await house.sources() == stored
    assert await house.faults() == []


async def test_a_clip_above_the_quota_fails_and_nothing_is_stored(
    house: House, source: Path
) -> None:
    id = await clip(house, source)
    stored = await house.sources()
    await house.limit_storage((await house.account()).storage_used + 1_000)
    await house.work(queue.CLIP)
    task = await house.task(TaskKind.CLIP)
    assert (task.status, task.error_code) == (TaskStatus.FAILED, ErrorCode.QUOTA_EXCEEDED)
    shown = await watched(house, id)
    assert (shown["status"], shown["statusReason"]) == ("UPLOAD_FAILED", task.error_message)
    assert await house.sources() == stored
    assert await house.collect() == 0
    assert await events(house.tools.db) == [EventType.VIDEO_READY, EventType.VIDEO_FAILED]


async def test_a_piece_that_is_gone_is_not_left_out(house: House, source: Path) -> None:
    shown, gone = await house.add(source), await house.add(source)
    payload = await create_splice(house.api, shown, gone)
    async with house.tools.db.write() as session:
        await session.execute(delete(Video).where(Video.id == ids.decode(gone, "Video")))
    await house.work(queue.CLIP)
    task = await house.task(TaskKind.SPLICE)
    assert (task.status, task.error_code) == (TaskStatus.FAILED, ErrorCode.CLIP_INIT_FAILED)
    assert (await house.video(payload["video"]["id"])).status is VideoStatus.UPLOAD_FAILED


async def test_a_file_that_is_gone_cannot_be_cut(house: House, source: Path) -> None:
    id = await clip(house, source)
    await house.tools.store.delete(await house.sources())
    await house.work(queue.CLIP)
    task = await house.task(TaskKind.CLIP)
    assert (task.status, task.error_code) == (TaskStatus.FAILED, ErrorCode.CLIP_INIT_FAILED)
    assert (await house.video(id)).status is VideoStatus.UPLOAD_FAILED


class Dying(LocalStore):
    """A store whose process dies as soon as the new object is there: it cleans up nothing."""

    async def put_file(self, key: str, path: Path, content_type: str) -> None:
        await super().put_file(key, path, content_type)
        raise ConnectionError("killed")

    async def delete(self, keys: Any) -> None:
        raise ConnectionError(f"killed before {keys} could be deleted")


async def test_what_a_killed_run_left_is_removed(house: House, source: Path) -> None:
    id = await clip(house, source)
    (known,) = await house.sources()
    dying = Dying(house.folder / "store")
    await house.using(store=dying).work(queue.CLIP)
    await dying.close()
    (left,) = await house.sources() - {known}
    task = await house.task(TaskKind.CLIP)
    assert (task.status, task.failures) == (TaskStatus.QUEUED, 1)
    assert await house.faults() == []
    await again(house)
    video = await house.video(id)
    content = await house.content(video.content_id)
    assert (video.status, await house.sources()) == (
        VideoStatus.PROCESSING,
        {known, left, content.key},
    )
    assert await house.collect() == 1
    assert await house.sources() == {known, content.key}
    assert await house.faults() == []


async def again(house: House) -> None:
    """Run the task now, and not when its turn comes."""
    task = await house.task(TaskKind.CLIP)
    async with house.tools.db.write() as session:
        await house.tools.queue.defer(session, task)
    await house.work(queue.CLIP)


class Frozen(LocalStore):
    """A store whose process is stopped when the new object is there, until it is let go on."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.stored, self.go_on = asyncio.Event(), asyncio.Event()

    async def put_file(self, key: str, path: Path, content_type: str) -> None:
        await super().put_file(key, path, content_type)
        self.stored.set()
        await self.go_on.wait()


async def test_a_run_that_was_overtaken_changes_nothing(house: House, source: Path) -> None:
    id = await clip(house, source)
    known = await house.sources()
    frozen = Frozen(house.folder / "store")
    late = asyncio.create_task(house.using(store=frozen).work(queue.CLIP))
    await frozen.stored.wait()
    assert len(await house.sources()) == 2
    await again(house)
    made = await house.video(id)
    content = await house.content(made.content_id)
    frozen.go_on.set()
    async with asyncio.timeout(20):
        await late
    await frozen.close()
    assert await house.sources() == {*known, content.key}
    assert (await house.video(id)).content_id == content.id
    task = await house.task(TaskKind.CLIP)
    assert (task.status, task.attempt) == (TaskStatus.SUCCEEDED, 2)
    assert await house.faults() == []


class Robbed(LocalStore):
    """A store whose process loses the task to another one as soon as the new object is there."""

    def __init__(self, house: House) -> None:
        super().__init__(house.folder / "store")
        self.house = house

    async def put_file(self, key: str, path: Path, content_type: str) -> None:
        await super().put_file(key, path, content_type)
        task = await self.house.task(TaskKind.CLIP)
        async with self.house.tools.db.write() as session:
            assert await runs.claim(session, task.id, worker="another")


async def test_a_run_that_is_overtaken_at_the_end_publishes_nothing(
    house: House, source: Path
) -> None:
    id = await clip(house, source)
    known = await house.sources()
    robbed = Robbed(house)
    await house.using(store=robbed).work(queue.CLIP)
    await robbed.close()
    task, video = await house.task(TaskKind.CLIP), await house.video(id)
    assert (task.status, task.attempt, task.worker) == (TaskStatus.RUNNING, 2, "another")
    assert (video.status, video.content_id) == (VideoStatus.PROCESSING, None)
    assert await house.sources() == known


async def test_a_clip_of_the_same_pieces_is_stored_once(house: House, source: Path) -> None:
    steady = replace(house.tools.encoder, threads=1)  # many do not always make the same bytes
    house = house.using(encoder=steady)
    video = await house.add(source)
    first = (await create_clip(house.api, video, (0, 5_000)))["video"]["id"]
    again = (await create_clip(house.api, video, (0, 5_000)))["video"]["id"]
    await house.work()
    one, other = await house.video(first), await house.video(again)
    assert (one.status, other.status) == (VideoStatus.PUBLISHED, VideoStatus.PUBLISHED)
    assert one.content_id == other.content_id
    assert len(await house.sources()) == 2
    assert await house.faults() == []


async def test_a_clip_of_a_clip(house: House, source: Path) -> None:
    first = await clip(house, source)
    await house.work(queue.CLIP)
    await create_clip(house.api, first, (2_000, 8_000))
    await house.work(queue.CLIP)
    query = "query ($id: ID!) { node(id: $id) { ... on Video { clips { nodes { durationMs } } } } }"
    shown = await house.api.run(query, id=first)
    assert shown == {"node": {"clips": {"nodes": [{"durationMs": 6_000}]}}}


async def test_a_task_without_its_pieces_fails(house: House, source: Path) -> None:
    """As when their video was deleted for good."""
    id = await clip(house, source)
    task = await house.task(TaskKind.CLIP)
    source_id = (await house.video(id)).clipped_from_id
    async with house.tools.db.write() as session:
        await session.execute(delete(Video).where(Video.id == source_id))
    await house.work(queue.CLIP)
    failed = await house.task(TaskKind.CLIP)
    assert (failed.error_code, failed.attempt) == (ErrorCode.CLIP_INIT_FAILED, 1)
    query = """
      query ($id: ID!) { task(id: $id) { ... on ClipTask { source { id } segments { endMs } } } }
    """
    shown = await house.api.run(query, id=ids.encode("ClipTask", task.id))
    assert shown == {"task": {"source": None, "segments": []}}
