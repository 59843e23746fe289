"""What is remembered of an unfinished upload, so that the same command goes on with it."""

import hashlib
import json
import os
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


def default_folder() -> Path:
    """Where programs keep state by the XDG Base Directory Specification."""
    base = Path(os.environ.get("XDG_STATE_HOME", ""))
    if not base.is_absolute():
        base = Path.home() / ".local" / "state"
    return base / "reelgraph" / "uploads"


@dataclass(frozen=True, slots=True)
class Subject:
    """Which upload it is: these bytes of this file to this server."""

    url: str
    path: str
    size: int
    mtime_ns: int
    sha256: str


class Memory:
    """The id of the upload session of one subject, in one small file below `folder`."""

    def __init__(self, folder: Path, subject: Subject) -> None:
        self._subject = asdict(subject)
        name = hashlib.sha256(json.dumps(self._subject).encode()).hexdigest()
        self.path = folder / f"{name[:32]}.json"

    def recall(self) -> str | None:
        """The session's id; None when there is none, or nothing that we wrote."""
        try:
            kept: Any = json.loads(self.path.read_bytes())
        except (FileNotFoundError, ValueError):
            return None
        if isinstance(kept, dict) and kept == self._subject | {"session": kept.get("session")}:
            return kept["session"]
        return None

    def keep(self, session_id: str) -> None:
        """Written whole or not at all. Raises `OSError`."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        kept = json.dumps(self._subject | {"session": session_id}, indent=2)
        descriptor, temporary = tempfile.mkstemp(dir=self.path.parent, prefix=self.path.stem)
        try:
            with os.fdopen(descriptor, "w") as file:
                file.write(kept)
            Path(temporary).replace(self.path)
        except BaseException:
            Path(temporary).unlink()
            raise

    def forget(self) -> None:
        self.path.unlink(missing_ok=True)
