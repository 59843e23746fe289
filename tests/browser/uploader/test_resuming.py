"""Uploads of a browser that stop, and those that go on from there."""

import os
import shutil
from pathlib import Path
from typing import Any

from playwright.async_api import Browser, BrowserContext

from tests.browser.pages import UploadPage
from tests.browser.uploader import chunks, outcomes
from tests.support.api import Api
from tests.support.work import Work

CANCEL = "mutation ($id: ID!) { cancelUploadSession(id: $id) { __typename } }"


def change(file: Path) -> None:
    """Another byte in the middle of a picture."""
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)


async def test_after_a_refresh_only_what_is_missing_is_sent(
    page: UploadPage, api: Api, wishes: dict[str, Any], verify: Work, video: Path
) -> None:
    gate = await chunks.Gate(page, after=5).close()
    await page.begin(video, **wishes)
    await gate.passed(5)
    await page.reload()
    await gate.open()
    before = {*chunks.numbers(page.stored)}
    page.puts.clear()
    page.asked.clear()
    await page.begin(video, **wishes)
    result = await outcomes.finish(page, verify)
    assert page.asked == [
        "Hello", "UploadSession", "UploadTargets", "CompleteUploadSession", "WatchUploadSession",
    ]  # fmt: skip
    (session,) = await outcomes.sessions(api)
    assert session["id"] == result["sessionId"]
    assert {*chunks.numbers(page.puts)} == {*range(1, chunks.count(video) + 1)} - before
    assert (await page.heard("progress"))[0]["sentBytes"] == len(before) * chunks.SIZE
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
    gate = await chunks.Gate(page, after=5).close()
    await page.begin(video, **wishes)
    await gate.passed(5)
    await page.call("pause")
    async with await browser.new_page() as tab:
        other = await UploadPage(tab, base_url, dist).open()
        await other.begin(video, **wishes)
        result = await outcomes.finish(other, verify)
        assert len(other.puts) == chunks.count(video) - 5
    (session,) = await outcomes.sessions(api)
    assert session["id"] == result["sessionId"]
    await gate.open()


async def test_a_changed_file_of_the_same_name_size_and_date_is_sent_anew(
    page: UploadPage, api: Api, wishes: dict[str, Any], video: Path, tmp_path: Path
) -> None:
    file = Path(shutil.copy2(video, tmp_path))
    gate = await chunks.Gate(page, after=5).close()
    await page.begin(file, **wishes)
    await gate.passed(5)
    await page.reload()
    await gate.open()
    change(file)
    os.utime(file, ns=(video.stat().st_atime_ns, video.stat().st_mtime_ns))
    page.puts.clear()
    await page.begin(file, **wishes)
    await page.reached("verifying")
    assert len(page.puts) == chunks.count(file)
    assert [one["status"] for one in await outcomes.sessions(api)] == ["VERIFYING", "UPLOADING"]


async def test_a_file_that_changes_meanwhile_is_unreadable(
    page: UploadPage, wishes: dict[str, Any], video: Path, tmp_path: Path
) -> None:
    file = Path(shutil.copy2(video, tmp_path))
    gate = await chunks.Gate(page, after=3).close()
    await page.begin(file, **wishes, parallel=1)
    await gate.passed(3)
    change(file)
    await gate.open()
    assert (await page.failed())["code"] == "FILE_UNREADABLE"


async def test_patience_ends_and_a_new_start_goes_on(
    page: UploadPage, api: Api, wishes: dict[str, Any], video: Path
) -> None:
    gate = await chunks.Gate(page, after=5).close()
    await page.begin(video, **wishes, retries=0)
    await gate.passed(5)
    await gate.open(abort=True)
    failure = await page.failed()
    assert failure["code"] == "NETWORK"
    assert (await page.states())[-1] == "failed"
    page.puts.clear()
    await page.again()
    await page.reached("verifying")
    assert len(page.puts) == chunks.count(video) - 5
    assert len(await outcomes.sessions(api)) == 1


async def test_nothing_leaves_while_paused(
    page: UploadPage, wishes: dict[str, Any], video: Path
) -> None:
    gate = await chunks.Gate(page, after=3).close()
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
    assert {*chunks.numbers(page.stored)} == {*range(1, chunks.count(video) + 1)}


async def test_an_upload_waits_until_the_browser_is_online(
    page: UploadPage, context: BrowserContext, wishes: dict[str, Any], video: Path
) -> None:
    gate = await chunks.Gate(page, after=3).close()
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
    gate = await chunks.Gate(page, after=3).close()
    await page.begin(video, **wishes)
    await gate.passed(3)
    await page.call("cancel")
    assert (await page.failed())["code"] == "CANCELLED"
    assert [one["status"] for one in await outcomes.sessions(api)] == ["CANCELLED"]
    assert (await page.states())[-1] == "cancelled"
    assert await page.page.evaluate("localStorage.length") == 0
    await gate.open()


async def test_a_session_closed_elsewhere_ends_the_upload(
    page: UploadPage, api: Api, wishes: dict[str, Any], video: Path
) -> None:
    gate = await chunks.Gate(page, after=3).close()
    await page.begin(video, **wishes)
    await gate.passed(3)
    (session,) = await outcomes.sessions(api)
    await api.run(CANCEL, id=session["id"])
    await gate.open()
    failure = await page.failed()
    assert (failure["code"], failure["status"]) == ("SESSION_CLOSED", 409)
