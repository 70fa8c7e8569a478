"""Decides when an embedded PostgreSQL dies: as soon as no process holds the lock that each of its users shares.

It runs as a program of its own (`python -I -S`, standard library only) and is PostgreSQL's parent, so the only process that it
ever signals is its own child, whose number nobody else can have got. Should it be killed itself, the kernel passes its end on
to PostgreSQL as the signal for a fast shutdown (Linux).
"""

import ctypes
import fcntl
import json
import os
import shutil
import signal
import sys
import time
from pathlib import Path
from typing import TypedDict

STARTING_PAUSE_SECONDS = 0.003
RUNNING_PAUSE_SECONDS = 0.05
# A fast shutdown writes out what is only in memory; past this, recovery at the next start is the lesser evil.
FAST_SHUTDOWN_SECONDS = 60.0
PR_SET_PDEATHSIG = 1
STATUS_LINE = 7  # of postmaster.pid, counted from zero; the first line is the process number


class Order(TypedDict):
    """What to run and watch; paths are absolute, `alive` is an inherited descriptor, `account` a uid and a gid."""

    argv: list[str]
    env: dict[str, str]
    account: tuple[int, int] | None
    data: str
    users: str
    alive: int
    log: str
    outside: str | None


def postmaster_status(data: Path) -> tuple[int, str] | None:
    """Process number and status ("starting", "ready", "stopping" …) that PostgreSQL wrote into its folder, or None."""
    try:
        lines = (data / "postmaster.pid").read_text("utf-8", "replace").split("\n")
        return int(lines[0]), lines[STATUS_LINE].strip()
    except (OSError, ValueError, IndexError):
        return None


def become_account(account: tuple[int, int] | None) -> None:
    """Give up root for good, supplementary groups first."""
    if account is not None:
        os.setgroups([])
        os.setgid(account[1])
        os.setuid(account[0])


def die_with_parent(parent: int) -> None:
    """Ask the kernel for a fast shutdown when the watchdog ends; must follow any change of account, which clears it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)
        if os.getppid() != parent:
            os._exit(1)


def set_signals(action: signal.Handlers, *numbers: signal.Signals) -> None:
    """Give every one of the signals the action."""
    for number in numbers:
        signal.signal(number, action)


def spawn_postgres(order: Order) -> int:
    """Start PostgreSQL as a child and return its process number; it inherits the alive lock and writes to the log."""
    parent = os.getpid()
    child = os.fork()
    if child:
        return child
    try:
        os.dup2(os.open(order["log"], os.O_WRONLY | os.O_APPEND), 1)
        os.dup2(1, 2)
        become_account(order["account"])
        die_with_parent(parent)
        os.execve(order["argv"][0], order["argv"], order["env"])
    except OSError as error:
        os.write(2, f"cannot run {order['argv'][0]}: {error}\n".encode())
    finally:
        os._exit(127)


def has_ended(child: int) -> bool:
    """Whether the child is gone; it is reaped here and nowhere else, so its number stays ours until then."""
    return os.waitpid(child, os.WNOHANG)[0] == child


def is_unused(users: int) -> bool:
    """Take the users' lock for ourselves if nobody shares it; from then on newcomers wait until we are done."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def shut_down(child: int) -> None:
    """Fast shutdown, or an immediate one when that takes too long; returns when the child is gone."""
    os.kill(child, signal.SIGINT)
    deadline = time.monotonic() + FAST_SHUTDOWN_SECONDS
    while not has_ended(child):
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGQUIT)
            deadline = float("inf")
        time.sleep(STARTING_PAUSE_SECONDS)


def report_ready(log: str) -> None:
    """Tell the process that started us, then let go of its pipe: what we say from now on goes to the log."""
    os.write(1, b"ready")
    with open(log, "ab") as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)


def watch(child: int, order: Order, users: int) -> bool:
    """Stay until PostgreSQL ends by itself (False) or was shut down because its last user had gone (True)."""
    reported = False
    while not has_ended(child):
        if is_unused(users):
            shut_down(child)
            return True
        if not reported and postmaster_status(Path(order["data"])) == (child, "ready"):
            report_ready(order["log"])
            reported = True
        time.sleep(RUNNING_PAUSE_SECONDS if reported else STARTING_PAUSE_SECONDS)
    return False


def hold_outside(outside: str | None) -> Path | None:
    """The folder behind the link, locked for our lifetime: the sign by which systemd's cleaner of old files spares it."""
    if outside is None:
        return None
    fcntl.flock(os.open(outside, os.O_RDONLY | os.O_DIRECTORY), fcntl.LOCK_SH | fcntl.LOCK_NB)
    return Path(os.readlink(outside))


def remove_outside(folder: Path | None, link: str | None, unused: bool) -> None:
    """Remove what lay outside; the link only while the users' lock keeps a successor from having made its own."""
    if folder is not None and link is not None:
        shutil.rmtree(folder, ignore_errors=True)
        if unused:
            Path(link).unlink(missing_ok=True)


def main() -> None:
    """Start PostgreSQL as ordered by the first argument (an `Order` as JSON) and stay with it to its end."""
    order: Order = json.loads(sys.argv[1])
    if os.fork():
        os._exit(0)  # Whoever started us need not reap us later: we now belong to init.
    os.umask(0o077)
    outside = hold_outside(order["outside"])
    users = os.open(order["users"], os.O_RDONLY)
    # PostgreSQL is born with the defaults, so that no signal to it is lost; only then do we become deaf, to outlive the users.
    set_signals(signal.SIG_DFL, signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE, signal.SIGXFSZ)
    child = spawn_postgres(order)
    set_signals(signal.SIG_IGN, signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE)
    os.close(order["alive"])
    unused = watch(child, order, users)
    remove_outside(outside, order["outside"], unused)


if __name__ == "__main__":
    main()
