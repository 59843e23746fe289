"""A tus upload outlives the server that takes it."""

import asyncio
import hashlib
import random
from collections.abc import AsyncGenerator

import httpx
import pytest

from tests.support import tus
from tests.support.processes import Server
from tests.support.waiting import until

MIB = 1 << 20
DATA = random.Random(9).randbytes(20 * MIB)  # noqa: S311 - always the same

SESSION = "query ($id: ID!) { uploadSession(id: $id) { status sha256 } }"


async def test_an_upload_goes_on_after_the_server_was_killed_in_mid_request(
    server: Server,
) -> None:
    async with server.api() as api:
        url = await tus.begin(api, len(DATA))
        killed = asyncio.Event()

        async def most() -> AsyncGenerator[bytes]:
            for start in range(0, 18 * MIB, MIB):
                yield DATA[start : start + MIB]
            await killed.wait()
            yield DATA[18 * MIB :]

        sending = asyncio.create_task(tus.patch(api, url, 0, most()))
        await until(lambda: tus.offset(api, url))
        server.kill()
        killed.set()
        with pytest.raises(httpx.TransportError):
            await sending
    server.start()
    async with server.api() as api:
        at = await tus.offset(api, url)
        assert 8 * MIB <= at <= 18 * MIB
        answer = await tus.patch(api, url, at, DATA[at:], tus.checksum("sha1", DATA[at:]))
        assert (answer.status_code, answer.headers["Upload-Offset"]) == (204, str(len(DATA)))
        id = answer.headers["Upload-Session"]

        async def completed() -> bool:
            found = (await api.run(SESSION, id=id))["uploadSession"]
            assert found["status"] in {"VERIFYING", "COMPLETED"}
            return found == {
                "status": "COMPLETED",
                "sha256": hashlib.sha256(DATA).hexdigest(),
            }

        await until(completed)
