"""Decides what `make soak` does: everybody works for half an hour, then it is told what grew, what went wrong, and whether all is in order."""

import sys
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

import click

from server.addresses import Address
from server.embedded import EmbeddedPostgres
from tests.databases import copied, make_template, rows
from tests.mail.post_office import PostOffice, post_office
from tests.processes import Process, billing, told
from tests.server.embedded_user import comes_true
from tests.soak import watched_caches
from tests.soak.gauges import Look, Watching, growths
from tests.soak.ledger import Ledger
from tests.soak.living import GONE
from tests.soak.page import PAGE, Run, page
from tests.soak.people import Work, at_work

WHOLE_MINUTES = 30.0
_LOOKS = 60
_CHAINED_SECONDS = 60.0
_WAITING = "select count(*) from audit_pending"


@dataclass(frozen=True)
class _Premises:
    """Where the clinic works: the database, the mail server, a folder, and how every process is told of them."""

    address: Address
    office: PostOffice
    folder: Path
    settings: dict[str, str]

    def said(self, *command: str) -> Any:
        """How a command has ended."""
        return told(self.address, *command, **self.settings)


@contextmanager
def _premises() -> Iterator[_Premises]:
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory()))
        postgres = stack.enter_context(EmbeddedPostgres(folder / "cluster"))
        address = stack.enter_context(copied(postgres, make_template(postgres)))
        office = stack.enter_context(post_office())
        office.at_rcpt = {GONE: "550 No such mailbox"}
        home = {"BILLING_HOME": str(folder / "home"), watched_caches.FOLDER: str(folder)}
        yield _Premises(address, office, folder, {**office.settings, **home})


@contextmanager
def _running(premises: _Premises, log: IO[str]) -> Iterator[tuple[str, Watching]]:
    """The server and its worker; where they serve, and who looks at them."""

    def started(*command: str) -> AbstractContextManager[Process]:
        return billing(premises.address, *command, program=watched_caches.PROGRAM, log=log, **premises.settings)

    with started("serve", "--no-worker") as server, started("worker") as worker:
        processes = {"server": server.popen.pid, "worker": worker.popen.pid}
        yield server.url, Watching(premises.address, processes, premises.folder)


def _work(premises: _Premises, url: str, watching: Watching, seconds: float) -> tuple[Ledger, list[Look]]:
    """Everybody works for so long."""
    work, looks, began = Work(url, premises.address, Ledger()), [], time.monotonic()
    with at_work(work):
        for number in range(1, _LOOKS + 1):
            time.sleep(max(0.0, began + seconds * number / _LOOKS - time.monotonic()))
            looks.append(watching.look(began))
            _tell(looks[-1], work.ledger)
    return work.ledger, looks


def _tell(look: Look, ledger: Ledger) -> None:
    memory = ", ".join(f"{name.split(',')[0]} {value:.0f}" for name, value in look.figures.items() if "memory" in name)
    print(f"{look.at:6.0f} s: {ledger.done.total():,} operations, {len(ledger.errors)} errors; {memory}", flush=True)


def _checked(premises: _Premises) -> dict[str, tuple[bool, str]]:
    found = {}
    for command in (("verify",), ("audit", "verify")):
        ended = premises.said(*command)
        words = ended.stdout.strip().splitlines() or [""]
        found[f"billing {' '.join(command)}"] = ended.returncode == 0, words[-1]
    return found


def _soak(minutes: float) -> Run:
    with _premises() as premises, (premises.folder / "log").open("w+") as log:
        # What is due on the demo's day and was never sent goes out first.
        planned = premises.said("remind", "--clinic", "demo")
        assert planned.returncode == 0, planned.stdout
        with _running(premises, log) as (url, watching):
            ledger, looks = _work(premises, url, watching, minutes * 60)
            comes_true(lambda: rows(premises.address, _WAITING)[0][0] == 0, _CHAINED_SECONDS)
        log.seek(0)
        said = log.read().splitlines()
        for line in said:
            if '"ERROR"' in line or '"WARNING"' in line or "Traceback" in line:
                ledger.fail(f"log: {line[:300]}")
        facts = {"letters": f"{len(premises.office.taken):,}", "lines of the log": f"{len(said):,}"}
        return Run(minutes, ledger, growths(looks, minutes * 60), _checked(premises), facts)


@click.command(help="Have everybody work at one server for half an hour; a shorter time is shown, not kept.")
@click.option("--minutes", default=WHOLE_MINUTES, show_default=True, type=click.FloatRange(min=0.1))
def main(minutes: float) -> None:
    """Run it, and end with 1 when something went wrong or grew."""
    run = _soak(minutes)
    written = page(run)
    print(written, flush=True)
    if minutes >= WHOLE_MINUTES:
        PAGE.write_text(written, encoding="utf-8")
    sys.exit(0 if run.holds else 1)


if __name__ == "__main__":
    main()
