"""Runs every attack of `make attacks` against a real server, and writes the results into docs/attacks.md."""

import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from tempfile import TemporaryDirectory

import click

from domain.access.people import Role
from server.database_urls import DatabaseUrls
from server.embedded.postgres import EmbeddedPostgres
from tests.attacks import floods, graphql_cop, strings, tools
from tests.attacks.probe import LatencySample, ProbeClient
from tests.attacks.target import Target, running_target
from tests.bench.clinics import ROOT
from tests.bench.servers.processor import machine
from tests.support.api.records import Found, find_records
from tests.support.databases import INVOICES, copied, make_template

PAGE = ROOT / "docs" / "attacks.md"
BASELINE_SECONDS = 8.0
# Load shedding and timeouts answer on purpose: they are no server errors.
_EXPECTED_STATUSES = {503, 504}


@dataclass(frozen=True)
class AttackResult:
    """The result of one attack: the answers of the server, and the latency of the probe client before and during it."""

    name: str
    sent: str
    result: str
    seconds: float
    answers: Counter[int]
    before: LatencySample
    during: LatencySample

    @property
    def errors(self) -> int:
        """The number of unexpected server errors."""
        return sum(
            count for status, count in self.answers.items() if status >= 500 and status not in _EXPECTED_STATUSES
        )


class Attacks:
    """Runs attacks on one server, each after a baseline without load.

    Real attackers have machines of their own; here they run at the lowest priority, so that they do not take the server's cores.
    """

    def __init__(self, target: Target, probe: ProbeClient, found: Found, attacker_process: Executor) -> None:
        self.target, self.probe, self.found, self._attacker_process = target, probe, found, attacker_process

    def run(self, name: str, sent: str, attack: Callable[[], str]) -> AttackResult:
        """Run an attack, and measure the latency of the probe client before and during it."""
        self.probe.latency()
        time.sleep(BASELINE_SECONDS)
        before, answers, began = self.probe.latency(), self.target.responses(), time.monotonic()
        result = self._attacker_process.submit(attack).result()
        seconds = time.monotonic() - began
        during = self.probe.latency()
        done = AttackResult(name, sent, result, seconds, self.target.responses() - answers, before, during)
        print(_row(done), flush=True)
        return done


def limited(attacks: Attacks, seconds: float) -> Iterator[AttackResult]:
    """Floods and reconnaissance tools, with the default rate limits."""
    yield attacks.run(
        "graphql-cop's checks",
        "anonymous, repeatedly",
        partial(graphql_cop.check_all, attacks.target, BASELINE_SECONDS),
    )
    for name, one in floods.FLOODS.items():
        yield attacks.run(f"flood: {name}", one.sent, partial(floods.flood, attacks.target, name, seconds))
    for role in (None, Role.ATTORNEY):
        guesses = partial(tools.clairvoyance, attacks.target, role)
        yield attacks.run(f"clairvoyance ({role_name(role)})", "guessed field names", guesses)
    yield attacks.run("inql (ATTORNEY)", "introspection, and queries from it", partial(tools.inql, attacks.target))


