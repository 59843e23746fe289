"""What comes of an upload, for the page that sends it and for the account."""

from typing import Any

from tests.browser.pages import UploadPage
from tests.support.api import Api
from tests.support.work import Work

SESSIONS = """
{ uploadSessions { nodes { id status title description deviceType totalChunks } } }
"""
VIDEOS = "{ videos { nodes { id } } }"
VIDEO = "query ($id: ID!) { video(by: {id: $id}) { id title sha256 playSets { status } } }"


async def finish(page: UploadPage, verify: Work) -> dict[str, Any]:
    """Wait until all is sent, and for the video; returns what `start()` resolves with."""
    await page.reached("verifying")
    await verify()
    return await page.ended()


async def sessions(api: Api) -> list[dict[str, Any]]:
    return (await api.run(SESSIONS))["uploadSessions"]["nodes"]


async def videos(api: Api) -> list[str]:
    """Their ids."""
    return [one["id"] for one in (await api.run(VIDEOS))["videos"]["nodes"]]


async def video(api: Api, id: str) -> Any:
    """None for a video that the account cannot see."""
    return (await api.run(VIDEO, id=id))["video"]
