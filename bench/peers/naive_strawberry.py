"""Strawberry as most people write it: types, data loaders, and SQLAlchemy's ORM under them."""

import base64
import enum
import hmac
import os
import uuid
from collections import defaultdict
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any, NewType

import strawberry
import uvicorn
from sqlalchemy import BigInteger, DateTime, case, select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route
from strawberry.asgi import GraphQL
from strawberry.dataloader import DataLoader
from strawberry.schema.config import StrawberryConfig

ACCOUNTS = {f"Bearer {os.environ['API_KEY']}": uuid.UUID(os.environ["ACCOUNT_ID"])}
SECRET = bytes.fromhex(os.environ["SIGNING_SECRET"])

engine = create_async_engine("postgresql+asyncpg://", pool_size=8, max_overflow=0)
sessions = async_sessionmaker(engine, expire_on_commit=False)


class Base(DeclarativeBase):
    type_annotation_map = {datetime: DateTime(timezone=True)}  # noqa: RUF012


class VideoRow(Base):
    __tablename__ = "video"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    vid: Mapped[str]
    account_id: Mapped[uuid.UUID]
    status: Mapped[str]
    status_reason: Mapped[str | None]
    title: Mapped[str]
    description: Mapped[str | None]
    source_sha256: Mapped[str]
    file_size: Mapped[int] = mapped_column(BigInteger)
    width: Mapped[int]
    height: Mapped[int]
    duration_ms: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]
    published_at: Mapped[datetime | None]


class PlaySetRow(Base):
    __tablename__ = "play_set"
    id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    video_id: Mapped[uuid.UUID]
    status: Mapped[str]
    resolution: Mapped[str]
    width: Mapped[int | None]
    height: Mapped[int | None]
    duration_ms: Mapped[int | None] = mapped_column(BigInteger)
    file_size: Mapped[int | None] = mapped_column(BigInteger)
    bandwidth: Mapped[int | None]
    codecs: Mapped[str | None]
    created_at: Mapped[datetime]
    updated_at: Mapped[datetime]


class StatisticsRow(Base):
    __tablename__ = "bench_statistics"
    video_id: Mapped[uuid.UUID] = mapped_column(primary_key=True)
    plays: Mapped[int] = mapped_column(BigInteger)
    viewers: Mapped[int] = mapped_column(BigInteger)
    traffic_bytes: Mapped[int] = mapped_column(BigInteger)
    danmu_count: Mapped[int]
    likes: Mapped[int]
    watch_seconds: Mapped[int] = mapped_column(BigInteger)


class DanmuRow(Base):
    __tablename__ = "bench_danmu"
    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    video_id: Mapped[uuid.UUID]
    time_ms: Mapped[int]
    mode: Mapped[int]
    color: Mapped[int]
    size: Mapped[int]
    user_id: Mapped[str]
    content: Mapped[str]
    created_at: Mapped[datetime]


@strawberry.enum
class VideoStatus(enum.Enum):
    PROCESSING = "processing"
    PUBLISHED = "published"
    UPLOAD_FAILED = "upload_failed"
    DELETED = "deleted"


@strawberry.enum
class PlaySetStatus(enum.Enum):
    INITIAL = "initial"
    TRANSCODING = "transcoding"
    READY = "ready"
    TRANSCODE_FAILED = "transcode_failed"
    DELETED = "deleted"


@strawberry.enum
class Resolution(enum.Enum):
    P360 = "360P"
    P480 = "480P"
    P720 = "720P"
    P1080 = "1080P"
    ORIGIN = "Origin"


LADDER = case(
    {one.value: place for place, one in enumerate(Resolution)}, value=PlaySetRow.resolution
)
Bytes = NewType("Bytes", int)
SCALARS = {
    Bytes: strawberry.scalar(name="Bytes", serialize=int),
    datetime: strawberry.scalar(
        name="DateTime",
        serialize=lambda value: value.astimezone(UTC).isoformat().replace("+00:00", "Z"),
    ),
}


def global_id(kind: str, key: object) -> strawberry.ID:
    return strawberry.ID(base64.b64encode(f"{kind}:{key}".encode()).decode())


@strawberry.type
class Statistics:
    plays: Bytes
    viewers: Bytes
    traffic_bytes: Bytes
    danmu_count: int
    likes: int
    watch_seconds: Bytes


@strawberry.type
class PlaySet:
    key: strawberry.Private[uuid.UUID]
    id: strawberry.ID
    status: PlaySetStatus
    resolution: Resolution
    width: int | None
    height: int | None
    duration_ms: int | None
    file_size: Bytes | None
    bandwidth: int | None
    codecs: str | None
    created_at: datetime
    updated_at: datetime

    @strawberry.field
    def signed_url(self) -> str:
        signature = hmac.digest(SECRET, str(self.key).encode(), "sha256").hex()
        return f"https://cdn.example.com/v/{self.key}/{signature}/index.m3u8"


@strawberry.type
class Video:
    key: strawberry.Private[uuid.UUID]
    id: strawberry.ID
    vid: str
    status: VideoStatus
    status_reason: str | None
    title: str
    description: str | None
    sha256: str
    file_size: Bytes
    width: int
    height: int
    duration_ms: int
    created_at: datetime
    updated_at: datetime
    published_at: datetime | None

    @strawberry.field
    async def play_sets(self, info: strawberry.Info) -> list[PlaySet]:
        return await info.context["play_sets"].load(self.key)

    @strawberry.field
    async def statistics(self, info: strawberry.Info) -> Statistics | None:
        return await info.context["statistics"].load(self.key)


