"""`kill -9` of a worker in mid-download: another one goes on, and there is one video."""

import asyncio
import os
import subprocess
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.support import fetching, processes, samples, uploading
from tests.support.processes import Server
from tests.support.site import Page, Site
from tests.support.waiting import until

PADDING = 24 << 20
"""Bytes after the film, so that some are safe when the worker dies."""


@contextmanager
def working(server: Server) -> Generator["subprocess.Popen[bytes]"]:
    with (server.data_dir / "worker.log").open("ab") as log:
        worker = subprocess.Popen(processes.command("worker"), env=server.environment, stderr=log)
    try:
        yield worker
    finally:
        worker.kill()
        worker.wait()


@pytest.fixture
def film(tmp_path: Path) -> bytes:
    short = samples.make(tmp_path / "short.mp4", seconds=1).read_bytes()
    return short + PADDING.to_bytes(4) + b"free" + os.urandom(PADDING - 8)


async def test_another_worker_goes_on_from_the_safe_bytes(site: Site, film: bytes) -> None:
    page = Page(film, gate=asyncio.Event())
    url = site.add("/film.mp4?signature=SECRET", page)
    settings = {"REELGRAPH_FETCH_PORTS": str(site.port), "REELGRAPH_FETCH_NETWORKS": "127.0.0.1"}
    with processes.server(**settings) as server:
        server.start("--no-worker")
        async with server.api() as api:
            id = await fetching.begin(api, url)

            async def has_half() -> bool:
                return (await fetching.rows(api, id))[0]["bytesFetched"] == len(film) // 2

            async def is_over() -> bool:
                return (await fetching.state(api, id))["finishedAt"] is not None

            with working(server) as first:
                await until(has_half)
                first.kill()
            page.gate = None
            with working(server):
                await until(is_over, timeout_s=60)
            (row,) = await fetching.rows(api, id)
            found = await api.run("{ videos { totalCount } uploadSessions { totalCount } }")
        logs = server.log() + (server.data_dir / "worker.log").read_text()
    assert (row["status"], row["video"]["sha256"]) == ("SUCCEEDED", uploading.sha256(film))
    assert (row["error"], row["bytesFetched"]) == (None, len(film))
    assert found == {"videos": {"totalCount": 1}, "uploadSessions": {"totalCount": 1}}
    begun, went_on = site.ranges("/film.mp4")
    safe = int((went_on or "").removeprefix("bytes=").rstrip("-"))
    assert (begun, 8 << 20 <= safe <= len(film) // 2) == (None, True)
    assert "SECRET" not in logs
