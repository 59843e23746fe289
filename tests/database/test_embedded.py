"""The embedded PostgreSQL, with real servers and real processes that are really killed."""

import fcntl
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from pathlib import Path
from subprocess import PIPE

import psycopg
import pytest
from psycopg.conninfo import conninfo_to_dict

from db.embedded import EmbeddedPostgres, EmbeddedPostgresError
from tests.support import postgres

ROOT = Path(__file__).parents[2]
# Another process that uses the server until its standard input ends.
USER = """
import sys
from pathlib import Path
from db.embedded import EmbeddedPostgres

server = EmbeddedPostgres(Path(sys.argv[1]), private=sys.argv[2] == "private")
server.start()
print("started", flush=True)
sys.stdin.read()
print(server.stop())
"""


@pytest.fixture
def new_home() -> Generator[Path]:
    """A home where no server has been yet."""
    with postgres.folder() as folder:
        yield folder / "server"
        stop_what_runs(folder / "server")


@pytest.fixture(scope="module")
def used_home() -> Generator[Path]:
    with postgres.folder() as folder:
        yield folder / "server"


@pytest.fixture
def home(used_home: Path) -> Generator[Path]:
    """A home that tests share, as initdb takes longer than they do; its log is this test's."""
    yield used_home
    stop_what_runs(used_home)
    (used_home / "postgres.log").unlink()


def stop_what_runs(home: Path) -> None:
    if (home / "data" / "postmaster.pid").exists():
        last = EmbeddedPostgres(home)
        last.start()
        assert last.stop(), "a user of the server was left"


@contextmanager
def user(home: Path, *, private: bool = False) -> Generator["subprocess.Popen[str]"]:
    """Start another process that uses the server; killed at the end if it still runs."""
    command = [sys.executable, "-c", USER, str(home), "private" if private else "shared"]
    with subprocess.Popen(command, cwd=ROOT, stdin=PIPE, stdout=PIPE, text=True) as process:
        try:
            yield process
        finally:
            process.kill()


def wait_for_start(process: "subprocess.Popen[str]") -> None:
    assert process.stdout is not None
    assert process.stdout.readline() == "started\n"


def answers(server: EmbeddedPostgres) -> bool:
    try:
        with psycopg.connect(server.url("postgres")) as connection:
            return connection.execute("select 1").fetchone() == (1,)
    except psycopg.OperationalError:
        return False


