"""Decides what an embedded PostgreSQL's cluster is: its folder, the account that runs it, its creation, its settings.

Everything lies in one folder, 0700 and owned by whoever starts it. PostgreSQL refuses to run as root, and the account that it
then runs as can usually not enter that folder: it gets the data and the socket folder as open descriptors and names them
`/proc/self/fd/N`, so that no folder on the way has to be opened up and the data stays where its owner put it.
"""

import os
import pwd
import shutil
import subprocess
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

MAJOR_VERSION = "18"
PORT = 5432
LOG_BYTES = 10_000_000
# The builtin provider sorts by code point and folds case by Unicode, the same on every machine, whatever its libc.
LOCALE = ["--encoding=UTF8", "--locale=C", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]

SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "unix_socket_permissions": "0700",
    "shared_buffers": "256MB",
    "jit": "off",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "off",
    "log_line_prefix": "%m [%p] %q%u@%d ",
    # Patients are not for logs: no statement, no parameter, no detail ("Key (…) already exists"), and no error of a
    # statement at all, because its very text can quote a value; whoever sent the statement is told all of it.
    "log_min_messages": "log",
    "log_error_verbosity": "terse",
    "log_statement": "none",
    "log_min_error_statement": "panic",
    "log_min_duration_statement": "-1",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}
# For tests: what a power cut would destroy is a database that nobody keeps, and statistics change only when asked to.
NOT_DURABLE = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
}


class EmbeddedPostgresError(RuntimeError):
    """The embedded PostgreSQL cannot run; the text says why and what helps, and holds no data."""


@dataclass(frozen=True)
class Account:
    """An account of the operating system, by its numbers."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Place:
    """Where everything of one embedded PostgreSQL lies, below `root`; `outside` is a link to what cannot lie there."""

    root: Path

    @property
    def data(self) -> Path:
        """The cluster; there once it is whole."""
        return self.root / "data"

    @property
    def unfinished_data(self) -> Path:
        """The cluster while it is being made."""
        return self.root / "data.new"

    @property
    def outside(self) -> Path:
        """The link to the folder for what cannot lie here."""
        return self.root / "outside"

    @property
    def socket(self) -> Path:
        """The folder of the socket, the same for every user of one running server."""
        return (self.find_outside() or self.root) / "socket"

    @property
    def log(self) -> Path:
        """PostgreSQL's own log."""
        return self.root / "postgres.log"

    def lock(self, name: str) -> Path:
        """The lock file for "start" (starting and leaving), "users" (shared by each), "alive" (held by PostgreSQL)."""
        return self.root / f"{name}.lock"

    def find_outside(self) -> Path | None:
        """The folder behind the link, which is followed once: what others may have put in its place is not followed."""
        return self.outside.readlink() if self.outside.is_symlink() else None

    def open(self, path: Path) -> int:
        """Open or make a file below the root, for appending; root's files in another account's folder are that account's."""
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if os.geteuid() == 0:
            owner = self.root.stat()
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
        return descriptor

    def prepare(self) -> None:
        """Make the folder, for its owner only; refuse one that belongs to another account."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner = self.root.stat().st_uid
        if os.geteuid() not in (0, owner):
            raise EmbeddedPostgresError(
                f"{self.root} belongs to user {owner}: start as that user, or use another folder"
            )
        if os.geteuid() == owner:
            self.root.chmod(0o700)

    def check_version(self) -> None:
        """Refuse data of another major version: PostgreSQL does not read it, and converting is its owner's decision."""
        version = (self.data / "PG_VERSION").read_text("ascii").strip()
        if version != MAJOR_VERSION:
            raise EmbeddedPostgresError(
                f"{self.data} was made by PostgreSQL {version}, this is PostgreSQL {MAJOR_VERSION}: "
                f"dump it with version {version} and load the dump into an empty folder"
            )

    def clear_leftovers(self) -> None:
        """Remove what a crash left behind; only for the holder of the alive lock, so nothing here is in use."""
        remove_stale_pid_file(self.data)
        if outside := self.find_outside():
            shutil.rmtree(outside, ignore_errors=True)
            self.outside.unlink()
        shutil.rmtree(self.root / "socket", ignore_errors=True)
        shutil.rmtree(self.unfinished_data, ignore_errors=True)
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))


