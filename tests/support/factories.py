"""Functions that write one thing each, as the product itself would have written it."""

import hashlib
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from typing import Any
from uuid import UUID

from db import accounts, categories, events, objects, play_sets, videos
from db.models import Account, PlaySet, Task, Video
from db.objects import NewObject
from db.session import Database, WriteSession
from domain.accounts import new_api_key
from domain.events import EventType, NewEvent
from domain.media import Source
from domain.play_sets import PlaySetStatus
from domain.tasks import TaskKind, TaskStatus
from domain.templates import BUILT_IN, Template
from domain.videos import Resolution, TranscodePass, VideoStatus, new_vid
from schema import ids

SOURCE = Source(
    container="mov",
    duration_ms=4_000,
    width=1280,
    height=720,
    rotation=0,
    sample_aspect=Fraction(1),
    frame_rate=Fraction(30),
    video_codec="h264",
    pixel_format="yuv420p",
    audio_codec="aac",
    hdr=False,
)

EPOCH = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass(frozen=True)
class Owner:
    account: Account
    api_key: str


async def owner(db: Database) -> Owner:
    key = new_api_key()
    async with db.write() as session:
        account = await accounts.add(session, user_id=uuid.uuid4().hex, name="Test")
        await accounts.add_api_key(session, account, name="test", api_key=key)
    return Owner(account, key)


async def video(
    db: Database,
    account: Account,
    *,
    title: str = "A video",
    status: VideoStatus = VideoStatus.PROCESSING,
    minutes: int = 0,
    category_id: UUID | None = None,
) -> Video:
    """A video without play sets, made `minutes` after a fixed moment; in the default category."""
    sha256 = hashlib.sha256(uuid.uuid4().bytes).hexdigest()
    async with db.write() as session:
        content = await objects.store(
            session, sha256=sha256, key=f"sources/{sha256}", size=1_000, source=SOURCE.to_json()
        )
        held = await objects.hold(session, content, NewObject(account.id, None, "video/mp4"))
        row = Video(
            vid=new_vid(),
            account_id=account.id,
            status=status,
            category_id=category_id or await categories.default_id(session, account.id),
            content_id=content.id,
            storage_id=held.storage_id,
            source_sha256=sha256,
            source=SOURCE.to_json(),
            file_size=1_000,
            width=1280,
            height=720,
            duration_ms=4_000,
            created_at=EPOCH + timedelta(minutes=minutes),
            updated_at=EPOCH + timedelta(minutes=minutes),
        )
        videos.entitle(row, title)
        session.add(row)
        await session.flush()
    return row


async def added(db: Database, account: Account, *statuses: VideoStatus) -> list[str]:
    """The global ids of new videos, one of each status."""
    rows = [await video(db, account, status=one) for one in statuses]
    return [ids.encode("Video", row.id) for row in rows]


def bare_video(account: Account, category_id: UUID) -> Video:
    """A video without a file, not written yet."""
    row = Video(
        vid=new_vid(),
        account_id=account.id,
        status=VideoStatus.PROCESSING,
        category_id=category_id,
        file_size=0,
    )
    videos.entitle(row, "A video")
    return row


async def transcode_task(
    db: Database,
    video: Video,
    *resolutions: Resolution,
    kind: TranscodePass = TranscodePass.FIRST_PLAY,
) -> Task:
    """A queued pass over the video, with the play sets that it makes, but no job."""
    async with db.write() as session:
        row = Task(
            account_id=video.account_id,
            kind=TaskKind.TRANSCODE,
            status=TaskStatus.QUEUED,
            video_id=video.id,
            transcode_pass=kind,
        )
        session.add(row)
        await session.flush()
        for resolution in resolutions:
            session.add(
                PlaySet(
                    video_id=video.id,
                    task_id=row.id,
                    template_id=template(resolution).id,
                    resolution=resolution,
                    status=PlaySetStatus.INITIAL,
                )
            )
    return row


def template(resolution: Resolution) -> Template:
    """The first of the built-in templates for this resolution."""
    return next(one for one in BUILT_IN if one.resolution is resolution)


async def probe_task(db: Database, video: Video, *, kind: TaskKind = TaskKind.PROBE) -> Task:
    """A queued look into the video's file, or other work on it, but no job."""
    async with db.write() as session:
        row = Task(
            account_id=video.account_id,
            kind=kind,
            status=TaskStatus.QUEUED,
            video_id=video.id,
        )
        session.add(row)
        await session.flush()
    return row


async def ready_play_set(db: Database, video: Video, *, playlist_key: str) -> PlaySet:
    """A play set that can be played, made by a task of its own."""
    task = await transcode_task(db, video, Resolution.P360)
    async with db.write() as session:
        (play_set,) = (await play_sets.of_tasks(session, [task.id]))[task.id]
        await play_sets.finish(session, play_set.id, {**READY, "playlist_key": playlist_key})
    return play_set


async def play_sets_ready(session: WriteSession, video: Video, *ids: UUID) -> None:
    """Record that these play sets became READY."""
    news = [
        NewEvent(EventType.PLAY_SET_READY, video.account_id, video_id=video.id, play_set_id=id)
        for id in ids
    ]
    await events.record(session, *news)


READY: dict[str, Any] = {
    "playlist_key": "",
    "file_size": 10,
    "width": 640,
    "height": 360,
    "frame_rate": "30",
    "duration_ms": 4_000,
    "bandwidth": 800_000,
    "average_bandwidth": 700_000,
    "codecs": "avc1.64001e",
}
