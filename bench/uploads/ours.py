"""`reelgraph serve` as its operators run it, on embedded defaults, and its API's client."""

import json
import sys
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import processes
from client import Connection
from files import Upload
from processes import Process, ServerFailed, free_port

ROOT = Path(__file__).parent.parent.parent
POLL_S = 0.1
TARGETS_AT_ONCE = 1000

CREATE = """
mutation Create($input: CreateUploadSessionInput!) {
  payload: createUploadSession(input: $input) { uploadSession { id } userErrors { message } }
}
"""
TARGETS = """
query Targets($id: ID!, $indexes: [Int!]!) {
  uploadSession(id: $id) { targets(indexes: $indexes) { url } }
}
"""
COMPLETE = """
mutation Complete($input: CompleteUploadSessionInput!) {
  payload: completeUploadSession(input: $input) { uploadSession { id } userErrors { message } }
}
"""
CANCEL = """
mutation Cancel($id: ID!) {
  payload: cancelUploadSession(id: $id) { uploadSession { id } userErrors { message } }
}
"""
STATUS = "query Status($id: ID!) { uploadSession(id: $id) { status error { code } } }"


class Reelgraph:
    """The server, its worker within, and its PostgreSQL. What it takes becomes stored objects."""

    name = "reelgraph"

    def __init__(self, home: Path) -> None:
        self.port = free_port()
        self.folder = home / self.name
        self.folder.mkdir(mode=0o711)
        self._open: list[str] = []
        environment = {
            "PYTHONPATH": str(ROOT),
            "REELGRAPH_DATA_DIR": str(self.folder),
            "REELGRAPH_PORT": str(self.port),
            "REELGRAPH_LOG_LEVEL": "warning",
        }
        command = [sys.executable, "-m", "server.cli", "serve"]
        self._process = Process(self.name, command, self.folder, environment)

    def wait_until_ready(self) -> None:
        """Its port is bound long before it answers: ask for an answer."""
        self._process.wait_until_ready(self.port)
        with Connection(self.port) as connection:
            connection.ask("GET", "/health", {})
        self._key = (self.folder / "api-key").read_text().strip()
        pid = (self.folder / "postgres" / "data" / "postmaster.pid").read_text().split()[0]
        self._postmaster = int(pid)

    @property
    def pid(self) -> int:
        return self._process.pid

    def cpu_s(self) -> float:
        return processes.cpu_s(self.pid, besides=self._postmaster)

    def database_cpu_s(self) -> float:
        return processes.cpu_s(self._postmaster)

    def begin(self, connection: Connection, upload: Upload, *, part_size: int) -> str:
        """The id of a new session."""
        values: dict[str, Any] = {
            "title": "Noise",
            "sha256": upload.sha256,
            "fileSize": upload.size,
            "chunkSize": part_size,
            "purpose": "OBJECT",
        }
        return self._change(connection, CREATE, input=values)

    def paths(self, connection: Connection, id: str, count: int) -> list[str]:
        """Where the parts go."""
        found: list[str] = []
        while len(found) < count:
            indexes = list(range(len(found) + 1, min(count, len(found) + TARGETS_AT_ONCE) + 1))
            session = self._run(connection, TARGETS, id=id, indexes=indexes)["uploadSession"]
            urls: list[str] = [target["url"] for target in session["targets"]]
            found += [urlsplit(url).path for url in urls]
        return found

    def upload(self, connection: Connection, upload: Upload) -> None:
        """The whole way, until the file is checked."""
        id = self.begin(connection, upload, part_size=upload.parts[0].body.size)
        paths = self.paths(connection, id, len(upload.parts))
        for part, path in zip(upload.parts, paths, strict=True):
            headers = {"x-amz-checksum-sha256": part.checksum}
            connection.ask("PUT", path, headers, part.body)
        values = {"id": id, "finalSha256": upload.sha256}
        self._change(connection, COMPLETE, input=values)
        self._wait_until_checked(connection, id)

    def _wait_until_checked(self, connection: Connection, id: str) -> None:
        while True:
            session = self._run(connection, STATUS, id=id)["uploadSession"]
            if session["status"] != "VERIFYING":
                break
            time.sleep(POLL_S)
        if session["status"] != "COMPLETED":
            raise ServerFailed(f"the session is {session['status']}: {session['error']}")

    def put_targets(self, connection: Connection, upload: Upload) -> list[str]:
        id = self.begin(connection, upload, part_size=upload.parts[0].body.size)
        self._open.append(id)
        return self.paths(connection, id, len(upload.parts))

    def clear(self) -> None:
        """Close the sessions and take the stored bytes away; the rows of objects stay."""
        with Connection(self.port) as connection:
            while self._open:
                self._change(connection, CANCEL, id=self._open.pop())
        for path in (self.folder / "storage" / "objects").rglob("*"):
            if path.is_file():
                path.unlink()

    def stop(self) -> None:
        self._process.stop()

    def _change(self, connection: Connection, document: str, **variables: object) -> str:
        """Run a mutation; returns the session's id."""
        payload = self._run(connection, document, **variables)["payload"]
        if payload["userErrors"]:
            raise ServerFailed(f"{document}: {payload['userErrors']}")
        return payload["uploadSession"]["id"]

    def _run(self, connection: Connection, document: str, **variables: object) -> dict[str, Any]:
        headers = {
            "Authorization": f"Bearer {self._key}",
            "Content-Type": "application/json",
            "Accept": "application/json",
        }
        body = json.dumps({"query": document, "variables": variables}).encode()
        answer = json.loads(connection.ask("POST", "/graphql", headers, body).body)
        if "errors" in answer:
            raise ServerFailed(f"{document}: {answer['errors']}")
        return answer["data"]
