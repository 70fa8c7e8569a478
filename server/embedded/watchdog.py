"""The watchdog of the embedded PostgreSQL: shuts it down as soon as no process holds the lock that its users share.

It runs as a separate program (`python -I -S`, standard library only) and is PostgreSQL's parent, so the only process that it
signals is its own child, whose pid cannot have been reused. If the watchdog itself is killed, the kernel sends PostgreSQL the
signal for a fast shutdown (Linux).
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
# The timeout of a fast shutdown, which writes a checkpoint; after it, recovery at the next start is the lesser evil.
FAST_SHUTDOWN_SECONDS = 60.0
PR_SET_PDEATHSIG = 1
STATUS_LINE = 7  # of postmaster.pid, counted from zero; the first line is the pid


class Order(TypedDict):
    """What to run and watch: absolute paths, the inherited descriptor `alive`, and `account` as uid and gid."""

    argv: list[str]
    env: dict[str, str]
    account: tuple[int, int] | None
    data: str
    users: str
    alive: int
    log: str
    outside: str | None


def postmaster_status(data: Path) -> tuple[int, str] | None:
    """The pid and status ("starting", "ready", "stopping" …) from PostgreSQL's pid file, or None."""
    try:
        lines = (data / "postmaster.pid").read_text("utf-8", "replace").split("\n")
        return int(lines[0]), lines[STATUS_LINE].strip()
    except (OSError, ValueError, IndexError):
        return None


def become_account(account: tuple[int, int] | None) -> None:
    """Drop root privileges permanently, supplementary groups first."""
    if account is not None:
        os.setgroups([])
        os.setgid(account[1])
        os.setuid(account[0])


def die_with_parent(parent: int) -> None:
    """Have the kernel signal a fast shutdown when the watchdog ends; called after any change of account, which clears it."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGINT)
        if os.getppid() != parent:
            os._exit(1)


def set_signals(action: signal.Handlers, *numbers: signal.Signals) -> None:
    """Set the action of several signals."""
    for number in numbers:
        signal.signal(number, action)


def spawn_postgres(order: Order) -> int:
    """Start PostgreSQL as a child and return its pid; it inherits the alive lock and writes to the log."""
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
    """Whether the child has ended; it is reaped only here, so its pid cannot be reused before."""
    return os.waitpid(child, os.WNOHANG)[0] == child


def is_unused(users: int) -> bool:
    """Try to acquire the users' lock exclusively, which succeeds when no user is left; from then on new users wait for it."""
    try:
        fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def shut_down(child: int) -> None:
    """Shut down fast, or immediately when that exceeds the timeout; returns when the child has ended."""
    os.kill(child, signal.SIGINT)
    deadline = time.monotonic() + FAST_SHUTDOWN_SECONDS
    while not has_ended(child):
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGQUIT)
            deadline = float("inf")
        time.sleep(STARTING_PAUSE_SECONDS)


def report_ready(log: str) -> None:
    """Report ready to the process that started the watchdog, then replace its pipe: further output goes to the log."""
    os.write(1, b"ready")
    with open(log, "ab") as stream:
        os.dup2(stream.fileno(), 1)
        os.dup2(stream.fileno(), 2)


def watch(child: int, order: Order, users: int) -> bool:
    """Wait until PostgreSQL ends by itself (False) or was shut down because its last user had left (True)."""
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
    """The target of the link, locked while this process lives, so that systemd-tmpfiles does not clean it up."""
    if outside is None:
        return None
    fcntl.flock(os.open(outside, os.O_RDONLY | os.O_DIRECTORY), fcntl.LOCK_SH | fcntl.LOCK_NB)
    return Path(os.readlink(outside))


def remove_outside(folder: Path | None, link: str | None, unused: bool) -> None:
    """Remove the temporary folder; the link only if the users' lock is held, because a successor may have replaced it."""
    if folder is not None and link is not None:
        shutil.rmtree(folder, ignore_errors=True)
        if unused:
            Path(link).unlink(missing_ok=True)


def main() -> None:
    """Start PostgreSQL as the first argument (an `Order` as JSON) says, and watch it until it ends."""
    order: Order = json.loads(sys.argv[1])
    if os.fork():
        os._exit(0)  # The starting process need not reap the watchdog, whose parent is now init.
    os.umask(0o077)
    outside = hold_outside(order["outside"])
    users = os.open(order["users"], os.O_RDONLY)
    # PostgreSQL starts with the default actions, so that it loses no signal; only then does the watchdog ignore them.
    set_signals(signal.SIG_DFL, signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE, signal.SIGXFSZ)
    child = spawn_postgres(order)
    set_signals(signal.SIG_IGN, signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE)
    os.close(order["alive"])
    unused = watch(child, order, users)
    remove_outside(outside, order["outside"], unused)


if __name__ == "__main__":
    main()
