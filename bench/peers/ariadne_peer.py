"""Ariadne on uvicorn, with data loaders over asyncpg."""
# ruff: noqa: S608  (statements are made of what stands here)

import base64
import hmac
import os
from collections.abc import AsyncGenerator, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncpg
import uvicorn
from aiodataloader import DataLoader
from ariadne import EnumType, ObjectType, QueryType, ScalarType, make_executable_schema
from ariadne.asgi import GraphQL
from graphql import GraphQLResolveInfo
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route

Row = dict[str, Any]

ACCOUNTS = {f"Bearer {os.environ['API_KEY']}": os.environ["ACCOUNT_ID"]}
SECRET = bytes.fromhex(os.environ["SIGNING_SECRET"])

VIDEO = """id, vid, status, status_reason as "statusReason", title, description,
    source_sha256 as sha256, file_size as "fileSize", width, height, duration_ms as "durationMs",
    created_at as "createdAt", updated_at as "updatedAt", published_at as "publishedAt"
"""
VIDEOS = (
    f"select {VIDEO} from video where account_id = $1 order by created_at desc, id desc limit $2"
)
VIDEO_BY_VID = f"select {VIDEO} from video where vid = $2 and account_id = $1"
PLAY_SETS = """
    select id, video_id, status, resolution, width, height, duration_ms as "durationMs",
        file_size as "fileSize", bandwidth, codecs, created_at as "createdAt",
        updated_at as "updatedAt"
    from play_set where video_id = any($1)
    order by array_position('{360P,480P,720P,1080P,Origin}'::text[], resolution::text)
"""
STATISTICS = """
    select video_id, plays, viewers, traffic_bytes as "trafficBytes", danmu_count as "danmuCount",
        likes, watch_seconds as "watchSeconds"
    from bench_statistics where video_id = any($1)
"""
DANMU = """
    select id, time_ms as "timeMs", mode, color, size, user_id as "userId", content,
        created_at as "createdAt"
    from bench_danmu where video_id = $2 and time_ms >= $3
        and exists (select from video where id = $2 and account_id = $1)
    order by time_ms, id limit $4
"""

query, video, play_set, danmu = (
    QueryType(),
    ObjectType("Video"),
    ObjectType("PlaySet"),
    ObjectType("Danmu"),
)
date_time = ScalarType("DateTime")


class Connections:
    pool: asyncpg.Pool


async def rows(statement: str, *arguments: object) -> list[Row]:
    return [dict(row) for row in await Connections.pool.fetch(statement, *arguments)]


class PlaySetLoader(DataLoader):
    async def batch_load_fn(self, keys: Sequence[object]) -> list[list[Row]]:
        grouped: dict[object, list[Row]] = {key: [] for key in keys}
        for row in await rows(PLAY_SETS, keys):
            grouped[row["video_id"]].append(row)
        return [grouped[key] for key in keys]


class StatisticsLoader(DataLoader):
    async def batch_load_fn(self, keys: Sequence[object]) -> list[Row | None]:
        found = {row["video_id"]: row for row in await rows(STATISTICS, keys)}
        return [found.get(key) for key in keys]


def context(request: Request, _data: object) -> Row:
    account_id = ACCOUNTS.get(request.headers.get("authorization", ""))
    if account_id is None:
        raise PermissionError
    return {
        "account_id": account_id,
        "play_sets": PlaySetLoader(),
        "statistics": StatisticsLoader(),
    }


@date_time.serializer
def rfc3339(value: datetime) -> str:
    return value.astimezone(UTC).isoformat().replace("+00:00", "Z")


@query.field("videos")
async def resolve_videos(_: object, info: GraphQLResolveInfo, first: int) -> Row:
    return {"nodes": await rows(VIDEOS, info.context["account_id"], first)}


@query.field("video")
async def resolve_video(_: object, info: GraphQLResolveInfo, by: Row) -> Row | None:
    found = await rows(VIDEO_BY_VID, info.context["account_id"], by["vid"])
    return found[0] if found else None


@query.field("danmu")
async def resolve_danmu(
    _: object,
    info: GraphQLResolveInfo,
    videoId: str,  # noqa: N803  (the argument's name)
    fromMs: int,  # noqa: N803
    first: int,
) -> list[Row]:
    key = base64.b64decode(videoId).decode().partition(":")[2]
    return await rows(DANMU, info.context["account_id"], key, fromMs, first)


@video.field("playSets")
async def resolve_play_sets(row: Row, info: GraphQLResolveInfo) -> list[Row]:
    return await info.context["play_sets"].load(row["id"])


@video.field("statistics")
async def resolve_statistics(row: Row, info: GraphQLResolveInfo) -> Row | None:
    return await info.context["statistics"].load(row["id"])


@play_set.field("signedUrl")
def resolve_signed_url(row: Row, _info: GraphQLResolveInfo) -> str:
    key = str(row["id"])
    signature = hmac.digest(SECRET, key.encode(), "sha256").hex()
    return f"https://cdn.example.com/v/{key}/{signature}/index.m3u8"


def global_id(kind: ObjectType) -> None:
    @kind.field("id")
    def resolve(row: Row, _info: GraphQLResolveInfo) -> str:
        return base64.b64encode(f"{kind.name}:{row['id']}".encode()).decode()


for one in (video, play_set, danmu):
    global_id(one)

VIDEO_STATUS = ("processing", "published", "upload_failed", "deleted")
PLAY_SET_STATUS = ("initial", "transcoding", "ready", "transcode_failed", "deleted")
RESOLUTION = {"P360": "360P", "P480": "480P", "P720": "720P", "P1080": "1080P", "ORIGIN": "Origin"}

schema = make_executable_schema(
    (Path(__file__).parent / "schema.graphql").read_text(),
    [query, video, play_set, danmu, date_time],
    EnumType("VideoStatus", {one.upper(): one for one in VIDEO_STATUS}),
    EnumType("PlaySetStatus", {one.upper(): one for one in PLAY_SET_STATUS}),
    EnumType("Resolution", RESOLUTION),
)


@asynccontextmanager
async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
    settings = {"timezone": "UTC"}
    async with asyncpg.create_pool(min_size=8, max_size=8, server_settings=settings) as pool:
        Connections.pool = pool
        yield


app = Starlette(
    routes=[Route("/graphql", GraphQL(schema, context_value=context))], lifespan=lifespan
)

if __name__ == "__main__":
    port = int(os.environ["PORT"])
    uvicorn.run(app, port=port, loop="uvloop", log_level="warning", access_log=False)
