"""@reelgraph/uploader in a real browser, against the real server."""

import asyncio
import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Browser, BrowserContext, Route

from jobs import worker
from jobs.runs import Tools
from tests.browser import pages
from tests.browser.conftest import missing
from tests.browser.pages import UploadPage
from tests.support import factories, processes, s3, samples
from tests.support.api import Api
from tests.support.processes import Server
from tests.support.s3 import S3Server
from tests.support.waiting import until

CHUNK = 65_536
PUTS = "**/uploads/*/*"
CANCEL = "mutation ($id: ID!) { cancelUploadSession(id: $id) { __typename } }"
VIDEOS = "{ videos { nodes { id } } }"
VIDEO = "query ($id: ID!) { video(by: {id: $id}) { id title sha256 playSets { status } } }"
SESSIONS = """
{ uploadSessions { nodes { id status title description deviceType totalChunks } } }
"""

NODE = """
import { openAsBlob } from 'node:fs';
const [dist, path, url, apiKey] = process.argv.slice(1);
const { Upload } = await import(dist);
const options = { endpoint: `${url}/graphql`, apiKey, title: 'From Node', chunkSize: 65536 };
const upload = new Upload(await openAsBlob(path), options);
upload.on('state', ({ state }) => state === 'verifying' && console.log(state));
console.log(JSON.stringify(await upload.start()));
"""

Work = Callable[[], Awaitable[None]]
OpenPage = Callable[..., Awaitable[UploadPage]]


