"""`reelgraph serve`: its first start, its end, and what keeps it from starting."""

import os
import signal
import socket
import stat
from pathlib import Path

import pytest

from tests.support import processes
from tests.support.processes import Server


def test_the_first_start_makes_an_owner_and_says_how_to_go_on(server: Server) -> None:
    key = server.data_dir / "api-key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert server.banner == [
        f"Reelgraph is ready at {server.url}",
        f"  Explore the API   {server.url}/graphql",
        f"  Your API key      {key}",
        f"  Upload a video    REELGRAPH_URL={server.url} reelgraph upload FILE --watch",
        f"  Stop              Ctrl-C; everything is kept in {server.data_dir}",
    ]


async def test_a_second_start_finds_everything_again(server: Server) -> None:
    key = (server.data_dir / "api-key").read_text()
    async with server.api() as api:
        before = await api.run("{ viewer { id } }")
    assert server.stop() == 0
    server.start()
    assert (server.data_dir / "api-key").read_text() == key
    async with server.api() as api:
        assert await api.run("{ viewer { id } }") == before


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_stop_signal_ends_the_server_and_its_database(
    server: Server, number: signal.Signals
) -> None:
    assert server.stop(number) == 0
    assert not (server.data_dir / "postgres/data/postmaster.pid").exists()
    assert server.log() == ""


def test_a_port_in_use_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        port = str(other.getsockname()[1])
        ended = processes.run("serve", REELGRAPH_DATA_DIR=str(tmp_path), REELGRAPH_PORT=port)
    assert ended.returncode == 1
    assert ended.stderr == (
        f"reelgraph: Cannot listen on 127.0.0.1 port {port} (Address already in use)."
        " Choose another with REELGRAPH_PORT or REELGRAPH_HOST.\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_data_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.touch()
    ended = processes.run("serve", REELGRAPH_DATA_DIR=str(blocked / "data"), REELGRAPH_PORT="0")
    assert ended.returncode == 1
    assert ended.stderr == (
        f"reelgraph: {blocked}/data cannot be written (Not a directory)."
        " Check REELGRAPH_DATA_DIR.\n"
    )


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_data_folder_of_somebody_else_is_named() -> None:
    ended = processes.run("serve", REELGRAPH_DATA_DIR="/usr/reelgraph", REELGRAPH_PORT="0")
    assert ended.returncode == 1
    assert "/usr/reelgraph cannot be written (Permission denied)" in ended.stderr


def test_a_database_that_is_not_there_is_named(tmp_path: Path) -> None:
    url = f"postgresql://nobody@127.0.0.1:{processes.free_port()}/none"
    ended = processes.run(
        "serve", REELGRAPH_DATA_DIR=str(tmp_path), REELGRAPH_PORT="0", DATABASE_URL=url
    )
    assert ended.returncode == 1
    assert ended.stderr.startswith("reelgraph: The database is not reachable (connection failed")
    assert ended.stderr.endswith("Check DATABASE_URL.\n")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("REELGRAPH_PORT", "many"),
        ("DATABASE_URL", "mysql://x/y"),
        ("REELGRAPH_STORAGE_URL", "ftp://bucket"),
        ("REELGRAPH_FFMPEG", "/no/such/ffmpeg"),
    ],
)
def test_a_setting_that_cannot_be_used_is_named(name: str, value: str) -> None:
    with processes.server() as one:
        ended = processes.run("serve", **{**one.environment, name: value})
    assert ended.returncode == 1
    assert ended.stderr.startswith(f"reelgraph: {name}")