def until(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not condition():
        assert time.monotonic() < deadline, "waited for 10 s"
        time.sleep(0.005)


def boots(home: Path) -> int:
    return (home / "postgres.log").read_text().count("starting PostgreSQL")


def kill(server: EmbeddedPostgres, home: Path) -> None:
    os.kill(int((home / "data" / "postmaster.pid").read_text().split()[0]), signal.SIGKILL)
    until(lambda: not answers(server))


def test_a_first_start_makes_a_server_whose_databases_work(new_home: Path) -> None:
    server = EmbeddedPostgres(new_home, private=True)
    server.start()
    server.ensure_database()
    server.ensure_database()
    with psycopg.connect(server.url()) as connection:
        row = connection.execute(
            "select current_database(), current_setting('TimeZone'), upper('é'), "
            "current_setting('listen_addresses'), current_setting('max_connections')"
        ).fetchone()
    assert row == ("reelgraph", "UTC", "É", "", "100")
    assert (new_home / "run").stat().st_mode & 0o777 == 0o700
    assert server.stop() is True
    assert server.stop() is False
    with pytest.raises(EmbeddedPostgresError, match="could not create the database reelgraph"):
        server.ensure_database()


def test_a_restart_finds_what_was_written(home: Path) -> None:
    server = postgres.start(home)
    with psycopg.connect(server.url("postgres")) as connection:
        connection.execute("create table kept as select 7 as number")
    server.stop()
    server.start()
    with psycopg.connect(server.url("postgres")) as connection:
        assert connection.execute("select number from kept").fetchone() == (7,)
    server.stop()


def test_the_last_of_two_users_stops_the_server(home: Path) -> None:
    first, second = EmbeddedPostgres(home), EmbeddedPostgres(home)
    first.start()
    second.start()
    assert boots(home) == 1
    assert first.stop() is False
    assert answers(second)
    assert second.stop() is True
    assert not answers(second)


def test_stop_ends_open_sessions(home: Path) -> None:
    server = postgres.start(home)
    with psycopg.connect(server.url("postgres"), autocommit=True) as connection:
        assert server.stop() is True
        with pytest.raises(psycopg.OperationalError):
            connection.execute("select 1")


def test_two_processes_that_start_at_once_share_one_server(home: Path) -> None:
    with user(home) as one, user(home) as other:
        wait_for_start(one)
        wait_for_start(other)
        assert boots(home) == 1
        assert one.communicate()[0] == "False\n"
        assert other.communicate()[0] == "True\n"


def test_a_server_left_by_a_killed_user_is_adopted_and_stopped(home: Path) -> None:
    with user(home) as process:
        wait_for_start(process)
        process.kill()
    server = EmbeddedPostgres(home)
    assert answers(server)
    server.start()
    assert boots(home) == 1
    assert server.stop() is True


def test_a_killed_server_starts_again_though_its_pid_is_taken(home: Path, new_home: Path) -> None:
    server, other = postgres.start(home), postgres.start(new_home)
    kill(server, home)
    pid = (new_home / "data" / "postmaster.pid").read_text().split()[0]
    _, rest = (home / "data" / "postmaster.pid").read_text().split("\n", 1)
    (home / "data" / "postmaster.pid").write_text(f"{pid}\n{rest}")
    server.start()
    assert answers(server)
    assert boots(home) == 2
    assert server.stop() is True
    assert other.stop() is True


def test_stop_after_the_server_was_killed_stops_nothing(home: Path) -> None:
    server = postgres.start(home)
    kill(server, home)
    assert server.stop() is False


def test_a_private_server_ends_with_its_killed_parent(home: Path) -> None:
    server = EmbeddedPostgres(home)
    with user(home, private=True) as process:
        wait_for_start(process)
        assert answers(server)
        process.kill()
    until(lambda: not answers(server))


def test_half_a_data_directory_is_made_anew(new_home: Path) -> None:
    (new_home / "data.new").mkdir(parents=True)
    (new_home / "data.new" / "PG_VERSION").write_text("18\n")
    server = postgres.start(new_home)
    assert answers(server)
    server.stop()


@pytest.mark.parametrize("name", ["with a space", "a,b:c?d=é&%20'\"", "long" * 30])
def test_any_path_will_do(new_home: Path, name: str) -> None:
    server = postgres.start(new_home / name)
    assert answers(server)
    assert server.stop() is True


def test_a_setting_that_postgresql_refuses_is_shown(home: Path) -> None:
    server = EmbeddedPostgres(home, private=True, settings={"shared_buffers": "much"})
    with pytest.raises(EmbeddedPostgresError, match='invalid value for parameter "shared_buffers"'):
        server.start()
    assert server.stop() is False


def test_missing_programs_name_the_folder_and_the_ways_out(new_home: Path) -> None:
    server = EmbeddedPostgres(new_home, binaries=new_home / "nothing")
    with pytest.raises(EmbeddedPostgresError, match=r"nothing(.|\n)*`embedded`(.|\n)*DATABASE_URL"):
        server.start()
    assert not (new_home / "data").exists()


def test_what_a_failing_initdb_says_is_shown(new_home: Path) -> None:
    new_home.mkdir(mode=0o711)
    for name in ("postgres", "initdb"):
        (new_home / name).write_text("#!/bin/sh\necho no room left >&2; exit 1\n")
        (new_home / name).chmod(0o755)
    with pytest.raises(EmbeddedPostgresError, match=r"could not be created(.|\n)*no room left"):
        EmbeddedPostgres(new_home, binaries=new_home).start()
    assert not (new_home / "data").exists()


def test_start_does_not_wait_longer_than_it_is_told(new_home: Path) -> None:
    new_home.mkdir()
    with (new_home / "start.lock").open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(EmbeddedPostgresError, match="by another process for too long"):
            EmbeddedPostgres(new_home).start(timeout_s=0.01)


def test_a_large_log_is_put_aside(home: Path) -> None:
    server = postgres.start(home)
    server.stop()
    os.truncate(server.log_path, 11 * 1024**2)
    server.start()
    assert boots(home) == 1
    assert server.log_path.with_name("postgres.log.1").stat().st_size == 11 * 1024**2
    server.stop()


def test_a_home_that_cannot_be_made_is_a_clear_error(new_home: Path) -> None:
    new_home.write_text("a file")
    with pytest.raises(EmbeddedPostgresError, match="Not a directory"):
        EmbeddedPostgres(new_home / "below").start()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs the server as somebody else")
def test_root_hears_which_folder_the_servers_account_cannot_enter(new_home: Path) -> None:
    closed = new_home.parent / "closed"
    closed.mkdir(mode=0o700)
    with pytest.raises(EmbeddedPostgresError, match=f"cannot enter the folder {closed};"):
        EmbeddedPostgres(closed / "server").start()
    assert not (closed / "server" / "data").exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make another user's folder")
def test_a_socket_folder_of_another_user_is_refused(new_home: Path) -> None:
    server = EmbeddedPostgres(new_home / ("long" * 30))
    sockets = Path(str(conninfo_to_dict(server.url())["host"]))
    sockets.mkdir()
    os.chown(sockets, 54321, 54321)
    with pytest.raises(EmbeddedPostgresError, match=f"{sockets} belongs to somebody else"):
        server.start()
    sockets.rmdir()


async def test_wipe_empties_every_table_but_the_kept_ones(home: Path) -> None:
    server = postgres.start(home)
    url = postgres.create_database(server, "wiped")
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("create table parent (id int primary key)")
        connection.execute("create table child (parent int references parent)")
        connection.execute("create table kept (id int)")
        await postgres.install_wipe(url, keep=["kept"])
        connection.execute("insert into parent values (1)")
        connection.execute("insert into child values (1)")
        connection.execute("insert into kept values (1)")
        connection.execute("select wipe()")
        counts = "select (select count(*) from parent), (select count(*) from child), count(*) "
        assert connection.execute(counts + "from kept").fetchone() == (0, 0, 1)
    server.stop()
