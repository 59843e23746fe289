"""Videos whose files are on their way, as their owner sees them."""

from typing import Any

from tests.support import uploading
from tests.support.api import Api

VIDEO = """
query ($id: ID!) {
  video(by: {id: $id}) {
    id vid status statusReason title description fileSize createdAt uploadedAt sha256 durationMs
    playSets { status } playback { hlsUrl } category { id }
  }
}
"""
OF_SESSION = "query ($id: ID!) { uploadSession(id: $id) { status createdAt video { id status } } }"
WATCH = "subscription ($id: ID!) { video(id: $id) { status } }"
CANCEL = """
mutation ($id: ID!) {
  cancelUploadSession(id: $id) { uploadSession { status video { id } } userErrors { code } }
}
"""
CHUNK = 65_536


async def begin(api: Api, data: bytes, **input: Any) -> tuple[str, str]:
    """Open a session; its id, and that of its video."""
    id = (await uploading.begin(api, data, chunkSize=CHUNK, **input))["id"]
    return id, (await of_session(api, id))["video"]["id"]


async def of_session(api: Api, id: str) -> dict[str, Any]:
    return (await api.run(OF_SESSION, id=id))["uploadSession"]


async def states(api: Api, id: str) -> tuple[str, str | None]:
    """Of a session and of its video; None for none."""
    found = await of_session(api, id)
    return found["status"], found["video"] and found["video"]["status"]


async def video(api: Api, id: str) -> dict[str, Any]:
    return (await api.run(VIDEO, id=id))["video"]


async def put(api: Api, id: str, data: bytes, *numbers: int) -> None:
    for number in numbers:
        chunk = data[(number - 1) * CHUNK : number * CHUNK]
        assert (await uploading.put(api, id, number, chunk)).status_code == 200


async def cancel(api: Api, id: str) -> dict[str, Any]:
    payload = (await api.run(CANCEL, id=id))["cancelUploadSession"]
    assert payload["userErrors"] == []
    return payload["uploadSession"]


async def count(api: Api) -> int:
    return (await api.run("{ videos { totalCount } }"))["videos"]["totalCount"]
