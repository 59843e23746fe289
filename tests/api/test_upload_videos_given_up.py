"""Videos whose upload ends without a file: cancelled, out of time, refused, deleted meanwhile."""

import asyncio
import os
from collections.abc import AsyncGenerator, Awaitable
from datetime import UTC, datetime, timedelta
from typing import Any

import psycopg
import pytest

from db import uploads, video_states, videos
from db.models import UploadSession
from domain.uploads import UploadStatus
from domain.videos import VideoStatus
from jobs import maintenance
from jobs import uploads as uploads_of_work
from jobs.runs import Tools
from resolvers.context import Services
from schema import ids
from tests.support import arriving, tus, uploading
from tests.support.api import Api, OperationFailed
from tests.support.arriving import CHUNK
from tests.support.waiting import until, waits
from tests.support.work import Work

DATA = os.urandom(2 * CHUNK)
EVENTS = "select type from event order by id"


async def late(services: Services, session: str) -> None:
    """The time of a session is over."""
    async with services.db.write() as one:
        row = await one.get_one(UploadSession, ids.decode(session, "UploadSession"))
        row.expires_at = datetime.now(UTC) - timedelta(seconds=1)


async def ended(stream: AsyncGenerator[dict[str, Any]]) -> list[str]:
    """The codes with which a subscription ends."""
    with pytest.raises(OperationFailed) as failure:
        await anext(stream)
    return failure.value.codes


@pytest.mark.parametrize("chunks", [0, 1, 2])
async def test_a_cancelled_upload_takes_its_video_along(
    api: Api, wiper: psycopg.Connection, chunks: int
) -> None:
    session, id = await arriving.begin(api, DATA)
    await arriving.put(api, session, DATA, *range(1, chunks + 1))
    stream = api.watch(arriving.WATCH, id=id)
    assert (await anext(stream))["video"]["status"] == ("UPLOADING" if chunks else "INITIAL")
    assert await arriving.cancel(api, session) == {"status": "CANCELLED", "video": None}
    assert await ended(stream) == ["NOT_FOUND"]
    assert await arriving.video(api, id) is None
    assert await arriving.count(api) == 0
    assert await arriving.cancel(api, session) == {"status": "CANCELLED", "video": None}
    assert wiper.execute(EVENTS).fetchall() == []


async def test_tus_uploads_that_are_dropped_take_their_videos_along(api: Api) -> None:
    answer = await tus.create(api, len(DATA))
    url = answer.headers["Location"]
    await tus.patch(api, url, 0, DATA[:CHUNK])
    assert await arriving.count(api) == 1
    assert (await tus.delete(api, url)).status_code == 204
    assert await arriving.count(api) == 0
    wrong = tus.checksum("sha1", b"other")
    content = {"Content-Type": tus.BYTES}
    refused = await tus.create(api, len(DATA), wrong, content, body=DATA[:CHUNK])
    assert refused.status_code == 460
    assert await arriving.count(api) == 0


async def test_an_upload_whose_time_is_over_takes_its_video_along(
    api: Api, services: Services, tools: Tools
) -> None:
    gone, gone_id = await arriving.begin(api, DATA)
    begun, begun_id = await arriving.begin(api, DATA)
    open_, _ = await arriving.begin(api, DATA)
    checked = await uploading.send(api, DATA)
    await arriving.put(api, gone, DATA, 1)
    for session in (gone, begun, checked):
        await late(services, session)
    streams = [api.watch(arriving.WATCH, id=id) for id in (gone_id, begun_id)]
    for stream in streams:
        await anext(stream)
    await maintenance.expire_uploads(tools)
    assert [await ended(stream) for stream in streams] == [["NOT_FOUND"], ["NOT_FOUND"]]
    assert [await arriving.states(api, one) for one in (gone, begun, open_, checked)] == [
        ("EXPIRED", None),
        ("EXPIRED", None),
        ("WAITING", "INITIAL"),
        ("VERIFYING", "PROCESSING"),
    ]


