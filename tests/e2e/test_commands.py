"""The small commands, as processes of their own."""

import subprocess
from pathlib import Path

from tests.support import processes
from tests.support.postgres import folder


def test_schema_prints_the_published_schema(root: Path) -> None:
    ended = processes.run("schema")
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == (root / "schema.graphql").read_text()


def test_a_reader_that_leaves_early_is_no_fault() -> None:
    printing = subprocess.Popen(
        processes.command("schema"),
        env=processes.environment(PYTHONUNBUFFERED="1"),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert printing.stdout is not None
    printing.stdout.close()
    assert printing.communicate()[1] == b""
    assert printing.returncode == 1


def test_migrate_makes_a_database_and_leaves_it_stopped() -> None:
    with folder() as data_dir:
        ended = processes.run("migrate", REELGRAPH_DATA_DIR=str(data_dir))
        assert (ended.returncode, ended.stderr) == (0, "")
        assert ended.stdout == "The database is up to date.\n"
        assert (data_dir / "postgres/data/PG_VERSION").exists()
        assert not (data_dir / "postgres/data/postmaster.pid").exists()


def test_an_unknown_command_is_refused_with_those_there_are() -> None:
    ended = processes.run("play")
    assert ended.returncode == 2
    commands = "'serve', 'worker', 'migrate', 'upload', 'fsck', 'schema', 'settings'"
    assert f"invalid choice: 'play' (choose from {commands})" in ended.stderr
