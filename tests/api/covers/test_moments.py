"""Moments of a video that become its cover."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from db.models import Content, Video
from domain.events import EventType
from domain.videos import VideoStatus
from resolvers.context import Services
from tests.support import factories, pictures, samples
from tests.support.api import Api
from tests.support.covering import (
    BLUE,
    GREEN,
    RED,
    chosen,
    fetched,
    nothing_was_made,
    task_of,
    with_file,
)
from tests.support.tables import events
from tests.support.updating import change
from tests.support.work import Work


@pytest.mark.parametrize(
    ("at_ms", "color"),
    [(0, RED), (980, RED), (1_000, GREEN), (1_980, GREEN), (2_000, BLUE), (3_000, BLUE)],
)
async def test_a_moment_of_the_video_becomes_the_cover(
    api: Api,
    services: Services,
    work: Work,
    video: str,
    film: Path,
    tmp_path: Path,
    at_ms: int,
    color: pictures.Rgb,
) -> None:
    await with_file(services, video, film, tmp_path)
    task = await chosen(api, video, atMs=at_ms)
    await work()
    found = await task_of(api, task)
    assert (found["status"], found["atMs"], found["storedObject"]) == ("SUCCEEDED", at_ms, None)
    frame = pictures.opened(await fetched(api, video))
    assert (frame.width, frame.height) == (320, 180)
    assert pictures.is_near(pictures.middle(frame), color)
    assert await events(services.db) == [EventType.VIDEO_UPDATED]


@pytest.mark.parametrize(
    ("name", "size"),
    [
        ("rotated.mp4", (360, 640)),
        ("anamorphic.mp4", (1024, 576)),
        ("hdr.mp4", (640, 360)),
        ("transport_stream.ts", (640, 360)),
        ("variable_frame_rate.mp4", (640, 360)),
    ],
)
async def test_a_moment_is_shown_as_players_show_it(
    api: Api,
    services: Services,
    work: Work,
    video: str,
    folder: Path,
    tmp_path: Path,
    name: str,
    size: tuple[int, int],
) -> None:
    await with_file(services, video, samples.sample(folder, name), tmp_path)
    await chosen(api, video, atMs=1_500)
    await work()
    frame = pictures.opened(await fetched(api, video))
    assert (frame.width, frame.height) == size


async def test_a_large_video_has_a_smaller_cover(
    api: Api, services: Services, work: Work, video: str, folder: Path, tmp_path: Path
) -> None:
    large = samples.make(folder / "large.mp4", size="2560x1440", seconds=1, audio=False)
    await with_file(services, video, large, tmp_path)
    await chosen(api, video, atMs=0)
    await work()
    frame = pictures.opened(await fetched(api, video))
    assert (frame.width, frame.height) == (1920, 1080)


ABSENT: dict[str, dict[str, Any]] = {
    "initial": {"status": VideoStatus.INITIAL, "content_id": None, "source": None},
    "simulated": {"simulation": {}, "content_id": None, "source": None, "duration_ms": None},
    "failed": {"status": VideoStatus.UPLOAD_FAILED, "content_id": None},
    "not probed": {"status": VideoStatus.PROCESSING, "source": None, "duration_ms": None},
}


@pytest.mark.parametrize("name", ABSENT)
async def test_a_video_without_a_file_shows_no_moment(
    api: Api, services: Services, video: str, name: str
) -> None:
    async with services.db.write() as session:
        await session.execute(update(Video).values(ABSENT[name]))
    payload = await change(api, video, title="Not this", cover={"atMs": 0})
    (error,) = payload["userErrors"]
    assert (error["code"], error["path"]) == ("INVALID_STATE", ["cover"])
    assert await nothing_was_made(services)


async def test_a_damaged_file_shows_no_moment(api: Api, services: Services, video: str) -> None:
    async with services.db.write() as session:
        await session.execute(update(Content).values(damaged_at=factories.EPOCH))
    (error,) = (await change(api, video, cover={"atMs": 0}))["userErrors"]
    assert error["code"] == "INVALID_STATE"


@pytest.mark.parametrize("at_ms", [-1, 4_001, 2**31 - 1])
async def test_a_moment_is_within_the_video(
    api: Api, services: Services, video: str, at_ms: int
) -> None:
    (error,) = (await change(api, video, title="Not this", cover={"atMs": at_ms}))["userErrors"]
    assert (error["code"], error["path"]) == ("INVALID_ARGUMENT", ["cover", "atMs"])
    assert await nothing_was_made(services)
