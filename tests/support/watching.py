"""What becomes of an upload, as its owner sees it."""

from typing import Any

from tests.support import uploading
from tests.support.api import Api
from tests.support.waiting import until

PLAY_SETS = """
query ($id: ID!) {
  video(by: {id: $id}) {
    playSets { resolution status progress task { attempt status } }
    playback { hlsUrl }
  }
}
"""
READY = "subscription ($id: ID!) { playSetReady(videoId: $id) { playSet { resolution } } }"


async def play_sets(api: Api, video: str) -> list[dict[str, Any]]:
    return (await api.run(PLAY_SETS, id=video))["video"]["playSets"]


async def video_of(api: Api, session: str) -> str:
    """The id of the video, once the upload was checked and has become one."""

    async def find() -> dict[str, Any] | None:
        found = await uploading.session(api, session)
        return found["video"] if found["status"] == "COMPLETED" else None

    found = await until(find)
    assert found is not None
    return found["id"]
