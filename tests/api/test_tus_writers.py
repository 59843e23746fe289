"""Several who write to one upload by tus, and those whose connections break."""

import asyncio
import logging
import random
from collections.abc import AsyncGenerator

import pytest

from resolvers.context import Services
from server import bodies
from tests.support import tus
from tests.support.api import Api
from tests.support.waiting import until
from tests.support.work import Work


async def test_only_one_writes_at_a_time(api: Api, services: Services) -> None:
    url = await tus.begin(api, len(tus.DATA))
    async with services.locks.hold(f"upload {(await tus.row(services, url)).id}"):
        answer = await tus.patch(api, url, 0, tus.DATA)
    assert (answer.status_code, answer.json()["code"]) == (423, "PART_BUSY")
    assert answer.headers["Retry-After"] == "1"
    assert (await tus.patch(api, url, 0, tus.DATA)).status_code == 204


async def test_of_many_at_once_one_wins(api: Api, services: Services, work: Work) -> None:
    """Whoever it is: the bytes are of one, and never a mixture."""
    url = await tus.begin(api, len(tus.DATA))
    sent = [bytes([number]) * len(tus.DATA) for number in range(8)]
    answers = await asyncio.gather(*(tus.patch(api, url, 0, body) for body in sent))
    statuses = [answer.status_code for answer in answers]
    assert statuses.count(204) == 1
    assert set(statuses) <= {204, 409, 423}
    await work()
    assert await tus.content(services, url) == sent[statuses.index(204)]


async def test_a_cancelled_upload_takes_no_more_of_a_body(api: Api, services: Services) -> None:
    url = await tus.begin(api, len(tus.DATA))
    sent, go_on = asyncio.Event(), asyncio.Event()

    async def slowly() -> AsyncGenerator[bytes]:
        yield tus.DATA[:100_000]
        sent.set()
        await go_on.wait()
        yield tus.DATA[100_000:]

    sending = asyncio.create_task(tus.patch(api, url, 0, slowly()))
    await sent.wait()
    assert (await tus.delete(api, url)).status_code == 204
    go_on.set()
    answer = await sending
    assert (answer.status_code, answer.json()["code"]) == (410, "SESSION_CLOSED")
    assert (await tus.row(services, url)).status.name == "CANCELLED"


async def test_an_upload_survives_any_cut(
    api: Api, services: Services, work: Work, caplog: pytest.LogCaptureFixture
) -> None:
    dice = random.Random(200)  # noqa: S311 - always the same

    async def upload() -> tuple[str, int]:
        """Its URL, and how many of ten cut requests brought it forward."""
        url = await tus.begin(api, len(tus.DATA))
        offsets, most = [0], 0
        for _ in range(10):
            at = offsets[-1]
            body = tus.DATA[at : at + dice.randrange((len(tus.DATA) - at) // 4)]
            await tus.patch_cut_short(url, at, body, len(tus.DATA) - at, reset=dice.random() < 0.5)
            most = max(most, at + len(body))
            offsets.append(await tus.offset(api, url))
            assert at <= offsets[-1] <= most
        at = await tus.settled_offset(api, url)
        assert (await tus.patch(api, url, at, tus.DATA[at:])).status_code == 204
        return url, len({*offsets, at}) - 1

    sent = await asyncio.gather(*(upload() for _ in range(20)))
    assert sum(grown for _, grown in sent) > 50, "the cuts were to come after some bytes"
    await work()
    for url, _ in sent:
        assert await tus.content(services, url) == tus.DATA
    assert [one for one in caplog.records if one.levelno >= logging.WARNING] == []


async def test_a_cut_body_with_a_checksum_is_not_kept(api: Api) -> None:
    url = await tus.begin(api, len(tus.DATA))
    await tus.patch(api, url, 0, tus.DATA[:10])

    async def broken() -> AsyncGenerator[bytes]:
        yield tus.DATA[10:100_000]
        raise OSError("the client's own")

    with pytest.raises(OSError, match="own"):
        await tus.patch(api, url, 10, broken(), tus.checksum("sha1", tus.DATA[10:]))
    assert await tus.settled_offset(api, url) == 10


async def test_a_creation_that_breaks_off_leaves_no_upload(api: Api, services: Services) -> None:
    """Its client has not heard the URL."""

    async def broken() -> AsyncGenerator[bytes]:
        yield tus.DATA[:1000]
        raise OSError("the client's own")

    with pytest.raises(OSError, match="own"):
        await api.http.post(
            "/tus",
            content=broken(),
            headers=tus.merged({"Upload-Length": str(len(tus.DATA)), "Content-Type": tus.BYTES}),
        )

    async def cancelled() -> bool:
        return await tus.statuses(services) == ["CANCELLED"]

    await until(cancelled)


async def test_a_silent_client_does_not_keep_its_place(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bodies, "SILENCE_S", 0.1)
    url = await tus.begin(api, len(tus.DATA))
    never = asyncio.Event()

    async def silent() -> AsyncGenerator[bytes]:
        yield tus.DATA[:1000]
        await never.wait()

    sending = asyncio.create_task(tus.patch(api, url, 0, silent()))

    async def kept() -> bool:
        return await tus.offset(api, url) == 1000

    await until(kept)
    assert await tus.settled_offset(api, url) == 1000
    sending.cancel()
