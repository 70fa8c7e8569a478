"""The operating system account of the embedded PostgreSQL when root starts it: made on request, warned of otherwise."""

import fcntl
import os
import pwd
import shutil
import stat
import subprocess
from pathlib import Path

from server.embedded.cluster import OWN_ACCOUNT, Account, EmbeddedPostgresError, Place, find_account

_NO_LOGIN = ("/usr/sbin/nologin", "/sbin/nologin", "/bin/false")
_BY_HAND = f"make a system account named {OWN_ACCOUNT} by hand, and start with --create-account again"


def warning(place: Place) -> str | None:
    """The warning of a start as root: what the account that PostgreSQL runs as does not protect; None for any other account."""
    account = find_account(place)
    if account is None:
        return None
    name = _name_of(account)
    if name == "nobody":
        return (
            "billing was started by root: PostgreSQL runs as the account nobody, and any other process of that account can "
            "read and change all data. Start billing as an ordinary account, or once with `billing serve --create-account`"
        )
    return (
        f"billing was started by root: PostgreSQL runs as the account {name}, but billing itself may do everything on this "
        "machine. Start billing as an ordinary account"
    )


def _name_of(account: Account) -> str:
    try:
        return pwd.getpwuid(account.uid).pw_name
    except KeyError:
        return f"number {account.uid}"


def create_account(place: Place) -> None:
    """Make the account OWN_ACCOUNT unless it exists, and give it the data; EmbeddedPostgresError when that is not possible."""
    if os.geteuid() != 0:
        raise EmbeddedPostgresError("--create-account is for root: PostgreSQL runs as the account that starts it")
    place.prepare()
    if (owner := place.root.stat().st_uid) != 0:
        raise EmbeddedPostgresError(
            f"{place.root} belongs to user {owner}, and PostgreSQL runs as that user: --create-account has no effect there"
        )
    account = _find_or_make()
    descriptor = place.open(place.lock("start"))
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        former = find_account(place)
        if former not in (None, account) and place.data.exists():
            _check_stopped(place)
            give_to(place.data, account)
    finally:
        os.close(descriptor)


def _find_or_make() -> Account:
    try:
        found = pwd.getpwnam(OWN_ACCOUNT)
    except KeyError:
        _make()
        found = pwd.getpwnam(OWN_ACCOUNT)
    if found.pw_uid == 0:
        raise EmbeddedPostgresError(f"the account {OWN_ACCOUNT} is root, as which PostgreSQL does not run")
    return Account(found.pw_uid, found.pw_gid)


def find_useradd() -> str | None:
    """The program that makes accounts, where the system has it."""
    return shutil.which("useradd", path="/usr/sbin:/sbin:/usr/bin:/bin")


def _make() -> None:
    program = find_useradd()
    if program is None:
        raise EmbeddedPostgresError(f"this system has no useradd: {_BY_HAND}")
    shell = next((path for path in _NO_LOGIN if Path(path).exists()), _NO_LOGIN[-1])
    options = ["--system", "--user-group", "--no-create-home", "--home-dir", "/nonexistent", "--shell", shell]
    made = subprocess.run(
        [program, *options, "--comment", "PostgreSQL of Clinic Billing", OWN_ACCOUNT],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    if made.returncode != 0:
        raise EmbeddedPostgresError(f"useradd could not make {OWN_ACCOUNT} ({made.stderr.strip()}): {_BY_HAND}")


def _check_stopped(place: Place) -> None:
    descriptor = place.open(place.lock("alive"))
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise EmbeddedPostgresError(
            f"PostgreSQL on {place.data} is running: stop every billing process of that folder first"
        ) from None
    finally:
        os.close(descriptor)


def give_to(data: Path, account: Account) -> None:
    """Change the owner of the data folder and everything in it.

    The former owner can change names in the folder meanwhile. So each entry is opened without following links, and only
    what belonged to that owner by a single name is given away: a hard link to a file of root's stays root's. The folder
    itself comes last, so that an interrupted change is completed by the next one.
    """
    former = data.stat().st_uid
    for _, folders, names, folder in os.fwalk(data, topdown=False, follow_symlinks=False):
        for name in (*folders, *names):
            _give_entry(name, folder, former, account)
    os.chown(data, account.uid, account.gid, follow_symlinks=False)


def _give_entry(name: str, folder: int, former: int, account: Account) -> None:
    try:
        entry = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except OSError:
        # A symbolic link, or the socket of a dead process: PostgreSQL needs to own neither.
        return
    try:
        found = os.fstat(entry)
        if found.st_uid == former and (stat.S_ISDIR(found.st_mode) or found.st_nlink == 1):
            os.fchown(entry, account.uid, account.gid)
    finally:
        os.close(entry)