@strawberry.type
class VideoConnection:
    nodes: list[Video]


@strawberry.type
class Danmu:
    id: strawberry.ID
    time_ms: int
    mode: int
    color: int
    size: int
    user_id: str
    content: str
    created_at: datetime


def play_set_of(row: PlaySetRow) -> PlaySet:
    return PlaySet(
        key=row.id,
        id=global_id("PlaySet", row.id),
        status=PlaySetStatus(row.status),
        resolution=Resolution(row.resolution),
        width=row.width,
        height=row.height,
        duration_ms=row.duration_ms,
        file_size=row.file_size,
        bandwidth=row.bandwidth,
        codecs=row.codecs,
        created_at=row.created_at,
        updated_at=row.updated_at,
    )


def video_of(row: VideoRow) -> Video:
    return Video(
        key=row.id,
        id=global_id("Video", row.id),
        vid=row.vid,
        status=VideoStatus(row.status),
        status_reason=row.status_reason,
        title=row.title,
        description=row.description,
        sha256=row.source_sha256,
        file_size=row.file_size,
        width=row.width,
        height=row.height,
        duration_ms=row.duration_ms,
        created_at=row.created_at,
        updated_at=row.updated_at,
        published_at=row.published_at,
    )


def danmu_of(row: DanmuRow) -> Danmu:
    return Danmu(
        id=global_id("Danmu", row.id),
        time_ms=row.time_ms,
        mode=row.mode,
        color=row.color,
        size=row.size,
        user_id=row.user_id,
        content=row.content,
        created_at=row.created_at,
    )


def statistics_of(row: StatisticsRow) -> Statistics:
    return Statistics(
        plays=row.plays,
        viewers=row.viewers,
        traffic_bytes=row.traffic_bytes,
        danmu_count=row.danmu_count,
        likes=row.likes,
        watch_seconds=row.watch_seconds,
    )


async def load_play_sets(keys: list[uuid.UUID]) -> Sequence[list[PlaySet]]:
    grouped: defaultdict[uuid.UUID, list[PlaySet]] = defaultdict(list)
    async with sessions() as session:
        rows = select(PlaySetRow).where(PlaySetRow.video_id.in_(keys)).order_by(LADDER)
        for row in await session.scalars(rows):
            grouped[row.video_id].append(play_set_of(row))
    return [grouped[key] for key in keys]


async def load_statistics(keys: list[uuid.UUID]) -> Sequence[Statistics | None]:
    async with sessions() as session:
        rows = await session.scalars(select(StatisticsRow).where(StatisticsRow.video_id.in_(keys)))
        found = {row.video_id: statistics_of(row) for row in rows}
    return [found.get(key) for key in keys]


@strawberry.input
class VideoBy:
    id: strawberry.ID | None = None
    vid: str | None = None


async def owns(session: AsyncSession, account_id: uuid.UUID, video_id: uuid.UUID) -> bool:
    row = await session.get(VideoRow, video_id)
    return row is not None and row.account_id == account_id


@strawberry.type
class Query:
    @strawberry.field
    async def videos(self, info: strawberry.Info, first: int = 15) -> VideoConnection:
        rows = (
            select(VideoRow)
            .where(VideoRow.account_id == info.context["account_id"])
            .order_by(VideoRow.created_at.desc(), VideoRow.id.desc())
            .limit(first)
        )
        async with sessions() as session:
            return VideoConnection(nodes=[video_of(row) for row in await session.scalars(rows)])

    @strawberry.field
    async def video(self, info: strawberry.Info, by: VideoBy) -> Video | None:
        one = select(VideoRow).where(
            VideoRow.vid == by.vid, VideoRow.account_id == info.context["account_id"]
        )
        async with sessions() as session:
            row = await session.scalar(one)
        return video_of(row) if row else None

    @strawberry.field
    async def danmu(
        self, info: strawberry.Info, video_id: strawberry.ID, from_ms: int = 0, first: int = 100
    ) -> list[Danmu]:
        key = uuid.UUID(base64.b64decode(video_id).decode().partition(":")[2])
        rows = (
            select(DanmuRow)
            .where(DanmuRow.video_id == key, DanmuRow.time_ms >= from_ms)
            .order_by(DanmuRow.time_ms, DanmuRow.id)
            .limit(first)
        )
        async with sessions() as session:
            if not await owns(session, info.context["account_id"], key):
                return []
            return [danmu_of(row) for row in await session.scalars(rows)]


class Endpoint(GraphQL):
    async def get_context(self, request: Request, response: Response) -> dict[str, Any]:
        return {
            "request": request,
            "response": response,
            "account_id": ACCOUNTS[request.headers["authorization"]],
            "play_sets": DataLoader(load_play_sets),
            "statistics": DataLoader(load_statistics),
        }


@asynccontextmanager
async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
    yield
    await engine.dispose()


schema = strawberry.Schema(Query, config=StrawberryConfig(scalar_map=SCALARS))
app = Starlette(routes=[Route("/graphql", Endpoint(schema))], lifespan=lifespan)

if __name__ == "__main__":
    port = int(os.environ["PORT"])
    uvicorn.run(app, port=port, loop="uvloop", log_level="warning", access_log=False)