def unlimited(attacks: Attacks, examples: int) -> Iterator[AttackResult]:
    """Generated requests, without the rate limit per minute, so that every request is answered."""
    target = attacks.target
    ids = sorted(attacks.found.own.values())
    for role in (None, *Role):
        cases = partial(tools.schemathesis, target, role, examples, ids)
        yield attacks.run(f"schemathesis ({role_name(role)})", "documents generated from the role's schema", cases)
    for role in (None, *Role):
        texts = partial(strings.into_all_places, target, attacks.found, role, max(examples // 20, 3))
        yield attacks.run(
            f"strings ({role_name(role)})",
            "strings of Hypothesis and known bad ones, in every text argument",
            texts,
        )


def role_name(role: Role | None) -> str:
    """The name of a role in the page."""
    return role.name if role else "anonymous"


def _row(attempt: AttackResult) -> str:
    answers = ", ".join(f"{status}: {count:,}" for status, count in sorted(attempt.answers.items()))
    ratio = attempt.during.p99 / attempt.before.p99 if attempt.before.p99 else 0
    return (
        f"| {attempt.name} | {attempt.sent} | {attempt.result.replace('|', '/')} | {answers} | {attempt.errors} | {attempt.seconds:.0f} "
        f"| {attempt.before.p50:.0f} / {attempt.before.p99:.0f} | {attempt.during.p50:.0f} / {attempt.during.p99:.0f} "
        f"| {ratio:.1f} | {attempt.during.failed} of {attempt.during.count} |"
    )


def page(done: list[AttackResult]) -> str:
    """The text of the page."""
    facts = ", ".join(f"{name}: {value}" for name, value in machine().items())
    rows = "\n".join((_previous_rows() | {attempt.name: _row(attempt) for attempt in done}).values())
    return f"""# Attacks that were tried

`make attacks` writes this page. One server process with its PostgreSQL and a clinic of {INVOICES:,} invoices, the attackers and the
probe client share the machine ({facts}; {datetime.now(UTC):%Y-%m-%d}); the attackers run at the
lowest priority (nice 19). The probe client, signed in as billing staff, asks for a page of 50 invoices about 20 times a second, from another
address; also for {BASELINE_SECONDS:.0f} seconds without load before each attack (the baseline). Target: no server error, and a p99 of at
most twice the baseline.
Floods and reconnaissance tools run with the default rate limits; schemathesis and strings run without the rate limit per minute, so that every
request is answered. A row stays until its attack is run again.

| attack | what is sent | result | answers | errors | s | baseline p50 / p99 ms | p50 / p99 ms under attack | ratio | probe requests failed |
|---|---|---|---|---:|---:|---:|---:|---:|---:|
{rows}
"""


def _previous_rows() -> dict[str, str]:
    """The rows of the committed page, by attack: each stays until its attack is run again."""
    lines = PAGE.read_text(encoding="utf-8").splitlines() if PAGE.exists() else []
    table_rows = [line for line in lines if line.startswith("| ") and not line.startswith("| attack ")]
    return {line.split(" | ")[0].removeprefix("| "): line for line in table_rows}


@contextmanager
def _attacks_on(address: DatabaseUrls, found: Found, **settings: str) -> Iterator[Attacks]:
    with (
        running_target(address, **settings) as target,
        ProbeClient(target.url, target.tokens[Role.BILLING]) as probe,
        ProcessPoolExecutor(1, get_context("spawn"), os.nice, (19,)) as attacker_process,
    ):
        yield Attacks(target, probe, found, attacker_process)


def run(address: DatabaseUrls, part: str, seconds: float, examples: int) -> list[AttackResult]:
    """Run the attacks on two servers: one with the default rate limits, one without the rate limit per minute."""
    found, done = find_records(address), list[AttackResult]()
    if part != "unlimited":
        with _attacks_on(address, found, BILLING_REQUESTS_PER_MINUTE="6000") as attacks:
            done += limited(attacks, seconds)
    if part != "limited":
        with _attacks_on(address, found) as attacks:
            done += unlimited(attacks, examples)
    return done


@click.command(help="Run every attack of this folder against a server, and write the results into docs/attacks.md.")
@click.option(
    "--part",
    type=click.Choice(["limited", "unlimited", "all"]),
    default="all",
    help="With or without the rate limit per minute.",
)
@click.option("--seconds", default=15.0, show_default=True, help="How long each flood lasts.")
@click.option(
    "--examples", default=100, show_default=True, help="How many documents schemathesis generates for each field."
)
@click.option("--keep/--no-keep", default=True, show_default=True)
def main(part: str, seconds: float, examples: int, keep: bool) -> None:
    """Run the attacks, and write the page."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    with (
        TemporaryDirectory() as folder,
        EmbeddedPostgres(Path(folder)) as server,
        copied(server, make_template(server)) as address,
    ):
        done = run(address, part, seconds, examples)
    if keep:
        Path(PAGE).write_text(page(done), encoding="utf-8")


if __name__ == "__main__":
    main()
