"""What is remembered of an unfinished upload, so that the same command goes on with it."""

import hashlib
import os
from dataclasses import astuple, dataclass
from pathlib import Path

from pydantic import TypeAdapter, ValidationError


@dataclass(frozen=True, slots=True)
class Subject:
    """Which upload it is: these bytes of this file to this server."""

    url: str
    path: str
    size: int
    mtime_ns: int
    sha256: str


@dataclass(frozen=True, slots=True)
class _Kept:
    subject: Subject
    session_id: str


_KEPT = TypeAdapter(_Kept)


class Memory:
    """The id of the upload session of one subject, in one small file below `folder`."""

    def __init__(self, folder: Path, subject: Subject) -> None:
        self._subject = subject
        name = hashlib.sha256(repr(astuple(subject)).encode())
        self.path = folder / f"{name.hexdigest()[:32]}.json"

    def recall(self) -> str | None:
        """The session's id; None when there is none, or nothing that can be read."""
        try:
            kept = _KEPT.validate_json(self.path.read_bytes())
        except (OSError, ValidationError):
            return None
        return kept.session_id if kept.subject == self._subject else None

    def keep(self, session_id: str) -> None:
        """Written whole or not at all. Raises `OSError`."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        written = self.path.with_suffix(f".{os.getpid()}")
        try:
            written.write_bytes(_KEPT.dump_json(_Kept(self._subject, session_id), indent=2))
            written.replace(self.path)
        finally:
            written.unlink(missing_ok=True)

    def forget(self) -> None:
        """Raises `OSError`."""
        if self.path.exists():  # in a folder that never could be made, there is nothing to do
            self.path.unlink()
