"""How fast it can be at all: one route and one SQL statement a workload, and no GraphQL.

PostgreSQL builds the response's JSON text; the route sends it as it is. Objects are spelled with
concat(), whose output functions are looked up once a statement, not once a value.
"""
# ruff: noqa: S608  (statements are made of what stands here)

import base64
import hmac
import os
import re
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from functools import partial
from typing import Any

import asyncpg
import orjson
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

Statement = asyncpg.prepared_stmt.PreparedStatement
Variables = dict[str, Any]

ACCOUNTS = {f"Bearer {os.environ['API_KEY']}": os.environ["ACCOUNT_ID"]}
SECRET = bytes.fromhex(os.environ["SIGNING_SECRET"])
CONNECTIONS = 8
UNSIGNED = re.compile(rb"\x01(.{36})\x02")
"""A play set's id where its signed URL belongs; JSON text never holds control characters."""


def string(expression: str) -> str:
    """Text that is known to need no escapes."""
    return f"""'"' || {expression} || '"'"""


def escaped(expression: str) -> str:
    return f"to_json({expression})::text"


def nullable(expression: str) -> str:
    return f"coalesce(({expression})::text, 'null')"


def id(kind: str, key: str) -> str:
    return string(f"encode(convert_to('{kind}:' || {key}, 'UTF8'), 'base64')")


def object_(**fields: str) -> str:
    parts = [f"""'"{name}":', {value}""" for name, value in fields.items()]
    return "concat('{', " + ", ',', ".join(parts) + ", '}')"


def array(rows: str) -> str:
    """Of a subquery whose one column is called `j`."""
    return f"""'[' || coalesce((select string_agg(j, ',') from ({rows}) x), '') || ']'"""


PLAY_SET = {
    "id": id("PlaySet", "p.id"),
    "status": string("upper(p.status)"),
    "resolution": string(
        "case p.resolution when 'Origin' then 'ORIGIN' else 'P' || rtrim(p.resolution, 'P') end"
    ),
    "width": nullable("p.width"),
    "height": nullable("p.height"),
    "durationMs": nullable("p.duration_ms"),
    "fileSize": nullable("p.file_size"),
    "bandwidth": nullable("p.bandwidth"),
    "codecs": nullable(string("p.codecs")),
    "createdAt": escaped("p.created_at"),
}
UPDATED = {"updatedAt": escaped("p.updated_at")}
SIGNED = {"signedUrl": string("E'\\x01' || p.id || E'\\x02'")}
STATISTICS = {
    "plays": "s.plays",
    "viewers": "s.viewers",
    "trafficBytes": "s.traffic_bytes",
    "danmuCount": "s.danmu_count",
    "likes": "s.likes",
    "watchSeconds": "s.watch_seconds",
}
BRIEF = {
    "id": id("Video", "v.id"),
    "title": escaped("v.title"),
    "status": string("upper(v.status)"),
    "durationMs": "v.duration_ms",
}
VIDEO = {
    **BRIEF,
    "vid": string("v.vid"),
    "statusReason": nullable(escaped("v.status_reason")),
    "description": nullable(escaped("v.description")),
    "sha256": string("v.source_sha256"),
    "fileSize": "v.file_size",
    "width": "v.width",
    "height": "v.height",
    "createdAt": escaped("v.created_at"),
    "updatedAt": escaped("v.updated_at"),
    "publishedAt": nullable(escaped("v.published_at")),
}
DANMU = {
    "id": id("Danmu", "d.id"),
    "timeMs": "d.time_ms",
    "mode": "d.mode",
    "color": "d.color",
    "size": "d.size",
    "userId": escaped("d.user_id"),
    "content": escaped("d.content"),
    "createdAt": escaped("d.created_at"),
}


