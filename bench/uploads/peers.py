"""The servers beside ours: nginx takes PUT, and two speak tus. Each stores files in its folder."""

import getpass
import hashlib
import shutil
import subprocess
from pathlib import Path
from string import Template
from urllib.parse import urlsplit

import processes
from client import Connection
from files import Upload
from processes import Process, ServerFailed, free_port

from bench.graphql import install

NGINX_PATHS = "/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin:/opt/homebrew/bin"
NGINX_BUFFERS = {"nginx": "16k", "nginx, 256k": "256k"}
"""Names, and the most that is read before it is written; 16k is nginx's own default."""
TUS = {"Tus-Resumable": "1.0.0"}
TUS_BODY = {**TUS, "Content-Type": "application/offset+octet-stream"}
METADATA = "filename bm9pc2U=,filetype YXBwbGljYXRpb24vb2N0ZXQtc3RyZWFt"


class Peer:
    """A server that keeps what it is sent as files of one folder."""

    def __init__(self, name: str, command: list[str], home: Path, port: int) -> None:
        self.name = name
        self.port = port
        self.folder = home / "files"
        environment = {
            "PORT": str(port),
            "DIRECTORY": str(self.folder),
            "NODE_ENV": "production",
        }
        self._process = Process(name, command, home, environment)

    def wait_until_ready(self) -> None:
        self._process.wait_until_ready(self.port)

    def cpu_s(self) -> float:
        return processes.cpu_s(self._process.pid)

    def database_cpu_s(self) -> float:
        return 0

    def clear(self) -> None:
        for path in self._files():
            path.unlink()

    def _files(self) -> list[Path]:
        return [path for path in self.folder.iterdir() if path.is_file()]

    def check(self, size: int, sha256: str) -> None:
        """Raise unless one of its files is the one that was sent."""
        for path in self._files():
            if path.stat().st_size == size:
                with path.open("rb") as file:
                    if hashlib.file_digest(file, "sha256").hexdigest() == sha256:
                        return
        raise ServerFailed(f"{self.name} does not have what it was sent")

    def stop(self) -> None:
        self._process.stop()


class Tus(Peer):
    """Parts of one upload can only follow each other: each says where the last one ended."""

    def upload(self, connection: Connection, upload: Upload) -> None:
        headers = {**TUS, "Upload-Length": str(upload.size), "Upload-Metadata": METADATA}
        created = connection.ask("POST", "/files/", headers)
        path = urlsplit(created.headers["location"]).path
        offset = 0
        for part in upload.parts:
            headers = {**TUS_BODY, "Upload-Offset": str(offset)}
            answer = connection.ask("PATCH", path, headers, part.body)
            offset += part.body.size
            if answer.headers.get("upload-offset") != str(offset):
                raise ServerFailed(f"{self.name} took less than it was sent")


class Nginx(Peer):
    def put_targets(self, connection: Connection, upload: Upload) -> list[str]:
        del connection  # it takes any name
        return [f"/{part.number}" for part in upload.parts]


def tus_node(home: Path) -> Tus:
    command = [str(install.node()), str(install.PEERS / "tus.mjs")]
    return Tus("@tus/server", command, _folder(home, "tus-node"), free_port())


def tuspyserver(home: Path) -> Tus:
    command = [str(install.PYTHON), str(install.PEERS / "tuspyserver_peer.py")]
    return Tus("tuspyserver", command, _folder(home, "tuspyserver"), free_port())


def nginx_program() -> str | None:
    """Where nginx is, if it is installed with its DAV module."""
    program = shutil.which("nginx") or shutil.which("nginx", path=NGINX_PATHS)
    if program is None:
        return None
    built = subprocess.run([program, "-V"], capture_output=True, text=True, check=True).stderr
    return program if "http_dav_module" in built else None


def nginx(name: str, program: str, home: Path) -> Nginx:
    folder, port = _folder(home, f"nginx-{NGINX_BUFFERS[name]}"), free_port()
    template = Template((install.PEERS / "nginx.conf").read_text())
    settings = folder / "nginx.conf"
    settings.write_text(
        template.substitute(
            user=getpass.getuser(), folder=folder, port=port, buffer=NGINX_BUFFERS[name]
        )
    )
    command = [program, "-e", "stderr", "-p", str(folder), "-c", str(settings)]
    return Nginx(name, command, folder, port)


def _folder(home: Path, name: str) -> Path:
    folder = home / name
    (folder / "files").mkdir(parents=True)
    return folder
