"""What fails on the way from a browser is tried again, as long as that may help."""

from datetime import UTC, datetime
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Route

from tests.browser.pages import UploadPage
from tests.browser.uploader import chunks, outcomes
from tests.browser.uploader.conftest import OpenPage
from tests.support.api import Api
from tests.support.work import Work


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
        (number,) = chunks.numbers([route.request.url])
        if answer := answers.pop(number, None):
            await route.fulfill(**answer)
        else:
            await route.fallback()

    await page.page.route(chunks.PUTS, fail_once)
    await page.begin(video, **wishes)
    await page.reached("verifying")
    retries = {event["error"]["chunk"]: event for event in await page.heard("retry")}
    assert {chunk: event["error"]["status"] for chunk, event in retries.items()} == {
        1: 503, 2: 507, 3: 429, 4: 409, 5: 400, 6: 408,
    }  # fmt: skip
    assert retries[1]["delayMs"] == 1_000
    assert all(250 <= retries[chunk]["delayMs"] <= 500 for chunk in (2, 3, 4, 5, 6))
    assert len(page.puts) == chunks.count(video) + 6


async def expire(route: Route) -> None:
    await route.fulfill(status=403, json={"code": "LINK_EXPIRED", "message": "Too late."})


async def test_a_link_that_has_expired_is_replaced(
    page: UploadPage, wishes: dict[str, Any], video: Path
) -> None:
    await page.page.route(chunks.PUTS, expire, times=1)
    await page.begin(video, **wishes, parallel=1)
    await page.reached("verifying")
    assert page.asked.count("UploadTargets") == 2
    assert [event["error"]["code"] for event in await page.heard("retry")] == ["LINK_EXPIRED"]


async def test_a_chunk_damaged_on_its_way_is_sent_again(
    page: UploadPage, wishes: dict[str, Any], verify: Work, video: Path
) -> None:
    async def damage(route: Route) -> None:
        await route.continue_(post_data=bytes(len(route.request.post_data_buffer or b"")))

    await page.page.route(chunks.PUTS, damage, times=1)
    await page.begin(video, **wishes)
    assert "videoId" in await outcomes.finish(page, verify)
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
        await page.page.route(chunks.PUTS, expire)
    gate = await chunks.Gate(page, after=0).close()
    await page.begin(video, **wishes)
    await page.until("upload.state === 'uploading'")
    other = await open_page()
    await other.begin(video, **wishes)
    await other.reached("verifying")
    await gate.open()
    await page.reached("verifying")
    await verify()
    (session,) = await outcomes.sessions(api)
    (made,) = await outcomes.videos(api)
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
    assert chunks.numbers(page.puts[chunks.count(video) :]) == [2, 2, 2]
