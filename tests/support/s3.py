"""Real servers that speak S3, as processes of their own."""

import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Generator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from storage.presign import Credentials
from storage.s3_location import S3Location
from tests.support.processes import free_port

BUCKET, PREFIX = "reelgraph", "one/of two/"
LEAST_PART = 1 << 20
"""Bytes; a fifth of what S3 has, so tests have less to send."""
CREDENTIALS = Credentials("test-access-key", "test-secret-key")


@dataclass(frozen=True, slots=True)
class S3Server:
    """Only `rclone` checks signatures and their expiry; only `moto` insists on large parts."""

    name: str
    endpoint: str
    process: "subprocess.Popen[bytes]"

    @property
    def location(self) -> S3Location:
        return S3Location(BUCKET, prefix=PREFIX, endpoint=self.endpoint, credentials=CREDENTIALS)


@contextmanager
def rclone(folder: Path) -> Generator[S3Server]:
    """Parts that are replaced, or come in any order, it takes only when it holds them in memory."""
    (folder / BUCKET).mkdir(exist_ok=True)
    port = free_port()
    command = [_rclone(), "serve", "s3", str(folder), "--addr", f"127.0.0.1:{port}"]
    options = [
        "--disable-multipart-streaming",
        *("--auth-key", f"{CREDENTIALS.access_key},{CREDENTIALS.secret_key}"),
        *("--allow-origin", "*"),  # browsers send from a page of another server
    ]
    with _serving("rclone", [*command, *options], port, folder) as server:
        yield server


@contextmanager
def moto(folder: Path) -> Generator[S3Server]:
    port = free_port()
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    with _serving("moto", command, port, folder) as server:
        making = urllib.request.Request(f"{server.endpoint}/{BUCKET}", method="PUT")  # noqa: S310
        with urllib.request.urlopen(making):  # noqa: S310 - both are plain HTTP, to ourselves
            yield server


SERVERS: dict[str, Callable[[Path], AbstractContextManager[S3Server]]] = {
    "rclone": rclone,
    "moto": moto,
}


def settings(server: S3Server, **others: str) -> dict[str, str]:
    """Variables of a Reelgraph whose files are there, below a prefix of its own."""
    return {
        "REELGRAPH_STORAGE_URL": f"s3://{BUCKET}/videos of all",
        "REELGRAPH_S3_ENDPOINT": server.endpoint,
        "REELGRAPH_S3_ACCESS_KEY": CREDENTIALS.access_key,
        "REELGRAPH_S3_SECRET_KEY": CREDENTIALS.secret_key,
        **others,
    }


def _rclone() -> str:
    """The binary that is installed beside this interpreter, or any other."""
    beside = Path(sys.executable).with_name("rclone")
    found = str(beside) if beside.exists() else shutil.which("rclone")
    assert found is not None, "rclone is not installed"
    return found


@contextmanager
def _serving(name: str, command: list[str], port: int, folder: Path) -> Generator[S3Server]:
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "RCLONE_CONFIG": os.devnull,
        "S3_UPLOAD_PART_MIN_SIZE": str(LEAST_PART),
    }
    with (folder / f"{name}.log").open("wb") as log:
        process = subprocess.Popen(command, env=environment, stdout=log, stderr=log)
    try:
        _answers(port, process)
        yield S3Server(name, f"http://127.0.0.1:{port}", process)
    finally:
        process.kill()
        process.wait()


def _answers(port: int, process: "subprocess.Popen[bytes]") -> None:
    """Return when somebody listens."""
    deadline = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < deadline:
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            time.sleep(0.02)
        else:
            return
    raise AssertionError("the server does not answer")
