"""The cluster of the embedded PostgreSQL: its data folder, operating system account, creation and settings.

Everything lies in one folder with mode 0700, owned by the account that starts it. PostgreSQL refuses to run as root, and the
account that it runs as instead usually cannot enter that folder: it inherits the data and the socket folder as open file
descriptors and names them `/proc/self/fd/N`, so that no parent folder needs wider permissions and the data stays in place.
"""

import os
import pwd
import shutil
import subprocess
import sys
import tempfile
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from pathlib import Path

from server.operator_errors import OperatorError

MAJOR_VERSION = "18"
# The system account that `billing serve --create-account` makes for PostgreSQL.
OWN_ACCOUNT = "billing-postgres"
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
    # No patient data in the log: no statement, no parameter, no detail ("Key (…) already exists"), and no error of a
    # statement at all, because its text can quote a value; the client that sent the statement gets the full error.
    "log_min_messages": "log",
    "log_error_verbosity": "terse",
    "log_statement": "none",
    "log_min_error_statement": "panic",
    "log_min_duration_statement": "-1",
    "log_parameter_max_length": "0",
    "log_parameter_max_length_on_error": "0",
}
# For tests: their databases need not survive a power failure, and statistics change only by explicit ANALYZE.
NOT_DURABLE = {
    "fsync": "off",
    "synchronous_commit": "off",
    "full_page_writes": "off",
    "wal_level": "minimal",
    "max_wal_senders": "0",
    "autovacuum": "off",
}


class EmbeddedPostgresError(OperatorError, RuntimeError):
    """The embedded PostgreSQL cannot run; the message says why and what to do, and holds no data."""


@dataclass(frozen=True)
class Account:
    """An account of the operating system, by user and group id."""

    uid: int
    gid: int


@dataclass(frozen=True)
class Place:
    """The paths of one embedded PostgreSQL below `root`; `outside` is a symbolic link to a temporary folder, if one is needed."""

    root: Path

    @property
    def data(self) -> Path:
        """The data folder; it exists only once the cluster is complete."""
        return self.root / "data"

    @property
    def unfinished_data(self) -> Path:
        """The data folder while the cluster is being created."""
        return self.root / "data.new"

    @property
    def outside(self) -> Path:
        """The symbolic link to the temporary folder for what cannot lie below `root`."""
        return self.root / "outside"

    @property
    def socket(self) -> Path:
        """The folder of the socket, the same for every user of one running server."""
        return (self.find_outside() or self.root) / "socket"

    @property
    def password(self) -> Path:
        """The file of the superuser's password, in the format of libpq's PGPASSFILE."""
        return self.root / "pgpass"

    @property
    def hba(self) -> Path:
        """PostgreSQL's rules of authentication (its setting hba_file), beside the data and not in it."""
        return self.root / "pg_hba.conf"

    @property
    def log(self) -> Path:
        """PostgreSQL's own log."""
        return self.root / "postgres.log"

    def lock(self, name: str) -> Path:
        """The lock file "start" (held while starting or leaving), "users" (shared by each user) or "alive" (held by PostgreSQL)."""
        return self.root / f"{name}.lock"

    def find_outside(self) -> Path | None:
        """The target of the link, read once: a link that another account puts in place of the target is not followed."""
        return self.outside.readlink() if self.outside.is_symlink() else None

    def open(self, path: Path) -> int:
        """Open or create a file below the root for appending; as root, it is given to the owner of the folder."""
        descriptor = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
        if os.geteuid() == 0:
            owner = self.root.stat()
            os.fchown(descriptor, owner.st_uid, owner.st_gid)
        return descriptor

    def prepare(self) -> None:
        """Create the folder with mode 0700; EmbeddedPostgresError when it belongs to another account."""
        self.root.mkdir(mode=0o700, parents=True, exist_ok=True)
        owner = self.root.stat().st_uid
        if os.geteuid() not in (0, owner):
            raise EmbeddedPostgresError(
                f"{self.root} belongs to user {owner}: start as that user, or use another folder"
            )
        if os.geteuid() == owner:
            self.root.chmod(0o700)

    def check_version(self) -> None:
        """EmbeddedPostgresError for data of another major version: PostgreSQL cannot read it, and upgrading is the owner's decision."""
        version = (self.data / "PG_VERSION").read_text("ascii").strip()
        if version != MAJOR_VERSION:
            raise EmbeddedPostgresError(
                f"{self.data} was made by PostgreSQL {version}, this is PostgreSQL {MAJOR_VERSION}: "
                f"dump it with version {version} and load the dump into an empty folder"
            )

    def clear_leftovers(self) -> None:
        """Remove the remains of a crash; only the holder of the alive lock may call it, so nothing here is in use."""
        remove_stale_pid_file(self.data)
        if outside := self.find_outside():
            shutil.rmtree(outside, ignore_errors=True)
            self.outside.unlink()
        shutil.rmtree(self.root / "socket", ignore_errors=True)
        shutil.rmtree(self.unfinished_data, ignore_errors=True)
        if self.log.exists() and self.log.stat().st_size > LOG_BYTES:
            self.log.replace(self.log.with_suffix(".log.1"))


