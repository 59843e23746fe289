"""The product on an S3 server: as its users see it, and what lies in its bucket."""

import asyncio
import io
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final
from urllib.parse import parse_qs, urlsplit

import av
import httpx
from sqlalchemy import select

from db.models import Content
from jobs import fsck, maintenance
from jobs.fsck import Finding
from jobs.runs import Tools
from server import wiring
from server.settings import PREFIX, Settings
from tests.support import pictures, processes, s3, samples, uploading
from tests.support.api import Api
from tests.support.processes import Server
from tests.support.s3 import S3Server
from tests.support.waiting import until
from tests.support.watching import READY, video_of

LATER: Final = timedelta(days=2)
"""After this all garbage is due, and what no row is about is a fault."""
FRAMES: Final = 180
"""Of `film`, which has 30 in a second."""

TASK = "query ($id: ID!) { task(id: $id) { status error { code } finishedAt } }"
VIDEO = """
query ($id: ID!, $ttl: Int! = 14400) {
  video(by: {id: $id}) {
    status sourceKind sha256 fileSize hasOwnCover
    playback(ttlSeconds: $ttl) { hlsUrl coverUrl storyboardUrl fileUrl expiresAt }
  }
}
"""


@dataclass(frozen=True)
class House:
    server: Server
    bucket: S3Server
    api: Api
    viewer: httpx.AsyncClient
    """Has no key, and goes only where it is told to."""
    tools: Tools
    """Those of a worker. What they do can have a time of its own."""

    async def add(self, data: bytes, **input: Any) -> str:
        """The id of a video of this small file, with all its play sets."""
        begun = await uploading.begin(self.api, data, **input)
        (url,) = await uploading.urls(self.api, begun["id"], 1)
        assert url.startswith(self.bucket.endpoint)
        assert (await self.viewer.put(url, content=data)).status_code == 200
        done = await uploading.complete(self.api, begun["id"], uploading.sha256(data))
        assert done["userErrors"] == []
        id = await video_of(self.api, begun["id"])
        await self.made(id)
        return id

    async def made(self, id: str) -> None:
        """Return when all play sets of a video are."""
        await self.api.collect(READY, id=id)

    async def ended(self, task: str) -> tuple[str, str | None]:
        """How a task ends, and with which error."""

        async def find() -> dict[str, Any] | None:
            found = (await self.api.run(TASK, id=task))["task"]
            return found if found["finishedAt"] else None

        found = await until(find) or {}
        return found["status"], found["error"] and found["error"]["code"]

    async def video(self, id: str, **variables: Any) -> dict[str, Any]:
        return (await self.api.run(VIDEO, id=id, **variables))["video"]

    async def led_to(self, url: str, method: str = "GET") -> str:
        """Where in the bucket a link leads a request of this method."""
        answer = await self.viewer.request(method, url)
        assert (answer.status_code, answer.content) == (307, b"")
        assert answer.headers["cache-control"] == "private, no-cache"
        assert answer.headers["location"].startswith(f"{self.bucket.endpoint}/{s3.BUCKET}/")
        return answer.headers["location"]

    async def fetched(self, url: str) -> httpx.Response:
        """What the bucket says to whom a link leads there."""
        return await self.viewer.get(await self.led_to(url))

    async def plays(self, url: str) -> httpx.Response:
        """What we hand out ourselves, as soon as every process knows that it may be played."""

        async def find() -> httpx.Response | None:
            answer = await self.viewer.get(url)
            return answer if answer.status_code == 200 else None

        found = await until(find, timeout_s=5)
        assert found is not None
        return found

    async def refusal(self, url: str) -> str:
        """Why a link opens nothing, as soon as it does not."""

        async def find() -> str | None:
            answer = await self.viewer.get(url)
            return answer.json()["code"] if answer.status_code == 403 else None

        return await until(find, timeout_s=5) or ""

    async def objects(self, prefix: str = "") -> dict[str, int]:
        """The sizes of all that lies in the bucket."""
        return {one.key: one.size async for one in self.tools.store.list(prefix)}

    async def source(self, sha256: str) -> bytes:
        """What lies there as the file of this digest."""
        async with self.tools.db.read() as session:
            key = await session.scalar(select(Content.key).where(Content.sha256 == sha256))
        assert key is not None
        return b"".join([block async for block in self.tools.store.read(key)])

    async def collect(self, after: timedelta = LATER) -> None:
        """Remove what nothing refers to, as it will be done then. No run may be under way."""
        await maintenance.collect(self.tools, now=datetime.now(UTC) + after)

    async def faults(self) -> list[Finding]:
        """What does not fit; all bytes are read."""
        now = datetime.now(UTC) + LATER
        return [one async for one in fsck.check(self.tools, repair=False, read=True, now=now)]


@asynccontextmanager
async def opened(folder: Path, database_url: str, **others: str) -> AsyncGenerator[House]:
    """A server with a worker on an empty database, and on a bucket in this folder."""
    with s3.rclone(folder) as bucket:
        variables = s3.settings(bucket, DATABASE_URL=database_url, **others)
        named = {name.removeprefix(PREFIX).lower(): value for name, value in variables.items()}
        with processes.server(**variables) as server:
            await asyncio.to_thread(server.start)
            settings = Settings.model_validate({"data_dir": server.data_dir, **named})
            async with (
                server.api() as api,
                httpx.AsyncClient(trust_env=False, timeout=60) as viewer,
                wiring.open_services(settings, database_url) as services,
                wiring.open_tools(settings, services) as tools,
            ):
                yield House(server, bucket, api, viewer, tools)


def film(folder: Path) -> bytes:
    """Six seconds: red, then green, then blue, and a tone."""
    tone = ("-f", "lavfi", "-i", "sine=frequency=440:sample_rate=48000:duration=6")
    options = (*tone, *samples.X264, *samples.AAC)
    return pictures.colored(folder / "film.mp4", seconds=2, options=options).read_bytes()


def frames(data: bytes) -> int:
    """How many pictures can be decoded."""
    with av.open(io.BytesIO(data), "r") as container:
        return sum(1 for _ in container.decode(video=0))


def lifetime(url: str) -> tuple[datetime, int]:
    """Until when a signed request may be sent, and seconds from its beginning to then."""
    query = parse_qs(urlsplit(url).query)
    begun = datetime.strptime(query["X-Amz-Date"][0], "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC)
    seconds = int(query["X-Amz-Expires"][0])
    return begun + timedelta(seconds=seconds), seconds
