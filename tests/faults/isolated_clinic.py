"""The isolated clinic of the fault tests: a PostgreSQL of its own that can be stopped, frozen and started, with a server and workers."""

import os
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from server.database_urls import DatabaseUrls
from server.embedded.postgres import EmbeddedPostgres
from tests.server.embedded.embedded_user import comes_true, postgres_processes
from tests.support.databases import copied, make_template
from tests.support.processes import Process, billing

_ENDING_SECONDS = 20.0


@dataclass
class IsolatedClinic:
    """A clinic with its own PostgreSQL, the home folder of its processes, and their log."""

    folder: Path
    postgres: EmbeddedPostgres
    address: DatabaseUrls
    home: Path
    log: IO[str]

    def serving(self, **settings: str) -> AbstractContextManager[Process]:
        """A server without a worker."""
        return billing(
            self.address, "serve", "--no-worker", log=self.log, **{"BILLING_HOME": str(self.home), **settings}
        )

    def working(self, **settings: str) -> AbstractContextManager[Process]:
        """A worker."""
        return billing(self.address, "worker", log=self.log, **{"BILLING_HOME": str(self.home), **settings})

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """Stop PostgreSQL while this context is open; every connection ends, as with an operator's restart."""
        os.kill(self._postmaster(), signal.SIGINT)
        assert comes_true(lambda: not postgres_processes(self.folder), _ENDING_SECONDS)
        try:
            yield
        finally:
            # `stop` gives up this process's part of the cluster; `start` finds that no server runs, and starts one.
            self.postgres.stop()
            self.postgres.start()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Freeze PostgreSQL: it accepts connections and answers nothing, as behind a network that drops all packets."""
        processes = postgres_processes(self.folder)
        _send(processes, signal.SIGSTOP)
        try:
            yield
        finally:
            _send(processes, signal.SIGCONT)

    def _postmaster(self) -> int:
        return int((self.folder / "postgres" / "data" / "postmaster.pid").read_text().split()[0])


def _send(processes: set[int], sign: signal.Signals) -> None:
    for process in processes:
        os.kill(process, sign)


@contextmanager
def isolated_clinic() -> Iterator[IsolatedClinic]:
    """A clinic with its own PostgreSQL, removed at the end."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        postgres = stack.enter_context(EmbeddedPostgres(folder / "cluster"))
        address = stack.enter_context(copied(postgres, make_template(postgres)))
        log = stack.enter_context((folder / "log").open("w"))
        yield IsolatedClinic(folder / "cluster", postgres, address, folder / "home", log)
