"""A stop in the middle of everything: streams end, ffmpeg ends, the job waits for the next."""

import asyncio
from pathlib import Path

import httpx

from tests.support import samples, uploading
from tests.support.processes import Server
from tests.support.waiting import until
from tests.support.watching import READY, play_sets, video_of

WATCH = "subscription ($id: ID!) { playSets(videoId: $id) { resolution progress } }"


async def test_a_stopped_transcode_is_queued_again_and_finished_by_the_next_start(
    server: Server, tmp_path: Path
) -> None:
    data = samples.make(tmp_path / "long.mp4", seconds=20, size="1280x720").read_bytes()
    async with server.api() as api:
        video = await video_of(api, await uploading.send(api, data))
        watching = asyncio.create_task(api.collect(WATCH, id=video))

        async def in_the_middle() -> bool:
            return any(0 < one["progress"] < 1 for one in await play_sets(api, video))

        await until(in_the_middle)
        assert encoders(server) != []
        assert await asyncio.to_thread(server.stop) == 0
        await asyncio.wait([watching])
        assert isinstance(watching.exception(), httpx.RemoteProtocolError)
    assert encoders(server) == []
    assert server.log() == ""
    server.start()
    async with server.api() as api:
        ready = [one async for one in api.watch(READY, id=video)]
        rungs = sorted(one["playSetReady"]["playSet"]["resolution"] for one in ready)
        assert rungs == ["ORIGIN", "P360", "P480", "P720"]


def encoders(server: Server) -> list[str]:
    """The command lines of all processes that read this server's files."""
    found: list[str] = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            line = (process / "cmdline").read_text()
        except OSError:  # it has ended in the meantime
            continue
        if str(server.data_dir) in line and "ffmpeg" in line:
            found.append(line)
    return found