def video(play_set: dict[str, str], *, statistics: bool) -> str:
    play_sets = array(
        f"select {object_(**play_set)} as j from play_set p where p.video_id = v.id"
        " order by array_position('{360P,480P,720P,1080P,Origin}'::text[], p.resolution::text)"
    )
    one = f"(select {object_(**STATISTICS)} from bench_statistics s where s.video_id = v.id)"
    more = {"statistics": f"coalesce({one}, 'null')"} if statistics else {}
    return object_(**VIDEO, playSets=play_sets, **more)


def videos(one: str, first: int) -> str:
    rows = (
        f"select {one} as j from (select * from video where account_id = $1"
        f" order by created_at desc, id desc limit {first}) v"
    )
    return f"""'{{"data":{{"videos":{{"nodes":' || {array(rows)} || '}}}}}}'"""


def by_vid(one: str) -> str:
    row = f"(select {one} from video v where v.vid = $2 and v.account_id = $1)"
    return f"""'{{"data":{{"video":' || coalesce({row}, 'null') || '}}}}'"""


def danmu() -> str:
    rows = (
        f"select {object_(**DANMU)} as j from bench_danmu d"
        " where d.video_id = $2 and d.time_ms >= $3"
        " and exists (select from video where id = $2 and account_id = $1)"
        " order by d.time_ms, d.id limit 1000"
    )
    return f"""'{{"data":{{"danmu":' || {array(rows)} || '}}}}'"""


def key_of(id: str) -> str:
    return base64.b64decode(id).decode().partition(":")[2]


EXTENDED = os.environ["EXTENSION"] == "1"
ROUTES: dict[str, tuple[str, Callable[[Variables], tuple[object, ...]]]] = {
    "W1": (videos(video(PLAY_SET, statistics=EXTENDED), 50), lambda _: ()),
    "W2": (by_vid(video(PLAY_SET | UPDATED, statistics=EXTENDED)), lambda v: (v["vid"],)),
    "W3": (danmu(), lambda v: (key_of(v["id"]), v["from"])),
    "W4": (videos(object_(**BRIEF), 10), lambda _: ()),
    "W5": (videos(video(PLAY_SET | SIGNED, statistics=EXTENDED), 50), lambda _: ()),
}


class Connections:
    """Connections that keep their prepared statements; asyncpg's pool resets them each time."""

    def __init__(self) -> None:
        self._idle: list[dict[str, Statement]] = []

    async def open(self) -> None:
        for _ in range(CONNECTIONS):
            one = await asyncpg.connect(server_settings={"timezone": "UTC"})
            self._idle.append(
                {
                    name: await one.prepare(f"select convert_to({text}, 'UTF8')")
                    for name, (text, _) in ROUTES.items()
                }
            )

    async def value(self, name: str, *arguments: object) -> bytes:
        one = self._idle.pop()  # there are as many as the load has connections
        try:
            return await one[name].fetchval(*arguments)
        finally:
            self._idle.append(one)


connections = Connections()


def signed(match: re.Match[bytes]) -> bytes:
    key = match[1]
    signature = hmac.digest(SECRET, key, "sha256").hex().encode()
    return b"https://cdn.example.com/v/%b/%b/index.m3u8" % (key, signature)


async def answer(name: str, request: Request) -> Response:
    account_id = ACCOUNTS.get(request.headers.get("authorization", ""))
    if account_id is None:
        return Response(status_code=401)
    variables = orjson.loads(await request.body())["variables"]
    arguments = ROUTES[name][1](variables)
    body = await connections.value(name, account_id, *arguments)
    if name == "W5":
        body = UNSIGNED.sub(signed, body)
    return Response(body, media_type="application/json")


def route(name: str) -> Callable[[Request], Awaitable[Response]]:
    return partial(answer, name)


@asynccontextmanager
async def lifespan(_app: Starlette) -> AsyncGenerator[None]:
    await connections.open()
    yield


app = Starlette(
    routes=[Route(f"/{name}", route(name), methods=["POST"]) for name in ROUTES],
    lifespan=lifespan,
)

if __name__ == "__main__":
    port = int(os.environ["PORT"])
    uvicorn.run(app, port=port, loop="uvloop", log_level="warning", access_log=False)
