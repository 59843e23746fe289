"""A video is there from the beginning of its upload: how it gets on with it."""

import asyncio
import os
from collections.abc import AsyncGenerator
from datetime import datetime
from typing import Any
from uuid import UUID

import psycopg
import pytest

from db.models import UploadSession, Video
from resolvers.context import Services
from schema import ids
from tests.support import arriving, samples, tus, uploading
from tests.support.api import Api
from tests.support.arriving import CHUNK
from tests.support.possession import check, take_over
from tests.support.statements import recorded
from tests.support.templating import built_in, category, codes, transcode
from tests.support.work import Work

DATA = os.urandom(3 * CHUNK + 1_000)
CLIP = """
mutation ($id: ID!) {
  createClip(input: {videoId: $id, title: "C", segments: [{startMs: 0, endMs: 1000}]}) {
    userErrors { code message }
  }
}
"""
PLAN = "query ($id: ID!) { transcodePlan(videoId: $id) { passes { pass } } }"


@pytest.fixture(scope="module")
def film(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    path = samples.make(tmp_path_factory.mktemp("video") / "video.mp4", seconds=2)
    data = path.read_bytes()
    assert len(data) > CHUNK
    return data


async def following(stream: AsyncGenerator[dict[str, Any]]) -> str:
    return (await anext(stream))["video"]["status"]


async def test_a_new_session_has_a_video_to_show_and_link(api: Api) -> None:
    films = (await category(api, "Films"))["id"]
    said = {"title": "Holiday", "description": "By the sea", "categoryId": films}
    session, id = await arriving.begin(api, DATA, **said)
    found = await arriving.video(api, id)
    opened = (await arriving.of_session(api, session))["createdAt"]
    assert len(found.pop("vid")) == 11
    assert found == {
        "id": id,
        "status": "INITIAL",
        "statusReason": None,
        "title": "Holiday",
        "description": "By the sea",
        "fileSize": len(DATA),
        "createdAt": opened,
        "uploadedAt": None,
        "sha256": None,
        "durationMs": None,
        "playSets": [],
        "playback": None,
        "category": {"id": films},
    }
    assert await arriving.count(api) == 1


async def test_chunks_bring_a_video_from_its_beginning_to_its_end(
    api: Api, film: bytes, work: Work
) -> None:
    session, id = await arriving.begin(api, film, skipAutoTranscode=True)
    stream = api.watch(arriving.WATCH, id=id)
    assert await following(stream) == "INITIAL"
    total = -(-len(film) // CHUNK)
    await arriving.put(api, session, film, 2)
    assert await following(stream) == "UPLOADING"
    await arriving.put(api, session, film, 1, *range(3, total + 1))
    assert await arriving.states(api, session) == ("UPLOADING", "UPLOADING")
    assert (await arriving.video(api, id))["uploadedAt"] is None
    assert (await uploading.complete(api, session, uploading.sha256(film)))["userErrors"] == []
    assert await following(stream) == "PROCESSING"
    arrived = await arriving.video(api, id)
    assert moment(arrived["uploadedAt"]) > moment(arrived["createdAt"])
    await work()
    rest = [message["video"]["status"] async for message in stream]
    assert set(rest[:-1]) <= {"PROCESSING", "PUBLISHED"}
    assert rest[-1] == "PUBLISHED"
    done = await arriving.video(api, id)
    same = ("id", "vid", "createdAt", "uploadedAt")
    assert {name: done[name] for name in same} == {name: arrived[name] for name in same}
    assert (done["status"], done["sha256"]) == ("PUBLISHED", uploading.sha256(film))
    assert await arriving.states(api, session) == ("COMPLETED", "PUBLISHED")
    assert await arriving.count(api) == 1


def moment(value: str) -> datetime:
    return datetime.fromisoformat(value)


async def test_tus_brings_a_video_from_its_beginning_to_its_end(
    api: Api, film: bytes, work: Work
) -> None:
    answer = await tus.create(api, len(film), tus.metadata(title="By tus"))
    url, session = answer.headers["Location"], answer.headers["Upload-Session"]
    assert await arriving.states(api, session) == ("WAITING", "INITIAL")
    id = (await arriving.of_session(api, session))["video"]["id"]
    stream = api.watch(arriving.WATCH, id=id)
    assert await following(stream) == "INITIAL"
    assert (await tus.patch(api, url, 0, b"")).status_code == 204
    assert await arriving.states(api, session) == ("WAITING", "INITIAL")
    assert (await tus.patch(api, url, 0, film[:CHUNK])).status_code == 204
    assert await following(stream) == "UPLOADING"
    assert (await tus.patch(api, url, CHUNK, film[CHUNK:])).status_code == 204
    assert await following(stream) == "PROCESSING"
    await work()
    assert [message["video"]["status"] async for message in stream][-1] == "PUBLISHED"
    assert (await arriving.video(api, id))["title"] == "By tus"


async def test_of_uploads_by_pieces_only_the_whole_is_a_video(
    api: Api, film: bytes, work: Work
) -> None:
    urls: list[str] = []
    for piece in (film[:CHUNK], film[CHUNK:]):
        answer = await tus.create(api, len(piece), tus.PARTIAL)
        assert (await arriving.of_session(api, answer.headers["Upload-Session"]))["video"] is None
        urls.append(answer.headers["Location"])
        assert (await tus.patch(api, urls[-1], 0, piece)).status_code == 204
    assert await arriving.count(api) == 0
    more = tus.metadata(title="Whole")  # its purpose is a video
    answers = await asyncio.gather(*(tus.concatenate(api, *urls, more=more) for _ in range(4)))
    assert {answer.status_code for answer in answers} <= {201, 409}
    (session,) = {one.headers["Upload-Session"] for one in answers if one.status_code == 201}
    assert await arriving.states(api, session) == ("VERIFYING", "PROCESSING")
    assert await arriving.count(api) == 1  # those of the slower requests are gone
    await work()
    assert await arriving.states(api, session) == ("COMPLETED", "PUBLISHED")


async def test_a_file_that_is_only_kept_has_no_video(api: Api) -> None:
    session = await uploading.begin(api, DATA, purpose="OBJECT")
    assert (await arriving.of_session(api, session["id"]))["video"] is None
    by_tus = await tus.create(api, 10, tus.metadata(purpose="OBJECT"))
    assert (await arriving.of_session(api, by_tus.headers["Upload-Session"]))["video"] is None
    assert await arriving.count(api) == 0


VERSION = "select xmin::text, status, updated_at from video"


async def test_the_video_is_written_with_the_first_chunk_only(
    api: Api, services: Services, wiper: psycopg.Connection
) -> None:
    session, _ = await arriving.begin(api, DATA)
    versions, counts = [wiper.execute(VERSION).fetchone()], []
    urls = await uploading.urls(api, session, 3, 1, 2)
    for number, url in zip((3, 1, 2), urls, strict=True):
        chunk = DATA[(number - 1) * CHUNK : number * CHUNK]
        with recorded(services) as statements:
            assert (await api.http.put(url, content=chunk)).status_code == 200
        counts.append(len(statements))
        versions.append(wiper.execute(VERSION).fetchone())
    assert counts == [3, 3, 3]  # the session, the part, and that it is there
    assert versions[0] != versions[1]
    assert versions[1] == versions[2] == versions[3]


async def test_first_chunks_that_come_at_once_begin_it_once(
    api: Api, wiper: psycopg.Connection
) -> None:
    for _ in range(5):
        session, id = await arriving.begin(api, DATA)
        urls = await uploading.urls(api, session, 1, 2, 3)
        chunks = [DATA[start : start + CHUNK] for start in range(0, 3 * CHUNK, CHUNK)]
        answers = await asyncio.gather(
            *(api.http.put(url, content=chunk) for url, chunk in zip(urls, chunks, strict=True))
        )
        assert {answer.status_code for answer in answers} == {200}
        assert (await arriving.video(api, id))["status"] == "UPLOADING"
    rows = wiper.execute("select distinct received_chunks from upload_session").fetchall()
    assert rows == [(3,)]


async def test_a_chunk_that_is_refused_begins_nothing(api: Api) -> None:
    session, id = await arriving.begin(api, DATA)
    wrong = uploading.checksum(b"other")
    assert (await uploading.put(api, session, 1, DATA[:CHUNK], **wrong)).status_code == 400
    assert (await arriving.video(api, id))["status"] == "INITIAL"


async def test_what_needs_the_file_is_refused_while_it_is_coming(api: Api) -> None:
    session, id = await arriving.begin(api, DATA)
    for status in ("INITIAL", "UPLOADING"):
        assert (await arriving.video(api, id))["status"] == status
        assert codes(await transcode(api, id, built_in(1))) == [("VIDEO_UPLOADING", ["id"])]
        (refused,) = (await api.run(CLIP, id=id))["createClip"]["userErrors"]
        assert refused == {
            "code": "CLIP_INIT_FAILED",
            "message": f"The video is {status} and has no file that can be read.",
        }
        assert await api.run(PLAN, id=id) == {"transcodePlan": None}
        await arriving.put(api, session, DATA, 1)


async def test_a_video_that_is_coming_is_no_duplicate_but_its_session_is_found(api: Api) -> None:
    session, id = await arriving.begin(api, DATA)
    for _ in range(2):
        found = await check(api, DATA)
        assert (found["video"], found["resumable"]["id"]) == (None, session)
        assert (await arriving.of_session(api, session))["video"]["id"] == id
        await arriving.put(api, session, DATA, 1)
    assert await arriving.count(api) == 1


async def test_a_proof_makes_a_video_of_its_own(
    api: Api, stranger: Api, film: bytes, work: Work
) -> None:
    session = await uploading.send(stranger, film)
    await work()
    _, id = await arriving.begin(api, film)
    made = (await take_over(api, film))["video"]
    assert made["status"] == "PUBLISHED"
    assert made["id"] != id
    shown = await arriving.video(api, made["id"])
    assert shown["uploadedAt"] == shown["createdAt"]
    assert (await arriving.video(api, id))["status"] == "INITIAL"
    assert (await arriving.states(stranger, session)) == ("COMPLETED", "PUBLISHED")


async def test_nobody_else_sees_it(api: Api, stranger: Api) -> None:
    _, id = await arriving.begin(api, DATA)
    unknown = ids.encode("Video", UUID(int=1))
    assert await arriving.video(stranger, id) is None
    assert await arriving.video(stranger, unknown) is None
    assert await arriving.count(stranger) == 0


async def test_a_session_of_a_process_from_before_gets_its_video_at_the_end(
    api: Api, services: Services, work: Work, film: bytes
) -> None:
    session, id = await arriving.begin(api, film, skipAutoTranscode=True)
    async with services.db.write() as one:
        row = await one.get_one(UploadSession, ids.decode(session, "UploadSession"))
        await one.delete(await one.get_one(Video, ids.decode(id, "Video")))
        await one.flush()
        await one.refresh(row)
        assert row.video_id is None
    await arriving.put(api, session, film, *range(1, -(-len(film) // CHUNK) + 1))
    assert await arriving.states(api, session) == ("UPLOADING", None)
    assert (await uploading.complete(api, session, uploading.sha256(film)))["userErrors"] == []
    assert await arriving.states(api, session) == ("VERIFYING", "PROCESSING")
    await work()
    assert await arriving.states(api, session) == ("COMPLETED", "PUBLISHED")
