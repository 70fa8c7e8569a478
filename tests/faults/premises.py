"""Decides what faults happen to: a PostgreSQL of its own that can be stopped, frozen and started, with a server and workers over it."""

import os
import signal
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO

from server.addresses import Address
from server.embedded import EmbeddedPostgres
from tests.databases import copied, make_template
from tests.processes import Process, billing
from tests.server.embedded_user import comes_true, postgres_processes

_ENDING_SECONDS = 20.0


@dataclass
class Premises:
    """A clinic whose PostgreSQL belongs to nobody else, where its processes keep their files, and what they write down."""

    folder: Path
    postgres: EmbeddedPostgres
    address: Address
    home: Path
    log: IO[str]

    def serving(self, **settings: str) -> AbstractContextManager[Process]:
        """A server without worker."""
        return billing(
            self.address, "serve", "--no-worker", log=self.log, **{"BILLING_HOME": str(self.home), **settings}
        )

    def working(self, **settings: str) -> AbstractContextManager[Process]:
        """A worker."""
        return billing(self.address, "worker", log=self.log, **{"BILLING_HOME": str(self.home), **settings})

    @contextmanager
    def stopped(self) -> Iterator[None]:
        """While PostgreSQL does not run; it ends every connection, as an operator's restart does."""
        os.kill(self._postmaster(), signal.SIGINT)
        assert comes_true(lambda: not postgres_processes(self.folder), _ENDING_SECONDS)
        try:
            yield
        finally:
            # As one more user of the folder, who finds that nothing runs; the first one's part ends with it.
            self.postgres.stop()
            self.postgres.start()

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """While PostgreSQL takes connections and answers nothing, as behind a network that swallows everything."""
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
def premises() -> Iterator[Premises]:
    """A clinic of its own, gone at the end."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        postgres = stack.enter_context(EmbeddedPostgres(folder / "cluster"))
        address = stack.enter_context(copied(postgres, make_template(postgres)))
        log = stack.enter_context((folder / "log").open("w"))
        yield Premises(folder / "cluster", postgres, address, folder / "home", log)
