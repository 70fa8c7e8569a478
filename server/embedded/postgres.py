"""The life cycle of the embedded PostgreSQL of a folder: the first user starts it, others join, the last one shuts it down.

Three lock files make up the protocol, and the kernel releases each lock when its holder ends for any reason: `start.lock` is
held while a user starts, joins or leaves; every user shares `users.lock`, for which the watchdog waits; `alive.lock` is
inherited by every process of PostgreSQL, so that it is free exactly when none is left.
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

from server.embedded import accounts
from server.embedded import watchdog as embedded_watchdog
from server.embedded.cluster import (
    PORT,
    EmbeddedPostgresError,
    Place,
    child_environment,
    command,
    create_data,
    find_account,
    reach,
)
from server.embedded.credentials import SUPERUSER, change_over, how_to_renew, new_verifier, read_password, write_hba
from server.embedded.programs import settle

PAUSE_SECONDS = 0.005
LOG_TAIL_LINES = 12

__all__ = ["EmbeddedPostgres", "EmbeddedPostgresError"]


class EmbeddedPostgres:
    """A PostgreSQL server in `folder`/postgres, shared by all processes (and objects) that use the same folder.

    `durable=False` is for tests: faster, but data is lost in a power failure. The first user's values of it and of
    `max_connections` apply. Starting and stopping raise `EmbeddedPostgresError` on failure or after `patience_seconds`.
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
        self._password = ""

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

    @property
    def warning(self) -> str | None:
        """What a start as root does not protect; None when this process is not root."""
        return accounts.warning(self._place)

    @property
    def wrong_password(self) -> str:
        """The error message when PostgreSQL refuses the password, such as after its data was restored from another place."""
        return f"{self._place.password} is not the password of {self._place.data}: {how_to_renew(self._place)}"

    def create_account(self) -> None:
        """As root, make an account for PostgreSQL alone and give it the data; while no process uses the folder."""
        accounts.create_account(self._place)

    def dsn(self, *, user: str = SUPERUSER, database: str = "postgres", password: str = "") -> str:
        """A libpq URL for asyncpg (and SQLAlchemy, with its driver's name put in); valid while started.

        It contains the superuser's password; another user's must be given.
        """
        secret = self._password if user == SUPERUSER else password
        name = quote(user, safe="") + (f":{quote(secret, safe='')}" if secret else "")
        where = urlencode({"host": str(self.socket_folder), "port": str(PORT)}, quote_via=quote)
        return f"postgresql://{name}@/{quote(database, safe='')}?{where}"

    def start(self) -> None:
        """Join the running server, or start one (creating the cluster the first time); return when it accepts connections."""
        if self._users is not None:
            raise EmbeddedPostgresError("already started")
        self._place.prepare()
        with self._starting_or_leaving():
            # Waits for a server that is shutting down; while this lock is shared, no server shuts down.
            users = self._open_lock("users")
            try:
                fcntl.flock(users, fcntl.LOCK_SH)
                self._join_or_start()
            except BaseException:
                os.close(users)
                raise
        self._users, self._owner = users, os.getpid()
        try:
            self._password = read_password(self._place)
        except EmbeddedPostgresError:
            self.stop()
            raise

    def stop(self) -> None:
        """Leave the server; return when it has ended, or at once when it has other users. Stopping twice has no effect."""
        users, self._users = self._users, None
        if users is None:
            return
        if os.getpid() != self._owner:
            os.close(users)  # A forked child shares its parent's lock and must not change it.
            return
        with self._starting_or_leaving():
            # The last user gets the lock exclusively. If it cannot even be shared, the watchdog holds it and is shutting down.
            last = try_lock(users, fcntl.LOCK_EX) or not try_lock(users, fcntl.LOCK_SH)
            fcntl.flock(users, fcntl.LOCK_UN)
            if last and self._has_ended():
                fcntl.flock(users, fcntl.LOCK_SH)  # Waits for the watchdog, too.
            os.close(users)

    def _open_lock(self, name: str) -> int:
        """Open a lock file; its lock is released when the descriptor is closed or the process ends."""
        return self._place.open(self._place.lock(name))

    @contextmanager
    def _starting_or_leaving(self) -> Iterator[None]:
        """Hold the start lock: only one user at a time starts, joins or leaves."""
        descriptor = self._open_lock("start")
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX)
            yield
        finally:
            os.close(descriptor)

    def _join_or_start(self) -> None:
        """Wait until PostgreSQL is ready, and join; or until it is gone (a process may have died while starting it), and start it."""
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
        """Start PostgreSQL as a child of a watchdog; `alive` is the held lock that it inherits."""
        place = self._place
        if place.data.exists():
            place.check_version()
        place.clear_leftovers()
        account = find_account(place)
        programs = settle(place, account)
        if place.data.exists():
            change_over(place, programs, account, alive)
        else:
            with new_verifier(place) as verifier:
                create_data(place, programs, account, self._durable, alive, verifier)
        write_hba(place)
        with ExitStack() as doors:
            data, data_door = reach(place.data, account, doors)
            socket, socket_door = reach(place.socket, account, doors)
            hba, hba_door = reach(place.hba, account, doors)
            order: embedded_watchdog.Order = {
                "argv": command(programs, data, socket, hba, self._durable, self._max_connections),
                "env": child_environment(),
                "account": None if account is None else (account.uid, account.gid),
                "data": str(place.data),
                "users": str(place.lock("users")),
                "alive": alive,
                "log": str(place.log),
                "outside": str(place.outside) if place.find_outside() else None,
            }
            self._run_watchdog(order, [alive, *data_door, *socket_door, *hba_door])

    def _run_watchdog(self, order: embedded_watchdog.Order, descriptors: list[int]) -> None:
        """Start the watchdog in a session of its own, so that Ctrl-C does not reach it, and wait until it reports ready."""
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
        """Wait until no process of PostgreSQL is left; False after the timeout, while the shutdown continues."""
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
    """Acquire or convert a lock without waiting; conversion is not atomic, and a failed one releases the old lock."""
    try:
        fcntl.flock(descriptor, kind | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
