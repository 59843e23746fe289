"""Bytes that the server has already are not sent by a browser."""

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Route

from tests.browser import pages
from tests.browser.pages import UploadPage
from tests.browser.uploader import outcomes
from tests.support.api import Api
from tests.support.work import Work


async def test_bytes_that_the_account_has_are_not_sent_again(
    page: UploadPage, wishes: dict[str, Any], verify: Work, video: Path
) -> None:
    await page.begin(video, **wishes)
    first = await outcomes.finish(page, verify)
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
    await outcomes.finish(page, verify)
    page.puts.clear()
    await page.begin(video, **{**wishes, "apiKey": stranger.api_key}, title="Mine now")
    result = await page.ended()
    assert result == {"sessionId": None, "videoId": result["videoId"], "instant": True}
    assert page.puts == []
    assert (await outcomes.video(stranger, result["videoId"]))["title"] == "Mine now"
    assert await outcomes.video(api, result["videoId"]) is None


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
    await outcomes.finish(page, verify)
    page.puts.clear()
    await page.answer("ProveUploadPossession", reply)
    await page.begin(video, **{**wishes, "apiKey": stranger.api_key})
    await page.reached("completed")
    result = await page.ended()
    assert [result["videoId"]] == await outcomes.videos(stranger)
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
    await outcomes.finish(page, verify)
    await page.answer("ProveUploadPossession", cancel_meanwhile)
    await page.begin(video, **{**wishes, "apiKey": stranger.api_key})
    assert await page.ended() == {
        "sessionId": None,
        "videoId": (await outcomes.videos(stranger))[0],
        "instant": True,
    }
    assert await page.page.evaluate("cancelled") == "SESSION_CLOSED"
    assert (await page.states())[-1] == "completed"
