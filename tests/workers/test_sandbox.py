"""What a program that reads a stranger's file can reach: its input, its output, nothing else."""

import asyncio
import json
import os
import platform
import socket
import subprocess
import sys
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from domain.errors import TranscodeFailed
from media import launch, sandbox
from media.process import Limits, end, run_ffmpeg, start
from media.sandbox import Abilities
from tests.support.samples import ffmpeg_path, sample

FOUND = sandbox.abilities()
WAYS = subprocess.run(
    [sys.executable, sandbox.LAUNCHER, "abilities"], check=True, capture_output=True, text=True
).stdout.split()
needs_files = pytest.mark.skipif(not FOUND.files, reason="this system has no Landlock")
needs_network = pytest.mark.skipif(not FOUND.network, reason="this system can keep no network away")
needs_scopes = pytest.mark.skipif(
    sys.platform != "linux" or [*map(int, platform.release().split(".")[:2])] < [6, 12],
    reason="this kernel cannot keep signals inside",
)

TRY = """
import json, os, socket, sys

def outcome(action, *arguments):
    try:
        action(*arguments)
    except OSError as error:
        return type(error).__name__
    return "done"

def read(path):
    with open(path, "rb") as file:
        file.read(1)

def write(path):
    with open(path, "ab") as file:
        file.write(b"x")

def talk(family, kind, address):
    with socket.socket(family, kind) as client:
        client.connect(address)
        client.send(b"x")
"""
REFUSED = "PermissionError"


@dataclass
class Listener:
    """Servers of this machine, by TCP and by both kinds of local socket, and who came."""

    port: int
    path: Path
    visits: int = 0

    def visit(self, _reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.visits += 1
        writer.close()


@pytest.fixture
async def listener(tmp_path: Path) -> AsyncIterator[Listener]:
    listener = Listener(0, tmp_path / "socket")
    by_port = await asyncio.start_server(listener.visit, "127.0.0.1", 0)
    by_path = await asyncio.start_unix_server(listener.visit, listener.path)
    listener.port = by_port.sockets[0].getsockname()[1]
    async with by_port, by_path:
        yield listener


@needs_files
async def test_a_program_reads_its_input_and_no_other_file(tmp_path: Path) -> None:
    given, other = tmp_path / "given", tmp_path / "other"
    given.write_text("given")
    other.write_text("other")
    (tmp_path / "link").symlink_to(other)
    secrets = ("/etc/passwd", "/etc/hostname", f"/proc/{os.getpid()}/environ", "/proc/self/environ")

    tried = [given, other, tmp_path / "link", Path(__file__), *secrets]
    found = await _ask("[outcome(read, path) for path in given]", *tried, reads=[given])
    listed = await _ask("[outcome(os.listdir, path) for path in given]", tmp_path, "/root", "/")

    assert found == ["done", *[REFUSED] * 7]
    assert listed == [REFUSED] * 3


@needs_files
async def test_a_program_writes_to_its_folder_only(tmp_path: Path) -> None:
    given, output = tmp_path / "given", tmp_path / "output"
    given.write_text("given")
    output.mkdir()

    tried = [output / "new", given, tmp_path / "beside", "/tmp/elsewhere"]  # noqa: S108
    found = await _ask(
        "[outcome(write, path) for path in given]", *tried, reads=[given], writes=[output]
    )
    changed = await _ask(
        "[outcome(os.unlink, given[0]), outcome(os.rename, 'new', given[1]),"
        " outcome(os.rename, 'new', 'newer'), outcome(os.unlink, 'newer')]",
        *(given, tmp_path / "moved"),
        writes=[output],
    )

    assert found == ["done", *[REFUSED] * 3]
    assert changed == [REFUSED, REFUSED, "done", "done"]
    assert given.read_text() == "given"
    assert [*output.iterdir()] == []


@needs_files
async def test_a_program_cannot_leave_a_link_for_us_to_follow(tmp_path: Path) -> None:
    found = await _ask(
        "[outcome(os.symlink, given[0], 'link'), outcome(os.link, given[0], 'link'),"
        " outcome(os.mkfifo, 'pipe')]",
        *("/etc/passwd",),
        writes=[tmp_path],
    )

    # A link to another disk is refused for that alone.
    assert found in ([REFUSED] * 3, [REFUSED, "OSError", REFUSED])
    assert [*tmp_path.iterdir()] == []


async def test_a_program_works_in_its_folder_and_knows_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("REELGRAPH_SECRET", "hunter2")

    with_folder = await _ask("[os.getcwd(), dict(os.environ)]", writes=[tmp_path])
    without = await _ask("[os.getcwd(), dict(os.environ)]")

    environment = {"PATH": os.environ["PATH"], "LC_ALL": "C"}
    assert with_folder == [str(tmp_path), environment | {"TMPDIR": str(tmp_path)}]
    assert without == ["/", environment]


@needs_network
async def test_a_program_has_no_network(listener: Listener) -> None:
    found = await _ask(
        "[outcome(talk, socket.AF_INET, socket.SOCK_STREAM, ('127.0.0.1', given[0])),"
        " outcome(talk, socket.AF_INET, socket.SOCK_DGRAM, ('127.0.0.1', given[0])),"
        " outcome(talk, socket.AF_UNIX, socket.SOCK_STREAM, given[1])]",
        *(listener.port, listener.path),
        reads=[listener.path.parent],
        writes=[listener.path.parent],
    )

    assert found == [REFUSED] * 3
    assert listener.visits == 0


async def test_the_listener_of_these_tests_can_be_reached(listener: Listener) -> None:
    for reached in (
        await asyncio.open_connection("127.0.0.1", listener.port),
        await asyncio.open_unix_connection(listener.path),
    ):
        assert await reached[0].read() == b""
        reached[1].close()

    assert listener.visits == 2


@pytest.mark.parametrize(
    ("way", "protect", "failure"),
    [
        ("namespace", "without_network()", "Network is unreachable"),
        ("filter", "without_privileges(); launch.without_sockets()", "Permission denied"),
        ("landlock", "without_privileges(); launch.within([])", "Permission denied"),
    ],
)
async def test_each_protection_alone_keeps_a_program_from_this_machine(
    listener: Listener, way: str, protect: str, failure: str
) -> None:
    if way not in WAYS:
        pytest.skip("this system does not have it")
    code = (
        f"import sys; sys.path.insert(0, {str(Path(launch.__file__).parent)!r})\n"
        f"import launch, socket; launch.{protect}\n"
        f"socket.create_connection(('127.0.0.1', {listener.port}))"
    )
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-I", "-c", code), stderr=asyncio.subprocess.PIPE
    )

    _, log = await process.communicate()

    assert process.returncode == 1
    assert failure in log.decode()
    assert listener.visits == 0


