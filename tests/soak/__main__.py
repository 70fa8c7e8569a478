"""The soak test (`make soak`): simulated users work for half an hour, then it reports what grew, what failed and whether the data is sound."""

import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

import click

from server.database_urls import DatabaseUrls
from server.embedded.postgres import EmbeddedPostgres
from tests.mail.smtp_server import RecordingSmtpServer, recording_smtp_server
from tests.server.embedded.embedded_user import comes_true
from tests.soak import watched_caches
from tests.soak.gauges import Gauges, Reading, growths
from tests.soak.operation_log import OperationLog
from tests.soak.page import PAGE, Run, page
from tests.soak.simulated_users import Work, users_running
from tests.soak.workflows import UNKNOWN_MAILBOX
from tests.support.databases import copied, make_template, rows
from tests.support.processes import Process, billing, completed

WHOLE_MINUTES = 30.0
_READINGS = 60
_CHAINED_SECONDS = 60.0
_WAITING = "select count(*) from audit_pending"


@dataclass(frozen=True)
class _Environment:
    """The environment of the soak test: the database, the mail server, a folder, and the settings of every process."""

    address: DatabaseUrls
    office: RecordingSmtpServer
    folder: Path
    settings: dict[str, str]

    def run(self, *command: str) -> Any:
        """Run a command of `billing`; returns the completed process."""
        return completed(self.address, *command, **self.settings)


@contextmanager
def _environment() -> Iterator[_Environment]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        postgres = stack.enter_context(EmbeddedPostgres(folder / "cluster"))
        address = stack.enter_context(copied(postgres, make_template(postgres)))
        office = stack.enter_context(recording_smtp_server())
        office.at_rcpt = {UNKNOWN_MAILBOX: "550 No such mailbox"}
        home = {"BILLING_HOME": str(folder / "home"), watched_caches.FOLDER: str(folder)}
        yield _Environment(address, office, folder, {**office.settings, **home})


@contextmanager
def _running(environment: _Environment, log: IO[str]) -> Iterator[tuple[str, Gauges]]:
    """The server and its worker: the URL, and the gauges of both processes."""

    def started(*command: str) -> AbstractContextManager[Process]:
        return billing(environment.address, *command, program=watched_caches.PROGRAM, log=log, **environment.settings)

    with started("serve", "--no-worker") as server, started("worker") as worker:
        processes = {"server": server.popen.pid, "worker": worker.popen.pid}
        yield server.url, Gauges(environment.address, processes, environment.folder)


def _work(environment: _Environment, url: str, gauges: Gauges, seconds: float) -> tuple[OperationLog, list[Reading]]:
    """Run the simulated users for some seconds, and read the gauges meanwhile."""
    work, readings, began = Work(url, environment.address, OperationLog()), [], time.monotonic()
    with users_running(work):
        for number in range(1, _READINGS + 1):
            time.sleep(max(0.0, began + seconds * number / _READINGS - time.monotonic()))
            readings.append(gauges.read(began))
            _print_progress(readings[-1], work.operation_log)
    return work.operation_log, readings


def _print_progress(reading: Reading, operation_log: OperationLog) -> None:
    memory = ", ".join(
        f"{name.split(',')[0]} {value:.0f}" for name, value in reading.figures.items() if "memory" in name
    )
    print(
        f"{reading.at:6.0f} s: {operation_log.done.total():,} operations, {len(operation_log.errors)} errors; {memory}",
        flush=True,
    )


def _checked(environment: _Environment) -> dict[str, tuple[bool, str]]:
    found = {}
    for command in (("verify",), ("audit", "verify")):
        ended = environment.run(*command)
        words = ended.stdout.strip().splitlines() or [""]
        found[f"billing {' '.join(command)}"] = ended.returncode == 0, words[-1]
    return found


def _soak(minutes: float) -> Run:
    with _environment() as environment, (environment.folder / "log").open("w+") as log:
        # Messages that are due on the demo's day are sent first.
        planned = environment.run("remind", "--clinic", "demo")
        assert planned.returncode == 0, planned.stdout
        with _running(environment, log) as (url, gauges):
            operation_log, readings = _work(environment, url, gauges, minutes * 60)
            comes_true(lambda: rows(environment.address, _WAITING)[0][0] == 0, _CHAINED_SECONDS)
        log.seek(0)
        lines = log.read().splitlines()
        for line in lines:
            if '"ERROR"' in line or '"WARNING"' in line or "Traceback" in line:
                operation_log.fail(f"log: {line[:300]}")
        facts = {"e-mails": f"{len(environment.office.taken):,}", "log lines": f"{len(lines):,}"}
        return Run(minutes, operation_log, growths(readings, minutes * 60), _checked(environment), facts)


@click.command(
    help="Run simulated users against one server for half an hour; the result of a shorter run is only printed."
)
@click.option("--minutes", default=WHOLE_MINUTES, show_default=True, type=click.FloatRange(min=0.1))
def main(minutes: float) -> None:
    """Run the soak test, and exit with 1 after an error or a growth beyond its limit."""
    run = _soak(minutes)
    written = page(run)
    print(written, flush=True)
    if minutes >= WHOLE_MINUTES:
        PAGE.write_text(written, encoding="utf-8")
    sys.exit(0 if run.holds else 1)


if __name__ == "__main__":
    main()
