"""Decides what `make attacks` tries, one attack after the other, and what docs/attacks.md tells of each."""

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

from domain.people import Role
from server.addresses import Address
from server.embedded import EmbeddedPostgres
from tests.api.records import Found, find_records
from tests.attacks import floods, known, strings, tools
from tests.attacks.bystander import Bystander, Felt
from tests.attacks.target import Target, attacked
from tests.bench.clinics import ROOT
from tests.bench.processor import machine
from tests.databases import INVOICES, copied, make_template

PAGE = ROOT / "docs" / "attacks.md"
QUIET_SECONDS = 8.0
# What an outage answers, and what was too much at one time, are meant.
_MEANT = {503, 504}


@dataclass(frozen=True)
class Tried:
    """One attack: what came of it, how the server answered, and how it felt meanwhile and before."""

    name: str
    sent: str
    result: str
    seconds: float
    answers: Counter[int]
    before: Felt
    meanwhile: Felt

    @property
    def errors(self) -> int:
        """Answers that nobody meant."""
        return sum(count for status, count in self.answers.items() if status >= 500 and status not in _MEANT)


class Attacks:
    """Attacks on one server, each with a quiet time before it.

    Attackers have machines of their own; here they get the cores when nobody else wants them.
    """

    def __init__(self, target: Target, bystander: Bystander, found: Found, elsewhere: Executor) -> None:
        self.target, self.bystander, self.found, self._elsewhere = target, bystander, found, elsewhere

    def tried(self, name: str, sent: str, attack: Callable[[], str]) -> Tried:
        """An attack, and how the server felt."""
        self.bystander.felt()
        time.sleep(QUIET_SECONDS)
        before, answers, began = self.bystander.felt(), self.target.responses(), time.monotonic()
        result = self._elsewhere.submit(attack).result()
        seconds = time.monotonic() - began
        meanwhile = self.bystander.felt()
        done = Tried(name, sent, result, seconds, self.target.responses() - answers, before, meanwhile)
        print(_row(done), flush=True)
        return done


def limited(attacks: Attacks, seconds: float) -> Iterator[Tried]:
    """What is sent by hand, and by tools that spy: with the limits as everybody meets them."""
    yield attacks.tried(
        "graphql-cop's checks", "as nobody, again and again", partial(known.check_all, attacks.target, QUIET_SECONDS)
    )
    for name, one in floods.FLOODS.items():
        yield attacks.tried(f"flood: {name}", one.sent, partial(floods.flood, attacks.target, name, seconds))
    for role in (None, Role.ATTORNEY):
        guesses = partial(tools.clairvoyance, attacks.target, role)
        yield attacks.tried(f"clairvoyance as {named(role)}", "guesses of names", guesses)
    yield attacks.tried("inql as ATTORNEY", "introspection, and queries from it", partial(tools.inql, attacks.target))


def unlimited(attacks: Attacks, examples: int) -> Iterator[Tried]:
    """What is made up, without a limit of requests a minute, so that all of it is answered."""
    target = attacks.target
    ids = sorted(attacks.found.own.values())
    for role in (None, *Role):
        cases = partial(tools.schemathesis, target, role, examples, ids)
        yield attacks.tried(f"schemathesis as {named(role)}", "documents made from the role's schema", cases)
    for role in (None, *Role):
        texts = partial(strings.into_all_places, target, attacks.found, role, max(examples // 20, 3))
        yield attacks.tried(
            f"strings as {named(role)}", "Hypothesis' strings and known bad ones, into every text", texts
        )


def named(role: Role | None) -> str:
    """What somebody of a role is called here."""
    return role.name if role else "nobody"


def _row(tried: Tried) -> str:
    answers = ", ".join(f"{status}: {count:,}" for status, count in sorted(tried.answers.items()))
    ratio = tried.meanwhile.p99 / tried.before.p99 if tried.before.p99 else 0
    return (
        f"| {tried.name} | {tried.sent} | {tried.result.replace('|', '/')} | {answers} | {tried.errors} | {tried.seconds:.0f} "
        f"| {tried.before.p50:.0f} / {tried.before.p99:.0f} | {tried.meanwhile.p50:.0f} / {tried.meanwhile.p99:.0f} "
        f"| {ratio:.1f} | {tried.meanwhile.failed} of {tried.meanwhile.count} |"
    )


def page(done: list[Tried]) -> str:
    """The page."""
    facts = ", ".join(f"{name}: {value}" for name, value in machine().items())
    rows = "\n".join((_kept() | {tried.name: _row(tried) for tried in done}).values())
    return f"""# Attacks that were tried

`make attacks` writes this page. One server process with its PostgreSQL and a clinic of {INVOICES:,} invoices, the attackers and the
one who asks for pages meanwhile share the machine ({facts}; {datetime.now(UTC):%Y-%m-%d}); attackers get of its cores what
nobody else wants (nice 19). Somebody of the office asks for a page of 50 invoices about 20 times a second, from another address;
also for {QUIET_SECONDS:.0f} quiet seconds before each attack. Target: no server error, and a p99 of at most twice the quiet one. Floods and
spies meet the limits as they are set by default; schemathesis and strings go without that of requests a minute, so that all of it
is answered. A row stands until its attack is tried again.

| attack | what is sent | what came of it | answers | errors | s | quiet p50 / p99 ms | meanwhile p50 / p99 ms | ratio | got no page |
|---|---|---|---|---:|---:|---:|---:|---:|---:|
{rows}
"""


def _kept() -> dict[str, str]:
    """The rows of the page as it is, by attack: each stands until it is tried again."""
    lines = PAGE.read_text(encoding="utf-8").splitlines() if PAGE.exists() else []
    told = [line for line in lines if line.startswith("| ") and not line.startswith("| attack ")]
    return {line.split(" | ")[0].removeprefix("| "): line for line in told}


@contextmanager
def _attacking(address: Address, found: Found, **settings: str) -> Iterator[Attacks]:
    with (
        attacked(address, **settings) as target,
        Bystander(target.url, target.tokens[Role.BILLING]) as bystander,
        ProcessPoolExecutor(1, get_context("spawn"), os.nice, (19,)) as elsewhere,
    ):
        yield Attacks(target, bystander, found, elsewhere)


def run(address: Address, part: str, seconds: float, examples: int) -> list[Tried]:
    """Everything, on two servers: one with the limits as they are by default, one without that of requests a minute."""
    found, done = find_records(address), list[Tried]()
    if part != "unlimited":
        with _attacking(address, found, BILLING_REQUESTS_PER_MINUTE="6000") as attacks:
            done += limited(attacks, seconds)
    if part != "limited":
        with _attacking(address, found) as attacks:
            done += unlimited(attacks, examples)
    return done


@click.command(help="Attack the server in every way that is known here, and keep what came of it in docs/attacks.md.")
@click.option("--part", type=click.Choice(["limited", "unlimited", "all"]), default="all", help="Which limits are met.")
@click.option("--seconds", default=15.0, show_default=True, help="How long each flood lasts.")
@click.option("--examples", default=100, show_default=True, help="How many documents schemathesis makes of each field.")
@click.option("--keep/--no-keep", default=True, show_default=True)
def main(part: str, seconds: float, examples: int, keep: bool) -> None:
    """Attack, and write the page."""
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
