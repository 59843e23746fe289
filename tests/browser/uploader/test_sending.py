"""@reelgraph/uploader sends a file from a real browser to the real server."""

import hashlib
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Route

from tests.browser import pages
from tests.browser.pages import UploadPage
from tests.browser.uploader import chunks, outcomes
from tests.support.api import Api
from tests.support.work import Work


async def test_a_film_becomes_a_video_that_plays(
    page: UploadPage, api: Api, wishes: dict[str, Any], work: Work, video: Path
) -> None:
    await page.begin(video, apiKey=wishes["apiKey"], description="Of the sea")
    result = await outcomes.finish(page, work)
    (session,) = await outcomes.sessions(api)
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
    found = await outcomes.video(api, result["videoId"])
    assert {one["status"] for one in found["playSets"]} == {"READY"}
    assert await page.heard("video") == [result]
    assert await page.states() == [
        "checking", "hashing", "checking", "uploading", "verifying", "completed",
    ]  # fmt: skip


async def test_chunks_sent_in_parallel_are_the_file(
    page: UploadPage, api: Api, wishes: dict[str, Any], verify: Work, video: Path
) -> None:
    await page.begin(video, **wishes, parallel=6, title="In parts")
    result = await outcomes.finish(page, verify)
    found = await outcomes.video(api, result["videoId"])
    assert found["sha256"] == hashlib.sha256(video.read_bytes()).hexdigest()
    assert found["title"] == "In parts"
    assert sorted(chunks.numbers(page.puts)) == list(range(1, chunks.count(video) + 1))


async def test_progress_only_goes_up_and_ends_at_the_size(
    page: UploadPage, wishes: dict[str, Any], video: Path
) -> None:
    size = video.stat().st_size
    breaks = iter([True, False] * 100)

    async def break_every_other(route: Route) -> None:
        await (route.abort() if next(breaks) else route.continue_())

    await page.page.route(chunks.PUTS, break_every_other, times=8)
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


@pytest.mark.parametrize("reply", [pages.lose_answer, pages.lose_request])
async def test_a_session_is_opened_once(
    page: UploadPage, api: Api, wishes: dict[str, Any], video: Path, reply: pages.Reply
) -> None:
    await page.answer("CreateUploadSession", reply)
    await page.begin(video, **wishes)
    await page.reached("verifying")
    assert len(await outcomes.sessions(api)) == 1
    assert len(page.puts) == chunks.count(video)


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
    assert (await outcomes.finish(page, verify))["error"]["code"] == "MEDIA_REFUSED"