async def test_a_refused_file_leaves_its_video_to_say_why(
    api: Api, work: Work, wiper: psycopg.Connection
) -> None:
    session, id = await arriving.begin(api, DATA)
    stream = api.watch(arriving.WATCH, id=id)
    assert (await anext(stream))["video"]["status"] == "INITIAL"
    await arriving.put(api, session, DATA, 1, 2)
    assert (await uploading.complete(api, session, uploading.sha256(DATA)))["userErrors"] == []
    await work()
    assert [one["video"]["status"] async for one in stream][-1] == "UPLOAD_FAILED"
    found = await arriving.of_session(api, session)
    assert (found["status"], found["video"]["id"]) == ("FAILED", id)
    shown = await arriving.video(api, id)
    assert (shown["status"], shown["sha256"]) == ("UPLOAD_FAILED", None)
    assert shown["statusReason"] == (
        "The file is in none of the accepted containers: mov,matroska,avi,flv,mpegts,mpeg,asf,ogg."
    )
    assert shown["uploadedAt"] is not None
    types = {type for (type,) in wiper.execute(EVENTS).fetchall()}
    assert types == {"upload_failed", "video_failed"}


async def test_a_deleted_video_gets_no_file(api: Api, services: Services, work: Work) -> None:
    """Also by a client that does not know of it yet."""
    session, id = await arriving.begin(api, DATA)
    await arriving.put(api, session, DATA, 1, 2)
    by_tus = await tus.create(api, len(DATA))
    url, other = by_tus.headers["Location"], by_tus.headers["Upload-Session"]
    assert (await tus.patch(api, url, 0, DATA[:CHUNK])).status_code == 204
    theirs = (await arriving.of_session(api, other))["video"]["id"]
    keys = [ids.decode(one, "Video") for one in (id, theirs)]
    async with services.db.write() as one:
        assert len(await video_states.change(one, keys, VideoStatus.DELETED)) == 2
    (error,) = (await uploading.complete(api, session, uploading.sha256(DATA)))["userErrors"]
    assert (error["code"], error["currentState"]) == ("INVALID_STATE", "DELETED")
    assert error["allowedStates"] == ["INITIAL", "UPLOADING"]
    refused = await tus.patch(api, url, CHUNK, DATA[CHUNK:])
    assert (refused.status_code, refused.json()["code"]) == (409, "INVALID_STATE")
    await work()
    assert await arriving.states(api, session) == ("UPLOADING", "DELETED")
    for one in (session, other):
        cancelled = await arriving.cancel(api, one)
        assert cancelled["status"] == "CANCELLED"
        assert cancelled["video"] is not None
        assert await arriving.states(api, one) == ("CANCELLED", "DELETED")


async def test_sending_cancelling_and_running_out_of_time_at_once_agree(
    api: Api, services: Services, tools: Tools
) -> None:
    """Whoever is first: a session that is closed has no video, one that is open has it."""
    sessions = [await arriving.begin(api, DATA) for _ in range(12)]
    urls = [(await uploading.urls(api, session, 1, 2)) for session, _ in sessions]
    for session, _ in sessions[::3]:
        await late(services, session)

    async def send(url: str) -> int:
        return (await api.http.put(url, content=DATA[:CHUNK])).status_code

    work: list[Awaitable[Any]] = [send(url) for pair in urls for url in pair]
    work += [api.run(arriving.CANCEL, id=session) for session, _ in sessions[1::3]]
    work += [uploading.complete(api, one, uploading.sha256(DATA)) for one, _ in sessions]
    work += [maintenance.expire_uploads(tools)]
    answers = await asyncio.gather(*work)
    assert set(answers[: 2 * len(sessions)]) <= {200, 403, 409}
    for session, _ in sessions:
        assert await arriving.states(api, session) in {
            ("UPLOADING", "UPLOADING"),
            ("VERIFYING", "PROCESSING"),
            ("CANCELLED", None),
            ("EXPIRED", None),
        }


async def test_a_first_chunk_waits_for_whoever_has_the_video(api: Api, services: Services) -> None:
    """It has not locked the session by then: the other one may."""
    session, id = await arriving.begin(api, DATA)
    (url,) = await uploading.urls(api, session, 1)
    async with services.db.write() as one:
        await videos.lock(one, ids.decode(id, "Video"))
        sending = asyncio.create_task(api.http.put(url, content=DATA[:CHUNK]))
        await until(lambda: waits(services.db, "with begun%"))
        upload = await uploads.lock_with_video(one, ids.decode(session, "UploadSession"))
        assert upload is not None
        await uploads_of_work.abandon(one, upload, UploadStatus.CANCELLED)
    answer = await sending
    assert (answer.status_code, answer.json()["code"]) == (409, "SESSION_CLOSED")
    assert await arriving.states(api, session) == ("CANCELLED", None)
