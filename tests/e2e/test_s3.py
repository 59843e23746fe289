"""The product on an S3 server: chunks go there, and players fetch from there."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support import arriving, processes, s3, samples, uploading
from tests.support.api import Api
from tests.support.processes import Server
from tests.support.s3 import BUCKET, S3Server
from tests.support.waiting import until

PART = 5 << 20

REFRESH = """
mutation ($id: ID!) {
  refreshUploadSession(id: $id) {
    uploadSession { completedChunks receivedBytes missingChunks status }
    userErrors { code }
  }
}
"""
WATCH = """
subscription ($id: ID!) { uploadSession(id: $id) { status completedChunks } }
"""
PLAYED = """
query ($id: ID!) {
  node(id: $id) { ... on Video { status playback { hlsUrl coverUrl } } }
}
"""


@pytest.fixture(scope="module")
def bucket(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with s3.rclone(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture(scope="module")
def server(bucket: S3Server) -> Iterator[Server]:
    with processes.server(**s3.settings(bucket)) as one:
        one.start()
        yield one


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> bytes:
    """A real video in three parts: what follows its end is of no interest to players."""
    path = samples.make(tmp_path_factory.mktemp("video") / "video.mp4", seconds=3)
    free = os.urandom(2 * PART + 1_000)
    return path.read_bytes() + (len(free) + 8).to_bytes(4) + b"free" + free


def chunk(data: bytes, index: int) -> bytes:
    return data[(index - 1) * PART : index * PART]


async def put(http: httpx.AsyncClient, target: dict[str, Any], data: bytes) -> httpx.Response:
    headers = {one["name"]: one["value"] for one in target["headers"]}
    return await http.request(target["method"], target["url"], content=data, headers=headers)


async def targets(api: Api, id: str, *indexes: int) -> list[dict[str, Any]]:
    found = await api.run(uploading.TARGETS, id=id, indexes=list(indexes))
    return found["uploadSession"]["targets"]


async def test_bytes_go_straight_to_the_bucket_and_come_from_there(
    server: Server, bucket: S3Server, video: bytes
) -> None:
    async with server.api() as api, httpx.AsyncClient(trust_env=False) as http:
        begun = await uploading.begin(api, video, chunkSize=PART)
        assert await arriving.states(api, begun["id"]) == ("WAITING", "INITIAL")
        places = await targets(api, begun["id"], 1, 2, 3)
        for place in places:
            assert place["url"].startswith(f"{bucket.endpoint}/{BUCKET}/")
        assert (await put(http, places[2], chunk(video, 3))).status_code == 200
        assert (await put(http, places[0], chunk(video, 1))).status_code == 200

        counted = (await api.run(REFRESH, id=begun["id"]))["refreshUploadSession"]
        assert counted == {
            "uploadSession": {
                "completedChunks": 2,
                "receivedBytes": len(video) - PART,
                "missingChunks": [2],
                "status": "UPLOADING",
            },
            "userErrors": [],
        }
        assert await arriving.states(api, begun["id"]) == ("UPLOADING", "UPLOADING")
        early = await uploading.complete(api, begun["id"], uploading.sha256(video))
        assert early["userErrors"][0]["missingChunks"] == [2]

        assert (await put(http, places[1], chunk(video, 2))).status_code == 200
        done = await uploading.complete(api, begun["id"], uploading.sha256(video))
        assert done["userErrors"] == []
        video_id = (await uploading.session(api, begun["id"]))["video"]["id"]
        await plays(api, http, bucket, video_id)


async def plays(api: Api, http: httpx.AsyncClient, bucket: S3Server, id: str) -> None:
    async def covered() -> dict[str, Any] | None:
        found = (await api.run(PLAYED, id=id))["node"]["playback"]
        return found if found and found["coverUrl"] else None

    playback = await until(covered, timeout_s=60) or {}
    master = (await http.get(playback["hlsUrl"])).text
    place = playback["hlsUrl"].rpartition("/")[0]
    uris = [line for line in master.splitlines() if line and not line.startswith("#")]
    playlist = await http.get(f"{place}/{uris[0]}")
    assert playlist.status_code == 200
    assert playlist.headers["content-type"] == "application/vnd.apple.mpegurl"
    media = f"{place}/{uris[0].rpartition('/')[0]}/{uris[0].rpartition('/')[2][:-5]}.mp4"
    redirect = await http.get(media)
    assert redirect.status_code == 307
    assert redirect.headers["location"].startswith(bucket.endpoint)
    fetched = await http.get(redirect.headers["location"], headers={"range": "bytes=4-7"})
    assert fetched.content[:4] == b"ftyp"
    assert (await http.get(playback["coverUrl"], follow_redirects=True)).status_code == 200


async def test_a_link_to_the_bucket_that_was_altered_is_refused(server: Server) -> None:
    async with server.api() as api, httpx.AsyncClient(trust_env=False) as http:
        begun = await uploading.begin(api, os.urandom(PART + 1), chunkSize=PART)
        first, second = await targets(api, begun["id"], 1, 2)
        url = first["url"].replace("partNumber=1", "partNumber=2")
        assert (await put(http, {**second, "url": url}, b"1")).status_code == 403


async def test_who_watches_sees_what_arrives_at_the_bucket(server: Server) -> None:
    data = os.urandom(PART + 10)
    async with server.api() as api, httpx.AsyncClient(trust_env=False) as http:
        begun = await uploading.begin(api, data, chunkSize=PART, purpose="OBJECT")
        seen: list[int] = []
        async for message in api.watch(WATCH, id=begun["id"]):
            state = message["uploadSession"]
            seen.append(state["completedChunks"])
            if state["status"] in ("WAITING", "UPLOADING"):
                index = state["completedChunks"] + 1
                if index <= 2:
                    (place,) = await targets(api, begun["id"], index)
                    await put(http, place, chunk(data, index))
                else:
                    await uploading.complete(api, begun["id"], uploading.sha256(data))
        assert seen[:3] == [0, 1, 2]


async def test_wrong_bytes_in_the_bucket_fail_the_upload_and_leave_nothing(
    server: Server,
) -> None:
    data = os.urandom(PART + 10)
    async with server.api() as api, httpx.AsyncClient(trust_env=False) as http:
        begun = await uploading.begin(api, data, chunkSize=PART)
        for place in await targets(api, begun["id"], 1, 2):
            length = len(chunk(data, place["chunkIndex"]))
            await put(http, place, bytes(length))
        await uploading.complete(api, begun["id"], uploading.sha256(data))

        async def failed() -> dict[str, Any] | None:
            found = await uploading.session(api, begun["id"])
            return found if found["status"] == "FAILED" else None

        found = await until(failed) or {}
        assert found["error"]["code"] == "CHECKSUM_MISMATCH"
        assert found["video"]["status"] == "UPLOAD_FAILED"
    checked = await asyncio.to_thread(command, server, "fsck", "--read")
    assert uploading.sha256(data) not in checked.stdout


def command(server: Server, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return processes.run(*arguments, **server.environment)


async def test_the_command_line_sends_straight_to_the_bucket(
    server: Server, video: bytes, tmp_path: Path
) -> None:
    path = tmp_path / "film.mp4"
    path.write_bytes(video[:-1])  # another file than the one above
    arguments = ("upload", str(path), "--chunk-size", str(PART))
    sent = await asyncio.to_thread(command, server, *arguments)
    assert sent.returncode == 0, sent.stderr
    assert "Play   http" in sent.stdout


def test_a_bucket_that_cannot_be_used_is_said_at_the_start(bucket: S3Server) -> None:
    wrong = s3.settings(bucket, REELGRAPH_S3_SECRET_KEY="wrong")  # noqa: S106
    with processes.server(**wrong) as one:
        refused = processes.run("serve", **one.environment)
    assert refused.returncode == 1
    assert refused.stderr.startswith("reelgraph: The bucket reelgraph cannot be used")
    assert "wrong" not in refused.stderr
