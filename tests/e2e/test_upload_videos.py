"""`kill -9` while videos arrive: a session and its video always agree."""

import asyncio
import random
from functools import partial
from pathlib import Path

from tests.support import arriving, samples, uploading
from tests.support.api import Api
from tests.support.arriving import CHUNK
from tests.support.processes import Server
from tests.support.waiting import until

AGREED = {
    ("WAITING", "INITIAL"),
    ("UPLOADING", "UPLOADING"),
    ("VERIFYING", "PROCESSING"),
    ("COMPLETED", "PROCESSING"),
    ("COMPLETED", "PUBLISHED"),
    ("CANCELLED", None),
}


async def send(api: Api, id: str, data: bytes) -> None:
    for index in range(1, -(-len(data) // CHUNK) + 1):
        await uploading.put(api, id, index, data[(index - 1) * CHUNK : index * CHUNK])
    await uploading.complete(api, id, uploading.sha256(data))


async def begin_and_cancel(api: Api, data: bytes) -> None:
    while True:
        id, _ = await arriving.begin(api, data)
        await arriving.put(api, id, data, 1)
        await arriving.cancel(api, id)


async def sessions(api: Api) -> list[str]:
    found = await api.run("{ uploadSessions(first: 100) { nodes { id } } }")
    return [one["id"] for one in found["uploadSessions"]["nodes"]]


async def published(api: Api, id: str) -> bool:
    return await arriving.states(api, id) == ("COMPLETED", "PUBLISHED")


async def test_a_session_and_its_video_agree_whenever_the_server_is_killed(
    server: Server, tmp_path: Path
) -> None:
    dice = random.Random(4)  # noqa: S311 - always the same
    data = samples.make(tmp_path / "video.mp4", seconds=2).read_bytes()
    sent: list[str] = []
    for _ in range(5):
        async with server.api() as api:
            id, _ = await arriving.begin(api, data, skipAutoTranscode=True)
            sent.append(id)
            work = [send(api, id, data), begin_and_cancel(api, data)]
            working = [asyncio.create_task(one) for one in work]
            await asyncio.sleep(dice.uniform(0, 0.3))  # any moment will do
            server.kill()
            await asyncio.gather(*working, return_exceptions=True)
        server.start()
        async with server.api() as api:
            for one in await sessions(api):
                assert await arriving.states(api, one) in AGREED
    async with server.api() as api:
        for id in sent:
            await send(api, id, data)
            await until(partial(published, api, id))
        for one in set(await sessions(api)) - set(sent):
            await arriving.cancel(api, one)
        assert await arriving.count(api) == len(sent)
