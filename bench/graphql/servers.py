"""The servers that are measured: how each is started, watched and ended."""

import contextlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Generator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

import install
from dataset import Dataset

ROOT = Path(__file__).parent.parent.parent
SERVER_CORE = 0
LOAD_CORE = 1
"""For the load, for PostgreSQL, and for whoever directs them."""
SECRET = bytes(range(32))
"""Under signed URLs."""
START_TIMEOUT_S = 60

OURS, LIMIT, NAIVE = "reelgraph", "limit", "naive strawberry"
NODE_JIT = ("mercurius + jit", "yoga + jit")


@dataclass(frozen=True, slots=True)
class Kind:
    """A server that can be started."""

    name: str
    program: str
    """Its file in `peers/`, or in this folder for ours."""
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    own_documents: bool = False
    own_paths: bool = False

    def command(self) -> list[str]:
        if self.program.endswith(".mjs"):
            return [str(install.node()), str(install.PEERS / self.program)]
        if self.name == OURS:
            return [sys.executable, str(Path(__file__).parent / self.program)]
        return [str(install.PYTHON), str(install.PEERS / self.program)]

    def path(self, workload: str) -> str:
        return f"/{workload}" if self.own_paths else "/graphql"


KINDS = (
    Kind(OURS, "product.py"),
    Kind("mercurius + jit", "mercurius.mjs"),
    Kind("yoga + jit", "yoga.mjs"),
    Kind("mercurius", "mercurius.mjs", {"JIT": "0"}),
    Kind("postgraphile", "postgraphile.mjs", own_documents=True),
    Kind("apollo server", "apollo.mjs"),
    Kind("ariadne", "ariadne_peer.py"),
    Kind(NAIVE, "naive_strawberry.py"),
    Kind(LIMIT, "limit.py", own_paths=True),
)


class ServerFailed(Exception):
    """A server does not start, or does not answer as it must."""


@dataclass(frozen=True, slots=True)
class Memory:
    """Bytes; `pss` counts what is shared with other processes in part."""

    rss: int
    pss: int


class Server:
    """A running server, on a core of its own."""

    def __init__(self, kind: Kind, process: "subprocess.Popen[bytes]", port: int) -> None:
        self.kind = kind
        self.port = port
        self._process = process

    @property
    def pid(self) -> int:
        return self._process.pid

    def request(self, workload: str, body: bytes, api_key: str) -> bytes:
        """What the load sends for this body."""
        head = (
            f"POST {self.kind.path(workload)} HTTP/1.1\r\nHost: 127.0.0.1:{self.port}\r\n"
            f"Authorization: Bearer {api_key}\r\nContent-Type: application/json\r\n"
            f"Accept: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    def ask(self, workload: str, body: bytes, api_key: str) -> bytes:
        """The body of one response; raises `ServerFailed` for anything but status 200."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=30)
        headers = {"Authorization": f"Bearer {api_key}", "Content-Type": "application/json"}
        with contextlib.closing(connection):
            connection.request("POST", self.kind.path(workload), body, headers)
            response = connection.getresponse()
            content = response.read()
        if response.status != http.HTTPStatus.OK:
            raise ServerFailed(f"{self.kind.name} {workload}: {response.status} {content!r:.500}")
        return content

    def memory(self) -> Memory:
        lines = Path(f"/proc/{self.pid}/smaps_rollup").read_text().splitlines()[1:]
        found = {
            name: int(rest.split()[0]) for name, _, rest in (one.partition(":") for one in lines)
        }
        return Memory(found["Rss"] * 1024, found["Pss"] * 1024)

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + START_TIMEOUT_S
        while self._process.poll() is None and time.monotonic() < deadline:
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            time.sleep(0.05)
        raise ServerFailed(f"{self.kind.name} does not start; what it said is above")

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()


def end_in_order() -> None:
    """Let SIGTERM end this process as an exception does: servers and folders are cleared away."""

    def end(_number: int, _frame: FrameType | None) -> None:
        sys.exit("ended")

    signal.signal(signal.SIGTERM, end)


def pin(core: int) -> None:
    """Put this process, and what it starts from now on, on one core, if there are several."""
    if (os.cpu_count() or 1) > 1:
        os.sched_setaffinity(0, {core})


def start(kind: Kind, data: Dataset, home: Path, *, extension: bool) -> Server:
    port = _free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(home),
        "PYTHONPATH": str(ROOT),
        "NODE_ENV": "production",
        "PORT": str(port),
        "SIGNING_SECRET": SECRET.hex(),
        "EXTENSION": str(int(extension)),
        "REELGRAPH_DATA_DIR": str(home / "product"),
        "REELGRAPH_PORT": str(port),
        "REELGRAPH_LOG_LEVEL": "warning",
        **data.environment(),
        **kind.environment,
    }
    pin(SERVER_CORE)
    process = subprocess.Popen(kind.command(), env=environment, cwd=home, stdout=subprocess.DEVNULL)
    pin(LOAD_CORE)
    return Server(kind, process, port)


@contextlib.contextmanager
def running(
    kinds: Sequence[Kind], data: Dataset, home: Path, *, extension: bool
) -> Generator[list[Server]]:
    """All of them, ready; ended with the block."""
    servers: list[Server] = []
    try:
        for kind in kinds:
            servers.append(start(kind, data, home, extension=extension))
            servers[-1].wait_until_ready()
        yield servers
    finally:
        for server in servers:
            server.stop()


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