def remove_stale_pid_file(data: Path) -> None:
    """Remove a stale pid file; EmbeddedPostgresError when a PostgreSQL that was started by other means uses the data folder.

    PostgreSQL itself refuses to start while any process of the same account has the pid in that file. On systems without /proc,
    the check is left to PostgreSQL.
    """
    pid_file = data / "postmaster.pid"
    if not pid_file.exists() or sys.platform != "linux":
        return
    for process in Path("/proc").glob("[0-9]*"):
        if works_as_postgres(process, data):
            raise EmbeddedPostgresError(f"process {process.name} runs PostgreSQL on {data} already: stop it first")
    pid_file.unlink(missing_ok=True)


def works_as_postgres(process: Path, data: Path) -> bool:
    """Whether the process (its folder in /proc) is PostgreSQL on this data; other accounts' processes are not readable and cannot be."""
    try:
        return (process / "cwd").samefile(data) and (process / "exe").readlink().name.startswith("postgres")
    except OSError:
        return False


def find_account(place: Place) -> Account | None:
    """The account for PostgreSQL when this process is root; None: our own.

    It is the owner of the data or its folder; for new data OWN_ACCOUNT if it exists, else `nobody`.
    """
    if os.geteuid() != 0:
        return None
    for path in (place.data, place.root):
        if path.exists() and (owner := path.stat()).st_uid != 0:
            return Account(owner.st_uid, owner.st_gid)
    for name in (OWN_ACCOUNT, "nobody"):
        with suppress(KeyError):
            found = pwd.getpwnam(name)
            return Account(found.pw_uid, found.pw_gid)
    raise EmbeddedPostgresError("PostgreSQL does not run as root, and there is no account `nobody`")


def make_private(folder: Path, account: Account | None) -> None:
    """Create a folder that only the account (None: our own) may use."""
    folder.mkdir(mode=0o700)
    if account is not None:
        os.chown(folder, account.uid, account.gid)


def reach(path: Path, account: Account | None, doors: ExitStack) -> tuple[str, list[int]]:
    """The name by which a child process reaches a folder or file, and the file descriptors that it must inherit for it."""
    if account is None or sys.platform != "linux":
        return str(path), []
    door = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    doors.callback(os.close, door)
    return f"/proc/self/fd/{door}", [door]


def child_environment() -> dict[str, str]:
    """The environment of PostgreSQL's programs: no secrets, and no PG… variable that changes settings."""
    libraries = {name: os.environ[name] for name in ("LD_LIBRARY_PATH",) if name in os.environ}
    return {**libraries, "LC_ALL": "C", "TZ": "UTC"}


def run_program(
    argv: list[str], account: Account | None, descriptors: list[int], environment: dict[str, str], text: str = ""
) -> "subprocess.CompletedProcess[str]":
    """Run a program of PostgreSQL to its end, as the account, with this text on standard input."""
    return subprocess.run(
        argv,
        pass_fds=descriptors,
        env=environment,
        input=text,
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


def create_data(
    place: Place, programs: Path, account: Account | None, durable: bool, alive: int, verifier: str
) -> None:
    """Create a cluster beside its final path and rename it when complete; initdb, too, holds the alive lock.

    `verifier` is the SCRAM verifier of the superuser's password, which PostgreSQL takes in place of the password.
    """
    make_private(place.unfinished_data, account)
    with ExitStack() as doors:
        name, descriptors = reach(place.unfinished_data, account, doors)
        words = doors.enter_context(tempfile.NamedTemporaryFile(dir=place.root))
        words.write(f"{verifier}\n".encode())
        words.flush()
        if account is not None:
            os.fchown(words.fileno(), account.uid, account.gid)
        password, words_descriptors = reach(Path(words.name), account, doors)
        options = [*LOCALE, "--username=postgres", "--auth-local=scram-sha-256", "--auth-host=reject"]
        options += [f"--pwfile={password}", "--no-instructions", *([] if durable else ["--no-sync"])]
        argv = [str(programs / "bin" / "initdb"), f"--pgdata={name}", *options]
        result = run_program(argv, account, [alive, *descriptors, *words_descriptors], child_environment())
    if result.returncode != 0:
        raise EmbeddedPostgresError(f"initdb failed: {result.stderr.strip()}")
    place.unfinished_data.rename(place.data)
    if durable:
        sync_folder(place.root)


def sync_folder(folder: Path) -> None:
    """Fsync a folder, so that a rename in it survives a power failure."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def command(programs: Path, data: str, socket: str, hba: str, durable: bool, max_connections: int) -> list[str]:
    """PostgreSQL's command line with all settings, so that a new release applies its settings to an existing cluster."""
    quoted = socket.replace('"', '""')
    settings = SETTINGS | ({} if durable else NOT_DURABLE)
    settings |= {"unix_socket_directories": f'"{quoted}"', "max_connections": str(max_connections), "hba_file": hba}
    options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
    return [str(programs / "bin" / "postgres"), "-D", data, *options]
