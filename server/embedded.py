"""Decides who runs the embedded PostgreSQL of a data folder: its first user starts it, others join, the last one ends it.

Three lock files carry the whole protocol, and the kernel lets go of each when its holder dies, however it dies:
`start.lock` is held while somebody starts, joins or leaves; every user shares `users.lock`, for which the watchdog waits;
`alive.lock` is inherited by every process of PostgreSQL, so that it is free exactly when none is left.
"""

import fcntl
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote, urlencode

from server import embedded_watchdog
from server.embedded_cluster import (
    PORT,
    EmbeddedPostgresError,
    Place,
    child_environment,
    command,
    create_data,
    find_account,
    reach,
)
from server.embedded_programs import settle

PAUSE_SECONDS = 0.005
LOG_TAIL_LINES = 12

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError"]


class EmbeddedPostgres:
    """A PostgreSQL server in `folder`/postgres, shared by all processes (and objects) that use the same folder.

    `durable=False` is for tests: fast, and lost in a power cut. Whoever comes first decides it and `max_connections`.
    Starting and stopping raise `EmbeddedPostgresError` when PostgreSQL cannot run, within `patience_seconds`.
    """

    def __init__(
        self, folder: Path, *, durable: bool = True, max_connections: int = 120, patience_seconds: float = 120.0
    ) -> None:
        self._place = Place(folder.absolute() / "postgres")
        self._durable = durable
        self._max_connections = max_connections
        self._patience_seconds = patience_seconds
        self._users: int | None = None
        self._owner = 0

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def socket_folder(self) -> Path:
        """The folder of the Unix socket, mode 0700; valid while started."""
        return self._place.socket

    def dsn(self, *, user: str = "postgres", database: str = "postgres") -> str:
        """A libpq URL for asyncpg (and SQLAlchemy, with its driver's name put in); valid while started."""
        where = urlencode({"host": str(self.socket_folder), "port": str(PORT)}, quote_via=quote)
        return f"postgresql://{quote(user, safe='')}@/{quote(database, safe='')}?{where}"

    def start(self) -> None:
        """Join the running server, or start one (the first time, make its cluster); return when it takes connections."""
        if self._users is not None:
            raise EmbeddedPostgresError("already started")
        self._place.prepare()
        with self._starting_or_leaving():
            # Waits for a server that is being shut down; once we share the lock, none will be.
            users = self._open_lock("users")
            try:
                fcntl.flock(users, fcntl.LOCK_SH)
                self._join_or_start()
            except BaseException:
                os.close(users)
                raise
        self._users, self._owner = users, os.getpid()

    def stop(self) -> None:
        """Leave the server; return when it has ended, or at once when others use it. Stopping twice does nothing."""
        users, self._users = self._users, None
        if users is None:
            return
        if os.getpid() != self._owner:
            os.close(users)  # A forked child shares its parent's lock, and must not change it.
            return
        with self._starting_or_leaving():
            # Whoever gets it exclusively is the last one; whoever cannot even share it comes after the watchdog.
            last = try_lock(users, fcntl.LOCK_EX) or not try_lock(users, fcntl.LOCK_SH)
            fcntl.flock(users, fcntl.LOCK_UN)
            if last and self._has_ended():
                fcntl.flock(users, fcntl.LOCK_SH)  # Waits for the watchdog, too.
            os.close(users)

    def _open_lock(self, name: str) -> int:
        """Open a lock file; closing the descriptor, or dying, lets go of its lock."""
        return self._place.open(self._place.lock(name))

    @contextmanager
    def _starting_or_leaving(self) -> Iterator[None]:
        """Be the only one who starts, joins or leaves, waiting for others to be done."""
        descriptor = self._open_lock("start")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _join_or_start(self) -> None:
        """Wait for PostgreSQL to be ready or to be gone (somebody may have died while starting it): join or start."""
        deadline = time.monotonic() + self._patience_seconds
        alive = self._open_lock("alive")
        try:
            while not try_lock(alive, fcntl.LOCK_EX):
                status = embedded_watchdog.postmaster_status(self._place.data)
                if status is not None and status[1] == "ready":
                    return
                if time.monotonic() > deadline:
                    raise EmbeddedPostgresError(f"PostgreSQL on {self._place.data} does not become ready")
                time.sleep(PAUSE_SECONDS)
            self._start(alive)
        finally:
            os.close(alive)

    def _start(self, alive: int) -> None:
        """Start PostgreSQL below a watchdog; `alive` is the held lock that it inherits."""
        place = self._place
        if place.data.exists():
            place.check_version()
        place.clear_leftovers()
        account = find_account(place)
        programs = settle(place, account)
        if not place.data.exists():
            create_data(place, programs, account, self._durable, alive)
        with ExitStack() as doors:
            data, data_door = reach(place.data, account, doors)
            socket, socket_door = reach(place.socket, account, doors)
            order: embedded_watchdog.Order = {
                "argv": command(programs, data, socket, self._durable, self._max_connections),
                "env": child_environment(),
                "account": None if account is None else (account.uid, account.gid),
                "data": str(place.data),
                "users": str(place.lock("users")),
                "alive": alive,
                "log": str(place.log),
                "outside": str(place.outside) if place.find_outside() else None,
            }
            self._run_watchdog(order, [alive, *data_door, *socket_door])

    def _run_watchdog(self, order: embedded_watchdog.Order, descriptors: list[int]) -> None:
        """Start the watchdog in a session of its own, where no Ctrl-C reaches it, and wait for its word."""
        with os.fdopen(self._place.open(self._place.log), "rb") as log:
            log_start = log.seek(0, os.SEEK_END)
            try:
                result = subprocess.run(
                    [sys.executable, "-I", "-S", embedded_watchdog.__file__, json.dumps(order)],
                    stdin=subprocess.DEVNULL,
                    stdout=subprocess.PIPE,
                    stderr=subprocess.STDOUT,
                    pass_fds=descriptors,
                    env=child_environment(),
                    cwd="/",
                    start_new_session=True,
                    timeout=self._patience_seconds,
                    check=False,
                )
            except subprocess.TimeoutExpired as error:
                raise EmbeddedPostgresError(f"PostgreSQL on {self._place.data} does not become ready") from error
            if result.stdout != b"ready":
                log.seek(log_start)
                lines = (result.stdout + log.read()).decode("utf-8", "replace").splitlines()[-LOG_TAIL_LINES:]
                raise EmbeddedPostgresError(
                    "\n".join([f"PostgreSQL did not start; {self._place.log} ends with:", *lines])
                )

    def _has_ended(self) -> bool:
        """Wait until no process of PostgreSQL is left; False for a very slow shutdown, which goes on without us."""
        deadline = time.monotonic() + self._patience_seconds
        alive = self._open_lock("alive")
        try:
            while not try_lock(alive, fcntl.LOCK_EX):
                if time.monotonic() > deadline:
                    return False
                time.sleep(PAUSE_SECONDS)
        finally:
            os.close(alive)
        return True


def try_lock(descriptor: int, kind: int) -> bool:
    """Take or change the lock if that is possible at once; changing is not atomic, and failing gives up the old lock."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