@needs_scopes
async def test_a_program_cannot_signal_us() -> None:
    found = await _ask("[outcome(os.kill, given[0], 0), outcome(os.kill, 0, 0)]", os.getpid())

    assert found == [REFUSED, "done"]


@pytest.mark.skipif(sys.platform != "linux", reason="asks Linux")
async def test_a_program_gains_no_privileges() -> None:
    no_new_privileges, read_bound, administrate, override = 39, 23, 21, 1
    questions = [(no_new_privileges, 0), (read_bound, administrate), (read_bound, override)]

    found = await _ask(
        "[__import__('ctypes').CDLL(None).prctl(*question, 0, 0, 0) for question in given]",
        *questions,
    )

    assert found[:2] == [1, 0 if os.geteuid() == 0 else found[1]]
    assert found[2] == 1


@needs_files
async def test_even_an_ffmpeg_that_opens_everything_sees_only_its_own_file(
    samples: Path, tmp_path: Path
) -> None:
    other = sample(samples, "landscape.mp4")
    given = tmp_path / "list"
    given.write_text(f"ffconcat version 1.0\nfile '{other}'\n")

    log = await _failing(["-f", "concat", "-safe", "0", "-i", str(given)], given, tmp_path)

    assert f"Impossible to open '{other}'" in log
    assert "Permission denied" in log


@needs_network
async def test_even_an_ffmpeg_that_may_use_the_network_reaches_nobody(
    tmp_path: Path, listener: Listener
) -> None:
    given = tmp_path / "list.m3u8"
    address = f"http://127.0.0.1:{listener.port}/1.ts"
    given.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{address}\n#EXT-X-ENDLIST\n")

    protocols = ("-protocol_whitelist", "file,http,tcp")
    from_list = await _failing([*protocols, "-i", str(given)], given, tmp_path)
    directly = await _failing(["-i", address], given, tmp_path)

    assert "HTTP error" not in from_list + directly
    assert listener.visits == 0


def test_what_is_missing_is_said() -> None:
    assert Abilities(files=True, network=True).missing() == []
    assert Abilities(files=False, network=True).missing() == [
        "Programs that read uploads can read other files: the kernel has no Landlock."
    ]
    assert Abilities(files=True, network=False).missing() == [
        (
            "Programs that read uploads can use the network: neither a network namespace nor"
            " a filter of system calls can be made."
        )
    ]


def test_the_abilities_are_those_of_this_system() -> None:
    with socket.socket(), Path("/etc/passwd").open("rb"):  # we are not protected by having asked
        pass

    assert sandbox.abilities() == FOUND


def test_a_program_comes_with_the_libraries_beside_it(tmp_path: Path) -> None:
    words = sandbox.grants("/opt/tool/bin/ffmpeg", reads=[tmp_path], writes=[tmp_path / "out"])

    pairs = [*zip(words[::2], words[1::2], strict=True)]
    assert ("-x", "/opt/tool/bin/ffmpeg") in pairs
    assert ("-x", "/opt/tool/lib") in pairs
    assert ("-r", str(tmp_path)) in pairs
    assert pairs[-1] == ("-w", str(tmp_path / "out"))


async def _ask(
    expression: str, *given: object, reads: Sequence[Path] = (), writes: Sequence[Path] = ()
) -> list[Any]:
    """What a Python program says when it evaluates this in the sandbox."""
    words = json.dumps(given, default=str)
    code = f"{TRY}\ngiven = json.loads(sys.argv[1])\nprint(json.dumps({expression}))"
    process = await start(
        [sys.executable, "-I", "-c", code, words],
        reads=reads,
        writes=writes,
        memory=1 << 30,
        cpu_s=9,
        file_size=1000,
    )
    try:
        reply, log = await process.communicate()
    finally:
        await end(process)
    assert reply, log.decode()
    return json.loads(reply)


async def _failing(input: Sequence[str], given: Path, output: Path) -> str:
    """The log of an ffmpeg that fails to read its input. `output` does not hold `given`'s text."""
    folder = output / "made"
    folder.mkdir(exist_ok=True)
    with pytest.raises(TranscodeFailed) as failure:
        await run_ffmpeg(
            ffmpeg_path(),
            [*input, "-f", "null", "-"],
            reads=[given],
            writes=[folder],
            duration_ms=1000,
            on_progress=lambda _: None,
            limits=Limits(wall_s=20, cpu_s=20, file_size=1000),
        )
    return failure.value.log
