"""Observes an embedded PostgreSQL from outside: by user processes, and through /proc."""

import asyncio
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import asyncpg

from server.embedded import programs as embedded_programs

PROJECT = Path(__file__).parents[3]
PROGRAM = """
import signal, sys
from pathlib import Path
from server.embedded.postgres import EmbeddedPostgres
with EmbeddedPostgres(Path(sys.argv[1]), durable=False) as server:
    signal.signal(signal.SIGINT, lambda number, frame: print("interrupted", flush=True))
    print(server.dsn(), flush=True)
    sys.stdin.readline()
"""


class User:
    """A process that uses the server of a data folder until its input ends; `dsn` waits until the server is ready."""

    def __init__(
        self,
        folder: Path,
        *,
        uid: int | None = None,
        interpreter: str = sys.executable,
        search_path: Iterable[Path] = (),
    ) -> None:
        python_paths = (*search_path, PROJECT, embedded_programs.find_programs().parent.parent)
        self.process = subprocess.Popen(
            [interpreter, "-c", PROGRAM, str(folder)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            user=uid,
            extra_groups=None if uid is None else [],
            env=os.environ | {"PYTHONPATH": os.pathsep.join(map(str, python_paths))},
            cwd="/",
            start_new_session=True,
        )
        self._dsn = ""

    @property
    def dsn(self) -> str:
        self._dsn = self._dsn or self.read_line()
        assert self._dsn.startswith("postgresql://"), self.process.communicate(timeout=30)
        return self._dsn

    def read_line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def leave(self) -> None:
        """End the process in an orderly way, and wait for its end."""
        self.process.communicate(timeout=30)

    def kill(self) -> None:
        """End the process by kill -9."""
        self.process.kill()
        self.process.communicate(timeout=30)


def ask(dsn: str, statement: str) -> object:
    """The first value that the statement returns."""

    async def fetch() -> object:
        connection = await asyncpg.connect(dsn, timeout=10)
        try:
            return await connection.fetchval(statement)
        finally:
            await connection.close()

    return asyncio.run(fetch())


def postgres_processes(folder: Path) -> set[int]:
    """The ids of all PostgreSQL processes in the cluster of the folder, no matter which process started them."""
    data = str((folder / "postgres" / "data").resolve())
    return {number for number in process_numbers() if read_link(f"/proc/{number}/cwd") == data}


def watchdogs(folder: Path) -> set[int]:
    """The process ids of the watchdogs of the folder."""
    wanted = ("embedded/watchdog.py", json.dumps(str(folder / "postgres" / "users.lock")))
    return {number for number in process_numbers() if all(word in read_command(number) for word in wanted)}


def kill_all(numbers: Iterable[int]) -> None:
    """Kill -9 all of them at one moment: each is stopped first, so that none reacts to the end of another.

    Some may have ended already.
    """
    numbers = list(numbers)
    for sent in (signal.SIGSTOP, signal.SIGKILL):
        for number in numbers:
            with contextlib.suppress(ProcessLookupError):
                os.kill(number, sent)


def process_numbers() -> list[int]:
    return [int(name) for name in os.listdir("/proc") if name.isdigit()]


def read_link(path: str | Path) -> str:
    """The target of a symbolic link in /proc, "" when its process has ended or belongs to another account."""
    try:
        return os.readlink(path)
    except OSError:
        return ""


def read_command(number: int) -> str:
    """The command line of a process, "" when it has ended."""
    try:
        return Path(f"/proc/{number}/cmdline").read_text()
    except OSError:
        return ""


def comes_true(condition: Callable[[], bool], seconds: float = 10.0) -> bool:
    """Whether the condition holds within the time."""
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.01)
    return True


def nothing_is_left(folder: Path, seconds: float = 2.0) -> bool:
    """Whether PostgreSQL and the watchdogs of the folder have all ended within the time."""
    return comes_true(lambda: not postgres_processes(folder) and not watchdogs(folder), seconds)
