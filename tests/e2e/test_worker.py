"""`reelgraph worker`: the API and the work apart, as larger installations have them."""

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support import processes, samples, uploading
from tests.support.processes import Server
from tests.support.watching import READY, video_of


@pytest.fixture
def worker(server: Server) -> Iterator["subprocess.Popen[bytes]"]:
    """A worker beside a server that does no work itself."""
    server.stop()
    server.start("--no-worker")
    with (server.data_dir / "worker.log").open("w") as log:
        working = subprocess.Popen(processes.command("worker"), env=server.environment, stderr=log)
        yield working
        working.kill()
        working.wait()


async def test_a_worker_of_its_own_does_the_work_and_ends_cleanly(
    server: Server, worker: "subprocess.Popen[bytes]", tmp_path: Path
) -> None:
    data = samples.make(tmp_path / "short.mp4", seconds=2).read_bytes()
    async with server.api() as api:
        video = await video_of(api, await uploading.send(api, data))
        ready = [one["playSetReady"]["playSet"] async for one in api.watch(READY, id=video)]
    assert sorted(one["resolution"] for one in ready) == ["ORIGIN", "P360"]
    worker.send_signal(signal.SIGTERM)
    assert worker.wait(timeout=30) == 0
    (line,) = (server.data_dir / "worker.log").read_text().splitlines()
    assert line.startswith("INFO    worker ")
    assert line.endswith(" is ready  [server.commands.worker]")