@pytest.fixture(scope="module")
def dist(root: Path) -> Path:
    if not (root / "web/node_modules/esbuild").exists():
        missing("esbuild is not there: run npm ci --prefix web")
    return pages.build(root)


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A film of eight chunks."""
    return samples.make(tmp_path_factory.mktemp("film") / "My film.mp4", seconds=2)


@pytest.fixture
async def context(browser: Browser) -> AsyncIterator[BrowserContext]:
    """A profile of its own."""
    async with await browser.new_context() as context:
        yield context


@pytest.fixture
def open_page(context: BrowserContext, base_url: str, dist: Path) -> OpenPage:
    async def open(origin: str = base_url, **headers: str) -> UploadPage:
        return await UploadPage(await context.new_page(), origin, dist).open(headers)

    return open


@pytest.fixture
async def page(open_page: OpenPage) -> UploadPage:
    return await open_page()


@pytest.fixture
def wishes(owner: factories.Owner) -> dict[str, Any]:
    return {"apiKey": owner.api_key, "chunkSize": CHUNK}


@pytest.fixture
def verify(tools: Tools) -> Work:
    """Makes videos of what was sent, and transcodes nothing."""

    async def run() -> None:
        await worker.work_until_empty(tools, worker.LANES[:1])

    return run


def chunks(file: Path) -> int:
    return -(-file.stat().st_size // CHUNK)


def on_bucket(bucket: S3Server) -> dict[str, str]:
    """Settings of a server whose files are there."""
    return {
        "REELGRAPH_STORAGE_URL": f"s3://{s3.BUCKET}",
        "REELGRAPH_S3_ENDPOINT": bucket.endpoint,
        "REELGRAPH_S3_ACCESS_KEY": s3.CREDENTIALS.access_key,
        "REELGRAPH_S3_SECRET_KEY": s3.CREDENTIALS.secret_key,
    }


def key_of(server: Server) -> str:
    return (server.data_dir / "api-key").read_text().strip()


def change(file: Path) -> None:
    """Another byte in the middle of a picture."""
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


def numbers(urls: list[str]) -> list[int]:
    return [int(url.rpartition("/")[2]) for url in urls]


async def sessions(api: Api) -> list[dict[str, Any]]:
    return (await api.run(SESSIONS))["uploadSessions"]["nodes"]


async def videos(api: Api) -> list[str]:
    return [one["id"] for one in (await api.run(VIDEOS))["videos"]["nodes"]]


async def finish(page: UploadPage, verify: Work) -> dict[str, Any]:
    """Wait until all is sent, and for the video; returns what `start()` resolves with."""
    await page.reached("verifying")
    await verify()
    return await page.ended()


class Gate:
    """Lets some chunks through, and holds the others back."""

    def __init__(self, page: UploadPage, *, after: int) -> None:
        self._page = page
        self._left = after
        self._open = asyncio.Event()
        self._abort = False

    async def close(self) -> "Gate":
        await self._page.page.route(PUTS, self._pass)
        return self

    async def _pass(self, route: Route) -> None:
        self._left -= 1
        if self._left < 0:
            await self._open.wait()
        await (route.abort() if self._abort else route.fallback())

    async def passed(self, count: int) -> None:
        """Wait until so many chunks are stored."""

        async def enough() -> bool:
            return len(self._page.stored) >= count

        await until(enough)

    async def open(self, *, abort: bool = False) -> None:
        """Let all through, but those that it holds only if they are not to `abort`."""
        self._abort = abort
        self._open.set()
        await self._page.page.unroute(PUTS, self._pass)


async def test_a_film_becomes_a_video_that_plays(
    page: UploadPage, api: Api, wishes: dict[str, Any], work: Work, video: Path
) -> None:
    await page.begin(video, apiKey=wishes["apiKey"], description="Of the sea")
    result = await finish(page, work)
    (session,) = await sessions(api)
    assert result == {
        "sessionId": session["id"],
        "videoId": result["videoId"],
        "instant": False,
    }
    assert session == {
        "id": result["sessionId"],
        "status": "COMPLETED",
        "title": "My film",
        "description": "Of the sea",
        "deviceType": "WEB",
        "totalChunks": 1,
    }
    found = (await api.run(VIDEO, id=result["videoId"]))["video"]
    assert {one["status"] for one in found["playSets"]} == {"READY"}
    assert await page.heard("video") == [result]
    assert await page.states() == [
        "checking", "hashing", "checking", "uploading", "verifying", "completed",
    ]  # fmt: skip


async def test_chunks_sent_in_parallel_are_the_file(
    page: UploadPage, api: Api, wishes: dict[str, Any], verify: Work, video: Path
) -> None:
    await page.begin(video, **wishes, parallel=6, title="In parts")
    result = await finish(page, verify)
    found = (await api.run(VIDEO, id=result["videoId"]))["video"]
    assert found["sha256"] == hashlib.sha256(video.read_bytes()).hexdigest()
    assert found["title"] == "In parts"
    assert sorted(numbers(page.puts)) == list(range(1, chunks(video) + 1))


async def test_progress_only_goes_up_and_ends_at_the_size(
    page: UploadPage, wishes: dict[str, Any], video: Path
) -> None:
    size = video.stat().st_size
    breaks = iter([True, False] * 100)

    async def break_every_other(route: Route) -> None:
        await (route.abort() if next(breaks) else route.continue_())

    await page.page.route(PUTS, break_every_other, times=8)
    await page.begin(video, **wishes)
    await page.reached("verifying")
    progress = await page.heard("progress")
    sent = [event["sentBytes"] for event in progress]
    assert sent == sorted(sent)
    assert (sent[0], sent[-1]) == (0, size)
    assert {event["totalBytes"] for event in progress} == {size}
    assert (progress[0]["bytesPerSecond"], progress[0]["secondsLeft"]) == (0, None)
    assert progress[-1]["bytesPerSecond"] > 0
    assert progress[-1]["secondsLeft"] == 0
    assert (await page.heard("hash"))[-1] == {"hashedBytes": size, "totalBytes": size}


async def test_after_a_refresh_only_what_is_missing_is_sent(
    page: UploadPage, api: Api, wishes: dict[str, Any], verify: Work, video: Path
) -> None:
    gate = await Gate(page, after=5).close()
    await page.begin(video, **wishes)
    await gate.passed(5)
    await page.reload()
    await gate.open()
    before = {*numbers(page.stored)}
    page.puts.clear()
    page.asked.clear()
    await page.begin(video, **wishes)
    result = await finish(page, verify)
    assert page.asked == [
        "Hello", "UploadSession", "UploadTargets", "CompleteUploadSession", "WatchUploadSession",
    ]  # fmt: skip
    (session,) = await sessions(api)
    assert session["id"] == result["sessionId"]
    assert {*numbers(page.puts)} == {*range(1, chunks(video) + 1)} - before
    assert (await page.heard("progress"))[0]["sentBytes"] == len(before) * CHUNK
    assert await page.page.evaluate("localStorage.length") == 0


async def test_another_browser_goes_on_with_an_upload(
    page: UploadPage,
    browser: Browser,
    base_url: str,
    dist: Path,
    api: Api,
    wishes: dict[str, Any],
    verify: Work,
    video: Path,
) -> None:
    gate = await Gate(page, after=5).close()
    await page.begin(video, **wishes)
    await gate.passed(5)
    await page.call("pause")
    async with await browser.new_page() as tab:
        other = await UploadPage(tab, base_url, dist).open()
        await other.begin(video, **wishes)
        result = await finish(other, verify)
        assert len(other.puts) == chunks(video) - 5
    (session,) = await sessions(api)
    assert session["id"] == result["sessionId"]
    await gate.open()


async def test_a_changed_file_of_the_same_name_size_and_date_is_sent_anew(
    page: UploadPage, api: Api, wishes: dict[str, Any], video: Path, tmp_path: Path
) -> None:
    file = Path(shutil.copy2(video, tmp_path))
    gate = await Gate(page, after=5).close()
    await page.begin(file, **wishes)
    await gate.passed(5)
    await page.reload()
    await gate.open()
    change(file)
    os.utime(file, ns=(video.stat().st_atime_ns, video.stat().st_mtime_ns))
    page.puts.clear()
    await page.begin(file, **wishes)
    await page.reached("verifying")
    assert len(page.puts) == chunks(file)
    assert [one["status"] for one in await sessions(api)] == ["VERIFYING", "UPLOADING"]


async def test_what_fails_for_now_is_sent_again(
    page: UploadPage, wishes: dict[str, Any], video: Path
) -> None:
    now = format_datetime(datetime.now(UTC), usegmt=True)
    answers: dict[int, dict[str, Any]] = {
        1: {"status": 503, "headers": {"Retry-After": "1"}},
        2: {"status": 507, "json": {"code": "STORAGE_FULL", "message": "Full."}},
        3: {"status": 429, "headers": {"Retry-After": now}},
        4: {"status": 409, "json": {"code": "PART_BUSY", "message": "Busy."}},
        5: {"status": 400, "body": "<Error><Code>RequestTimeout</Code></Error>"},
        6: {"status": 408},
    }

    async def fail_once(route: Route) -> None:
        (number,) = numbers([route.request.url])
        if answer := answers.pop(number, None):
            await route.fulfill(**answer)
        else:
            await route.fallback()

    await page.page.route(PUTS, fail_once)
    await page.begin(video, **wishes)
    await page.reached("verifying")
    retries = {event["error"]["chunk"]: event for event in await page.heard("retry")}
    assert {chunk: event["error"]["status"] for chunk, event in retries.items()} == {
        1: 503, 2: 507, 3: 429, 4: 409, 5: 400, 6: 408,
    }  # fmt: skip
    assert retries[1]["delayMs"] == 1_000
    assert all(250 <= retries[chunk]["delayMs"] <= 500 for chunk in (2, 3, 4, 5, 6))
    assert len(page.puts) == chunks(video) + 6


async def test_a_link_that_has_expired_is_replaced(
    page: UploadPage, wishes: dict[str, Any], video: Path
) -> None:
    await page.page.route(PUTS, expire, times=1)
    await page.begin(video, **wishes, parallel=1)
    await page.reached("verifying")
    assert page.asked.count("UploadTargets") == 2
    assert [event["error"]["code"] for event in await page.heard("retry")] == ["LINK_EXPIRED"]


async def test_a_chunk_damaged_on_its_way_is_sent_again(
    page: UploadPage, wishes: dict[str, Any], verify: Work, video: Path
) -> None:
    async def damage(route: Route) -> None:
        await route.continue_(post_data=bytes(len(route.request.post_data_buffer or b"")))

    await page.page.route(PUTS, damage, times=1)
    await page.begin(video, **wishes)
    assert "videoId" in await finish(page, verify)
    (event,) = await page.heard("retry")
    assert (event["error"]["status"], event["error"]["code"]) == (400, "CHECKSUM_MISMATCH")


async def test_requests_of_the_api_are_repeated_too(
    page: UploadPage, wishes: dict[str, Any], video: Path
) -> None:
    async def fail(route: Route) -> None:
        await route.fulfill(status=502, headers={"Retry-After": "0"})

    await page.page.route("**/graphql", fail, times=2)
    await page.begin(video, **wishes)
    await page.reached("verifying")
    assert [event["attempt"] for event in await page.heard("retry")] == [1, 2]


async def test_patience_ends_and_a_new_start_goes_on(
    page: UploadPage, api: Api, wishes: dict[str, Any], video: Path
) -> None:
    gate = await Gate(page, after=5).close()
    await page.begin(video, **wishes, retries=0)
    await gate.passed(5)
    await gate.open(abort=True)
    failure = await page.failed()
    assert failure["code"] == "NETWORK"
    assert (await page.states())[-1] == "failed"
    page.puts.clear()
    await page.again()
    await page.reached("verifying")
    assert len(page.puts) == chunks(video) - 5
    assert len(await sessions(api)) == 1


async def test_nothing_leaves_while_paused(
    page: UploadPage, wishes: dict[str, Any], video: Path
) -> None:
    gate = await Gate(page, after=3).close()
    await page.begin(video, **wishes)
    await gate.passed(3)
    await page.call("pause")
    await page.until("upload.state === 'paused'")
    sent = len(page.puts)
    await gate.open()
    await page.page.evaluate("fetch('/health').then((answer) => answer.text())")
    assert len(page.puts) == sent
    await page.call("resume")
    await page.reached("verifying")
    assert await page.heard("retry") == []
    assert {*numbers(page.stored)} == {*range(1, chunks(video) + 1)}


async def test_an_upload_waits_until_the_browser_is_online(
    page: UploadPage, context: BrowserContext, wishes: dict[str, Any], video: Path
) -> None:
    gate = await Gate(page, after=3).close()
    await page.begin(video, **wishes, retries=0)
    await gate.passed(3)
    await context.set_offline(True)
    await gate.open()
    await page.reached("offline")
    await context.set_offline(False)
    await page.reached("verifying")


async def test_cancelling_drops_the_session(
    page: UploadPage, api: Api, wishes: dict[str, Any], video: Path
) -> None:
    gate = await Gate(page, after=3).close()
    await page.begin(video, **wishes)
    await gate.passed(3)
    await page.call("cancel")
    assert (await page.failed())["code"] == "CANCELLED"
    assert [one["status"] for one in await sessions(api)] == ["CANCELLED"]
    assert (await page.states())[-1] == "cancelled"
    assert await page.page.evaluate("localStorage.length") == 0
    await gate.open()


async def test_a_session_closed_elsewhere_ends_the_upload(
    page: UploadPage, api: Api, wishes: dict[str, Any], video: Path
) -> None:
    gate = await Gate(page, after=3).close()
    await page.begin(video, **wishes)
    await gate.passed(3)
    (session,) = await sessions(api)
    await api.run(CANCEL, id=session["id"])
    await gate.open()
    failure = await page.failed()
    assert (failure["code"], failure["status"]) == ("SESSION_CLOSED", 409)


async def expire(route: Route) -> None:
    await route.fulfill(status=403, json={"code": "LINK_EXPIRED", "message": "Too late."})


@pytest.mark.parametrize("refuser", ["chunk", "targets"])
async def test_the_slower_of_two_uploads_ends_with_the_same_video(
    page: UploadPage,
    open_page: OpenPage,
    api: Api,
    wishes: dict[str, Any],
    verify: Work,
    video: Path,
    refuser: str,
) -> None:
    if refuser == "targets":
        await page.page.route(PUTS, expire)
    gate = await Gate(page, after=0).close()
    await page.begin(video, **wishes)
    await page.until("upload.state === 'uploading'")
    other = await open_page()
    await other.begin(video, **wishes)
    await other.reached("verifying")
    await gate.open()
    await page.reached("verifying")
    await verify()
    (session,) = await sessions(api)
    (made,) = await videos(api)
    result = {"sessionId": session["id"], "videoId": made, "instant": False}
    assert [await page.ended(), await other.ended()] == [result, result]
    assert page.stored == []


async def test_chunks_that_the_server_goes_on_losing_end_the_upload(
    page: UploadPage, wishes: dict[str, Any], video: Path
) -> None:
    lost = {"code": "CHUNK_MISSING", "message": "Chunk 2 is missing.", "missingChunks": [2]}
    payload = {"uploadSession": None, "userErrors": [lost]}

    async def lose(route: Route) -> None:
        await route.fulfill(json={"data": {"payload": payload}})

    await page.answer("CompleteUploadSession", lose, times=9)
    await page.begin(video, **wishes)
    failure = await page.failed()
    assert (failure["code"], failure["chunk"]) == ("CHUNK_MISSING", 2)
    assert numbers(page.puts[chunks(video) :]) == [2, 2, 2]


@pytest.mark.parametrize("reply", [pages.lose_answer, pages.lose_request])
async def test_a_session_is_opened_once(
    page: UploadPage, api: Api, wishes: dict[str, Any], video: Path, reply: pages.Reply
) -> None:
    await page.answer("CreateUploadSession", reply)
    await page.begin(video, **wishes)
    await page.reached("verifying")
    assert len(await sessions(api)) == 1
    assert len(page.puts) == chunks(video)


@pytest.mark.parametrize("key", [None, "rg_wrong"])
async def test_without_a_good_key_nothing_is_hashed(
    page: UploadPage, services: object, video: Path, key: str | None
) -> None:
    del services
    await page.begin(video, **({} if key is None else {"apiKey": key}))
    assert (await page.failed())["code"] == "UNAUTHENTICATED"
    assert await page.heard("hash") == []


async def test_a_file_that_is_no_video_is_refused(
    page: UploadPage, wishes: dict[str, Any], verify: Work, tmp_path: Path
) -> None:
    (tmp_path / "notes.txt").write_text("Nothing to see.")
    await page.begin(tmp_path / "notes.txt", **wishes)
    assert (await finish(page, verify))["error"]["code"] == "MEDIA_REFUSED"


async def test_a_file_that_changes_meanwhile_is_unreadable(
    page: UploadPage, wishes: dict[str, Any], video: Path, tmp_path: Path
) -> None:
    file = Path(shutil.copy2(video, tmp_path))
    gate = await Gate(page, after=3).close()
    await page.begin(file, **wishes, parallel=1)
    await gate.passed(3)
    change(file)
    await gate.open()
    assert (await page.failed())["code"] == "FILE_UNREADABLE"


async def test_bytes_that_the_account_has_are_not_sent_again(
    page: UploadPage, wishes: dict[str, Any], verify: Work, video: Path
) -> None:
    await page.begin(video, **wishes)
    first = await finish(page, verify)
    page.puts.clear()
    await page.begin(video, **wishes)
    assert await page.ended() == {"sessionId": None, "videoId": first["videoId"], "instant": True}
    assert page.puts == []


async def test_bytes_that_another_account_has_need_only_be_proven(
    page: UploadPage,
    stranger: Api,
    api: Api,
    wishes: dict[str, Any],
    verify: Work,
    video: Path,
) -> None:
    await page.begin(video, **wishes)
    await finish(page, verify)
    page.puts.clear()
    await page.begin(video, **{**wishes, "apiKey": stranger.api_key}, title="Mine now")
    result = await page.ended()
    assert result == {"sessionId": None, "videoId": result["videoId"], "instant": True}
    assert page.puts == []
    assert (await stranger.run(VIDEO, id=result["videoId"]))["video"]["title"] == "Mine now"
    assert (await api.run(VIDEO, id=result["videoId"]))["video"] is None


@pytest.mark.parametrize("reply", [pages.lose_answer, pages.lose_request, pages.send_twice])
async def test_a_proof_makes_one_video(
    page: UploadPage,
    stranger: Api,
    wishes: dict[str, Any],
    verify: Work,
    video: Path,
    reply: pages.Reply,
) -> None:
    await page.begin(video, **wishes)
    await finish(page, verify)
    page.puts.clear()
    await page.answer("ProveUploadPossession", reply)
    await page.begin(video, **{**wishes, "apiKey": stranger.api_key})
    await page.reached("completed")
    result = await page.ended()
    assert [result["videoId"]] == await videos(stranger)
    assert (result["instant"], page.puts) == (True, [])


async def test_cancelling_is_too_late_when_the_proof_made_a_video(
    page: UploadPage, stranger: Api, wishes: dict[str, Any], verify: Work, video: Path
) -> None:
    async def cancel_meanwhile(route: Route) -> None:
        answer = await route.fetch()
        await page.page.evaluate(
            "() => void (window.cancelled = upload.cancel().catch(({ code }) => code))"
        )
        await route.fulfill(response=answer)

    await page.begin(video, **wishes)
    await finish(page, verify)
    await page.answer("ProveUploadPossession", cancel_meanwhile)
    await page.begin(video, **{**wishes, "apiKey": stranger.api_key})
    assert await page.ended() == {
        "sessionId": None,
        "videoId": (await videos(stranger))[0],
        "instant": True,
    }
    assert await page.page.evaluate("cancelled") == "SESSION_CLOSED"
    assert (await page.states())[-1] == "completed"


async def test_a_page_of_another_origin_can_upload(
    open_page: OpenPage,
    context: BrowserContext,
    base_url: str,
    wishes: dict[str, Any],
    video: Path,
) -> None:
    await context.grant_permissions(["local-network-access"])
    page = await open_page(base_url.replace("127.0.0.1", "localhost"))
    await page.begin(video, **wishes, endpoint=f"{base_url}/graphql")
    await page.reached("verifying")
    assert {url.partition("/uploads")[0] for url in page.puts} == {base_url}


async def test_chunks_go_straight_to_a_bucket(
    open_page: OpenPage, context: BrowserContext, video: Path, tmp_path: Path
) -> None:
    part = 5 << 20
    file = tmp_path / "large.mp4"
    filling = os.urandom(2 * part)  # in a box that players skip
    file.write_bytes(video.read_bytes() + (len(filling) + 8).to_bytes(4) + b"free" + filling)
    with s3.rclone(tmp_path) as bucket, processes.server(**on_bucket(bucket)) as server:
        server.start()
        await context.grant_permissions(["local-network-access"])
        page = await open_page(server.url)
        await page.page.route(f"{bucket.endpoint}/**", lambda route: route.abort(), times=1)
        await page.begin(file, apiKey=key_of(server), chunkSize=part)
        result = await page.ended()
        assert len(page.puts) == 4
        assert all(url.startswith(f"{bucket.endpoint}/{s3.BUCKET}/") for url in page.puts)
        async with server.api() as api:
            found = (await api.run(VIDEO, id=result["videoId"]))["video"]
        assert found["sha256"] == hashlib.sha256(file.read_bytes()).hexdigest()


async def test_a_page_that_forbids_workers_can_upload(
    open_page: OpenPage, wishes: dict[str, Any], video: Path
) -> None:
    page = await open_page(**{"Content-Security-Policy": "worker-src 'none'"})
    await page.begin(video, **wishes)
    await page.reached("verifying")


async def test_node_can_upload(
    dist: Path, api: Api, base_url: str, verify: Work, video: Path
) -> None:
    process = await asyncio.create_subprocess_exec(
        *("node", "--input-type=module", "--eval", NODE),
        *(str(dist / "index.js"), str(video), base_url, str(api.api_key)),
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    assert await process.stdout.readline() == b"verifying\n"
    await verify()
    rest, _ = await process.communicate()
    assert process.returncode == 0
    found = (await api.run(VIDEO, id=json.loads(rest)["videoId"]))["video"]
    assert found["title"] == "From Node"


def test_the_parts_work_alone(dist: Path) -> None:
    """The tests of `web/uploader/test`, by Node's own runner."""
    files = sorted((dist / "test").glob("*.test.js"))
    command = ["node", "--test", *files]
    ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert ended.returncode == 0, ended.stdout