def remove_stale_pid_file(data: Path) -> None:
    """Remove PostgreSQL's pid file, unless a PostgreSQL works in the data folder: one started by other means than ours.

    PostgreSQL itself would refuse to start for as long as any process of the same account has the number in it. Where there is
    no /proc to look into, it is left to that.
    """
    pid_file = data / "postmaster.pid"
    if not pid_file.exists() or sys.platform != "linux":
        return
    for process in Path("/proc").glob("[0-9]*"):
        if works_as_postgres(process, data):
            raise EmbeddedPostgresError(f"process {process.name} runs PostgreSQL on {data} already: stop it first")
    pid_file.unlink(missing_ok=True)


def works_as_postgres(process: Path, data: Path) -> bool:
    """Whether the process (its folder in /proc) is PostgreSQL on this data; of other accounts, who cannot be, /proc is silent."""
    try:
        return (process / "cwd").samefile(data) and (process / "exe").readlink().name.startswith("postgres")
    except OSError:
        return False


def find_account(place: Place) -> Account | None:
    """Who has to run PostgreSQL when we are root: the owner of the data or of its folder, else `nobody`. None: we."""
    if os.geteuid() != 0:
        return None
    for path in (place.data, place.root):
        if path.exists() and (owner := path.stat()).st_uid != 0:
            return Account(owner.st_uid, owner.st_gid)
    try:
        nobody = pwd.getpwnam("nobody")
    except KeyError:
        raise EmbeddedPostgresError("PostgreSQL does not run as root, and there is no account `nobody`") from None
    return Account(nobody.pw_uid, nobody.pw_gid)


def make_private(folder: Path, account: Account | None) -> None:
    """Make a folder that only the account (None: we ourselves) may use."""
    folder.mkdir(mode=0o700)
    if account is not None:
        os.chown(folder, account.uid, account.gid)


def reach(folder: Path, account: Account | None, doors: ExitStack) -> tuple[str, list[int]]:
    """The name by which a child process reaches the folder, and the descriptors it must inherit for that."""
    if account is None or sys.platform != "linux":
        return str(folder), []
    door = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    doors.callback(os.close, door)
    return f"/proc/self/fd/{door}", [door]


def child_environment() -> dict[str, str]:
    """What PostgreSQL's programs need of our environment: not its secrets, and no PG… variable that changes settings."""
    libraries = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    return {**libraries, "LC_ALL": "C", "TZ": "UTC"}


def create_data(place: Place, programs: Path, account: Account | None, durable: bool, alive: int) -> None:
    """Make a new cluster beside its place and move it there when complete; initdb, too, holds the alive lock."""
    make_private(place.unfinished_data, account)
    with ExitStack() as doors:
        name, descriptors = reach(place.unfinished_data, account, doors)
        options = [*LOCALE, "--username=postgres", "--auth-local=trust", "--auth-host=reject", "--no-instructions"]
        result = subprocess.run(
            [str(programs / "bin" / "initdb"), f"--pgdata={name}", *options, *([] if durable else ["--no-sync"])],
            pass_fds=[alive, *descriptors],
            env=child_environment(),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            umask=0o077,
            start_new_session=True,
            cwd="/",
            user=None if account is None else account.uid,
            group=None if account is None else account.gid,
            extra_groups=None if account is None else [],
            check=False,
        )
    if result.returncode != 0:
        raise EmbeddedPostgresError(f"initdb failed: {result.stderr.strip()}")
    place.unfinished_data.rename(place.data)
    if durable:
        sync_folder(place.root)


def sync_folder(folder: Path) -> None:
    """Make a rename in this folder outlast a power cut."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def command(programs: Path, data: str, socket: str, durable: bool, max_connections: int) -> list[str]:
    """PostgreSQL's command line: every setting stands here, so that a new release applies its own to old data."""
    quoted = socket.replace('"', '""')
    settings = SETTINGS | ({} if durable else NOT_DURABLE)
    settings |= {"unix_socket_directories": f'"{quoted}"', "max_connections": str(max_connections)}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return [str(programs / "bin" / "postgres"), "-D", data, *options]
