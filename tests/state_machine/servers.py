"""The server processes of the state machine: two over one database, which are killed (SIGKILL) and started again at the same address."""

import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import IO, Self

from server.database_urls import DatabaseUrls
from tests.support.processes import Process, billing

_SETTINGS = {"BILLING_REQUESTS_PER_MINUTE": "0", "BILLING_LOG_LEVEL": "warning"}
# The clock of a process that lives on an earlier day.
_PROGRAM = """
from datetime import UTC, datetime, timedelta
import domain.clock
domain.clock.now = lambda: datetime.now(UTC) - timedelta(days={days})
from server.cli import main
main()
"""


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        port: int = listening.getsockname()[1]
        return port


@dataclass
class Server:
    """One process that is started again, after it was killed, at the same address; a worker has none."""

    address: DatabaseUrls
    home: Path
    log: IO[str]
    command: tuple[str, ...] = ("serve", "--no-worker")
    port: int = field(default_factory=_free_port)
    days_back: int = 1
    _stack: ExitStack = field(default_factory=ExitStack)
    _process: Process | None = None

    @property
    def url(self) -> str:
        """The URL of its API."""
        return f"http://127.0.0.1:{self.port}/graphql"

    def start(self) -> Self:
        """Start the process; returns when it is ready."""
        settings = {**_SETTINGS, "BILLING_PORT": str(self.port)}
        running = billing(
            self.address,
            *self.command,
            at_home=str(self.home),
            log=self.log,
            program=_PROGRAM.format(days=self.days_back),
            **settings,
        )
        self._process = self._stack.enter_context(running)
        return self

    def kill(self) -> None:
        """Kill the process, whatever it is doing."""
        if self._process is not None:
            self._process.popen.kill()
        self._stack.close()
        self._process = None


@dataclass
class Killer:
    """Kills a server, at times all processes at once, whenever so many more steps were answered; and starts it again."""

    servers: list[Server]
    worker: Server
    random: Random
    wanted: int
    kills: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def kill_one(self) -> None:
        """Kill one of the servers, seldom all of them and the worker, and start what was killed."""
        with self._lock:
            together = [*self.servers, self.worker] if self.worker.days_back == 0 else self.servers
            chosen = together if self.random.random() < 0.1 else [self.random.choice(self.servers)]
            for server in chosen:
                server.kill()
            with ThreadPoolExecutor(len(chosen)) as threads:
                list(threads.map(Server.start, chosen))
            self.kills += sum(server is not self.worker for server in chosen)
