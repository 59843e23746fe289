"""`kill -9` at the worst moments: everything acknowledged is still there afterwards."""

from pathlib import Path
from typing import Any

from tests.support import samples, uploading
from tests.support.processes import Server
from tests.support.waiting import until
from tests.support.watching import READY, play_sets, video_of

CHUNK = 65_536


async def test_an_upload_goes_on_from_the_acknowledged_chunks(
    server: Server, tmp_path: Path
) -> None:
    data = samples.make(tmp_path / "short.mp4").read_bytes()
    async with server.api() as api:
        begun = await uploading.begin(api, data, chunkSize=CHUNK)
        for index in (1, 3):
            chunk = data[(index - 1) * CHUNK : index * CHUNK]
            assert (await uploading.put(api, begun["id"], index, chunk)).status_code == 200
    server.kill()
    server.start()
    async with server.api() as api:
        missing = (await uploading.session(api, begun["id"]))["missingChunks"]
        assert missing == [i for i in range(1, begun["totalChunks"] + 1) if i not in (1, 3)]
        for index in missing:
            chunk = data[(index - 1) * CHUNK : index * CHUNK]
            assert (await uploading.put(api, begun["id"], index, chunk)).status_code == 200
        payload = await uploading.complete(api, begun["id"], uploading.sha256(data))
        assert payload["userErrors"] == []
        await video_of(api, begun["id"])


async def test_a_transcode_is_taken_up_again_and_each_play_set_is_ready_once(
    server: Server, tmp_path: Path
) -> None:
    data = samples.make(tmp_path / "long.mp4", seconds=20, size="1280x720").read_bytes()
    async with server.api() as api:
        video = await video_of(api, await uploading.send(api, data))

        async def in_the_middle() -> bool:
            return any(0 < one["progress"] < 1 for one in await play_sets(api, video))

        await until(in_the_middle)
    server.kill()
    server.start()
    async with server.api() as api:
        ready = [one async for one in api.watch(READY, id=video)]
        rungs = sorted(one["playSetReady"]["playSet"]["resolution"] for one in ready)
        assert rungs == ["ORIGIN", "P360", "P480", "P720"]
        found = await play_sets(api, video)
        assert {one["status"] for one in found} == {"READY"}
        assert max(one["task"]["attempt"] for one in found) == 2
    assert no_leftovers(server.data_dir, found)


def no_leftovers(data_dir: Path, found: list[dict[str, Any]]) -> bool:
    """Only what is published is stored: nothing of the run that was killed."""
    stored = sorted(path.name for path in data_dir.glob("storage/objects/videos/*/*/*/*.mp4"))
    tracks = ["360P.mp4", "480P.mp4", "720P.mp4", "Origin.mp4", "audio.mp4", "origin-audio.mp4"]
    return stored == tracks and len(found) == 4
