"""`reelgraph worker`: the API and the work apart, as larger installations have them."""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

import httpx
import pytest

from db.embedded import EmbeddedPostgres
from jobs.queue import QUEUES
from media import sandbox
from tests.support import postgres, processes, samples, uploading
from tests.support.api import Api
from tests.support.processes import Server
from tests.support.waiting import until
from tests.support.watching import READY, video_of
from tests.support.workers import WorkerProcess


@pytest.fixture
def worker(server: Server) -> Iterator[WorkerProcess]:
    """A worker to be started beside a server that does no work itself."""
    server.stop()
    server.start("--no-worker")
    one = WorkerProcess(server.environment, server.data_dir / "worker.log")
    yield one
    one.close()


async def test_a_worker_of_its_own_does_the_work_and_ends_cleanly(
    server: Server, worker: WorkerProcess, tmp_path: Path
) -> None:
    worker.start()
    data = samples.make(tmp_path / "short.mp4", seconds=2).read_bytes()
    async with server.api() as api:
        video = await video_of(api, await uploading.send(api, data))
        ready = [one["playSetReady"]["playSet"] async for one in api.watch(READY, id=video)]
    assert sorted(one["resolution"] for one in ready) == ["ORIGIN", "P360"]
    found = await worker.metrics()
    assert found['reelgraph_jobs_total{kind="verify",outcome="succeeded"}'] == 1
    assert found['reelgraph_jobs_total{kind="transcode",outcome="succeeded"}'] == 2
    assert found['reelgraph_job_seconds_count{kind="transcode"}'] == 2
    assert found['reelgraph_running_jobs{kind="transcode"}'] == 0
    assert found['reelgraph_transcode_speed_ratio_count{transcode_pass="first_play"}'] == 1
    assert worker.stop() == 0
    isolation, ready_line = worker.log().splitlines()
    missing = " ".join(sandbox.abilities().missing())
    assert isolation == (
        f"WARNING {missing}  [server.wiring]"
        if missing
        else "INFO    programs that read uploads see no other file and no network"
        "  [server.commands.worker]"
    )
    assert ready_line.startswith("INFO    worker ")
    assert ready_line.endswith(" is ready  [server.commands.worker]")


async def test_a_worker_takes_only_from_the_queues_it_was_given(
    server: Server, worker: WorkerProcess
) -> None:
    worker.start("--queues", "transcode,export", "--concurrency", "transcode=2")
    await until(worker.is_well)
    async with server.api() as api:
        session = await uploading.send(api, b"to be checked by another worker")

        async def is_queued() -> bool:
            return (await worker.metrics())['reelgraph_queued_jobs{queue="intake"}'] == 1

        await until(is_queued)
        found = await worker.metrics()
        assert found["reelgraph_database_up"] == 1
        assert found['reelgraph_oldest_queued_job_seconds{queue="intake"}'] > 0
        assert found['reelgraph_queued_jobs{queue="transcode"}'] == 0
        assert (await uploading.session(api, session))["status"] == "VERIFYING"
    assert worker.stop() == 0


WRONG: dict[tuple[str, ...], str] = {
    ("--queues", "transcoder"): (
        f'There is no queue "transcoder" here. The queues are: {", ".join(QUEUES)}.'
    ),
    ("--queues", "clip", "--concurrency", "fetch=2"): (
        'There is no queue "fetch" here. The queues are: clip, rescue.'
    ),
    ("--concurrency", "none"): '"none" is no number of jobs from 1 to 100.',
    ("--health", "9100"): '"9100" is no host:port, such as 127.0.0.1:9100',
}


@pytest.mark.parametrize("arguments", WRONG, ids=" ".join)
def test_wrong_arguments_are_named_and_nothing_is_started(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    ended = processes.run("worker", *arguments, REELGRAPH_DATA_DIR=str(tmp_path))
    assert (ended.returncode, ended.stderr) == (2, f"reelgraph worker: {WRONG[arguments]}\n")
    assert list(tmp_path.iterdir()) == []


def test_wrong_queues_of_the_worker_inside_a_server_are_named(tmp_path: Path) -> None:
    values = {"REELGRAPH_DATA_DIR": str(tmp_path), "REELGRAPH_WORKER_QUEUES": "clips"}
    ended = processes.run("serve", **values)
    both = "REELGRAPH_WORKER_QUEUES and REELGRAPH_WORKER_CONCURRENCY do not fit"
    there_are = f'There is no queue "clips" here. The queues are: {", ".join(QUEUES)}.'
    assert (ended.returncode, ended.stderr) == (1, f"reelgraph: {both}: {there_are}\n")
    assert list(tmp_path.iterdir()) == []


async def test_a_server_tells_its_metrics_only_at_the_address_for_them() -> None:
    address = f"127.0.0.1:{processes.free_port()}"
    with processes.server(REELGRAPH_METRICS_ADDRESS=address) as server:
        server.start()
        async with server.api() as api:
            assert (await api.http.get("/metrics")).status_code == 404
            await api.run("{ viewer { id } }")
            await api.http.get("/no/such/page")
        async with httpx.AsyncClient(base_url=f"http://{address}", trust_env=False) as client:
            lines = (await client.get("/metrics")).text.splitlines()
            assert (await client.get("/healthz")).json() == {"status": "ok"}
            assert (await client.get("/graphql")).status_code == 404
        assert 'reelgraph_requests_total{route="graphql",status="200"} 1.0' in lines
        assert 'reelgraph_requests_total{route="other",status="404"} 2.0' in lines
        assert 'reelgraph_request_seconds_count{route="graphql"} 1.0' in lines
        assert 'reelgraph_queued_jobs{queue="transcode"} 0.0' in lines
        assert server.stop() == 0


@pytest.fixture
def database() -> Iterator[EmbeddedPostgres]:
    with postgres.running() as server:
        yield server


async def test_a_worker_outlives_an_outage_of_the_database(
    database: EmbeddedPostgres, tmp_path: Path
) -> None:
    server = Server(tmp_path, DATABASE_URL=postgres.create_database(database, "outage"))
    worker = WorkerProcess(server.environment, tmp_path / "worker.log")
    server.start("--no-worker")
    worker.start()
    try:
        await until(worker.is_well)
        process = worker.process.pid
        database.stop()
        await until(partial(has_said, worker, "the database does not hear this worker"))

        async def is_ill() -> bool:
            return (await worker.health())[0] == 503

        await until(is_ill)
        found = await worker.metrics()
        assert found["reelgraph_database_up"] == 0
        assert 'reelgraph_queued_jobs{queue="intake"}' not in found
        database.start()
        await until(partial(has_said, worker, "the database hears this worker again"))
        await until(worker.is_well, timeout_s=60)
        async with server.api() as api:
            await check_that_a_file_is_taken(api)
        assert worker.process.pid == process
        assert worker.log().count("the database does not hear this worker") == 1
        assert worker.stop() == 0
        assert server.stop() == 0
    finally:
        worker.close()
        server.close()


async def has_said(worker: WorkerProcess, words: str) -> bool:
    return words in worker.log()


async def check_that_a_file_is_taken(api: Api) -> None:
    data = b"a file that is only kept"
    begun = await uploading.begin(api, data, purpose="OBJECT")
    assert (await uploading.put(api, begun["id"], 1, data)).status_code == 200
    payload = await uploading.complete(api, begun["id"], uploading.sha256(data))
    assert payload["userErrors"] == []

    async def is_complete() -> bool:
        return (await uploading.session(api, begun["id"]))["status"] == "COMPLETED"

    await until(is_complete)
