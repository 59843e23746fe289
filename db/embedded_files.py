"""What the embedded PostgreSQL leaves on disk: locks, its own account of itself, socket, log."""

import fcntl
import hashlib
import os
import stat
from contextlib import suppress
from pathlib import Path
from typing import IO, NamedTuple, Self

from db.embedded_programs import SOCKET, Account

# `sun_path` holds 104 bytes on BSD and macOS, 108 on Linux.
SOCKET_PATH_MAX = 100
LOG_MAX = 10 * 1024**2
LOG_TAIL = 2000
# Above the highest pid that any kernel gives out.
NO_PID = "999999999"


def open_lock(path: Path) -> IO[str]:
    """Open a lock file; its lock ends with the file object, or with this process.

    Python opens files close-on-exec, so no child keeps the lock unless the file is passed to it.
    """
    return path.open("a")


def try_lock(file: IO[str], kind: int) -> bool:
    """Take `fcntl.LOCK_SH` or `LOCK_EX` if that needs no waiting."""
    try:
        fcntl.flock(file, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


class Postmaster(NamedTuple):
    """What a server writes about itself into `postmaster.pid`; it outlives a killed server."""

    pid: int
    sockets: Path
    is_ready: bool

    @classmethod
    def read(cls, data: Path) -> Self | None:
        """Return None when there is no such file, or when it is not complete yet."""
        try:
            lines = os.fsdecode((data / "postmaster.pid").read_bytes()).split("\n")
            return cls(int(lines[0]), Path(lines[4]), lines[7].strip() == "ready")
        except (FileNotFoundError, ValueError, IndexError):
            return None


def disown(data: Path) -> None:
    """Make a stale `postmaster.pid` name a process that cannot exist.

    PostgreSQL refuses to start while the pid in it is anybody's. The file is not deleted: its
    shared-memory key is how PostgreSQL notices that processes of the old server still write.
    A server that somebody started by hand on this folder keeps its file.
    """
    path = data / "postmaster.pid"
    with suppress(FileNotFoundError):
        pid, *rest = path.read_bytes().split(b"\n")
        if not _works_in(data, os.fsdecode(pid)):
            path.write_bytes(b"\n".join([NO_PID.encode(), *rest]))


def _works_in(data: Path, pid: str) -> bool:
    """Tell whether that process has the data directory as its own, which a postmaster does."""
    try:
        return Path("/proc", pid, "cwd").samefile(data)
    except OSError:
        return False


def socket_folder(home: Path) -> Path:
    """Return the folder of the server's socket: `home`/run, or a short one that stands for it.

    Clients take a comma in a host for a list of hosts, and a colon for a port.
    """
    folder = home / "run"
    if len(os.fsencode(folder / SOCKET)) <= SOCKET_PATH_MAX and not set(str(folder)) & set(",:"):
        return folder
    name = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    return Path("/tmp") / f"reelgraph-{name}"  # noqa: S108  (make_private sees whose folder it is)


def make_private(folder: Path, owner: Account) -> None:
    """Create a folder that only `owner` can enter, or make sure that it is one.

    Raises PermissionError when somebody else made it: they could read what passes through.
    """
    with suppress(FileExistsError):
        folder.mkdir(mode=0o700)
        os.chown(folder, *owner)
    status = folder.lstat()
    if not stat.S_ISDIR(status.st_mode) or status.st_uid not in {owner.uid, os.geteuid()}:
        raise PermissionError(f"{folder} belongs to somebody else")
    os.chown(folder, *owner)
    folder.chmod(0o700)


def rotate(log: Path) -> None:
    """Make sure of a log that only we read; one older is kept once it is above 10 MB."""
    log.touch(mode=0o600)
    if log.stat().st_size > LOG_MAX:
        log.replace(log.with_name(f"{log.name}.1"))
        log.touch(mode=0o600)


def tail(log: Path) -> str:
    """Return the last 2,000 bytes of the log; none if there is no log yet."""
    return log.read_bytes()[-LOG_TAIL:].decode(errors="replace") if log.exists() else ""


def sync_folder(folder: Path) -> None:
    """Make a rename in this folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
