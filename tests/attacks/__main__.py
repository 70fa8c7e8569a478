"""Decides what `make attacks` tries, one attack after the other, and what docs/attacks.md tells of each."""

import asyncio
import signal
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import click
import httpx
from hypothesis import HealthCheck, Phase, given, settings

from domain.people import Role
from server.addresses import Address
from server.embedded import EmbeddedPostgres
from tests.api.records import Found, find_records
from tests.attacks import tools
from tests.attacks.bystander import Bystander, Felt
from tests.attacks.floods import FLOODS
from tests.attacks.known import CHECKS
from tests.attacks.strings import BAD, TEXTS, all_places, send
from tests.attacks.target import Target, attacked
from tests.bench.clinics import ROOT
from tests.bench.processor import machine
from tests.databases import INVOICES, copied, make_template

PAGE = ROOT / "docs" / "attacks.md"
QUIET_SECONDS = 8.0
# What an outage answers, and what was too much at one time, are meant.
_MEANT = {503, 504}
_INNOCENT = '{ aging(asOf: "2026-01-31") { outstanding invoiceCount } }'


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
    """Attacks on one server, each with a quiet time before it."""

    def __init__(self, target: Target, bystander: Bystander, found: Found) -> None:
        self.target, self.bystander, self.found = target, bystander, found

    def tried(self, name: str, sent: str, attack: Callable[[], str]) -> Tried:
        """An attack, and how the server felt."""
        self.bystander.felt()
        time.sleep(QUIET_SECONDS)
        before, answers, began = self.bystander.felt(), self.target.responses(), time.monotonic()
        result = attack()
        seconds = time.monotonic() - began
        meanwhile = self.bystander.felt()
        done = Tried(name, sent, result, seconds, self.target.responses() - answers, before, meanwhile)
        print(_row(done), flush=True)
        return done

    def checks(self) -> str:
        """Every check of graphql-cop, again and again for as long as the quiet time."""
        failed, until = set(), time.monotonic() + QUIET_SECONDS
        with httpx.Client(headers=self.target.headers(None), timeout=30) as client:

            def ask(method: str, path: str = "/graphql", **more: object) -> httpx.Response:
                return client.request(method, f"http://127.0.0.1:{self.target.port}{path}", **more)  # type: ignore[arg-type]

            while time.monotonic() < until:
                for check in CHECKS:
                    answer = check.send(ask)
                    # Whoever has sent too many is refused whatever they send.
                    if answer.status_code != httpx.codes.TOO_MANY_REQUESTS and not check.is_safe(answer):
                        failed.add(check.name)
        return f"{len(CHECKS)} checks, not safe: {', '.join(sorted(failed)) or 'none'}"

    def flood(self, name: str, seconds: float) -> str:
        """A flood."""
        return f"{asyncio.run(FLOODS[name].send(self.target, seconds)):,} sent"

    def strings(self, role: Role | None, examples: int) -> str:
        """Texts into every place that a role has."""
        statuses: Counter[int] = Counter()
        headers, many = self.target.headers(role), list(all_places(role))
        with httpx.Client(timeout=60) as client:
            innocent = self.target.ask(client, Role.BILLING, _INNOCENT).text
            for place in many:
                chosen = settings(
                    max_examples=examples,
                    database=None,
                    deadline=None,
                    phases=[Phase.generate],
                    suppress_health_check=list(HealthCheck),
                )

                @chosen
                @given(text=TEXTS)
                def all_of(text: str, place: object = place) -> None:
                    statuses[send(client, self.target.url, headers, place, self.found, text)] += 1  # type: ignore[arg-type]

                all_of()
                for text in BAD:
                    statuses[send(client, self.target.url, headers, place, self.found, text)] += 1
            is_same = self.target.ask(client, Role.BILLING, _INNOCENT).text == innocent
        told = f"{len(many)} places, {statuses.total():,} texts, {statuses[500]} failures"
        return f"{told}; an innocent query: {'as before' if is_same else 'CHANGED'}"


def hand_made(attacks: Attacks, seconds: float) -> Iterator[Tried]:
    """What is sent by hand."""
    yield attacks.tried("graphql-cop's checks", "as nobody, again and again", attacks.checks)
    for name, flood in FLOODS.items():
        yield attacks.tried(f"flood: {name}", flood.sent, lambda name=name: attacks.flood(name, seconds))  # type: ignore[misc]


def by_tools(attacks: Attacks, examples: int) -> Iterator[Tried]:
    """What tools send, without a limit of requests a minute, so that all of it is answered."""
    target, guesses = attacks.target, partial(tools.clairvoyance, attacks.target)
    for role in (None, Role.ATTORNEY):
        yield attacks.tried(f"clairvoyance as {named(role)}", "guesses of names", partial(guesses, role))
    yield attacks.tried("inql as ATTORNEY", "introspection, and queries from it", partial(tools.inql, target))
    ids = sorted(attacks.found.own.values())
    for role in (None, *Role):
        cases = partial(tools.schemathesis, target, role, examples, ids)
        yield attacks.tried(f"schemathesis as {named(role)}", "documents made from the role's schema", cases)
    for role in (None, *Role):
        texts = partial(attacks.strings, role, max(examples // 20, 3))
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
one who asks for pages meanwhile share the machine ({facts}; {datetime.now(UTC):%Y-%m-%d}): what the attackers compute
slows everybody down, too. Somebody of the office asks for a page of 50 invoices about 20 times a second, from another address;
also for {QUIET_SECONDS:.0f} quiet seconds before each attack. Target: no server error, and a p99 of at most twice the quiet one. Floods meet
the limits as they are set by default; tools run without the limit of requests a minute, so that all they send is answered.

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
    with attacked(address, **settings) as target, Bystander(target.url, target.tokens[Role.BILLING]) as bystander:
        yield Attacks(target, bystander, found)


def run(address: Address, part: str, seconds: float, examples: int) -> list[Tried]:
    """Everything, on two servers: one with the limits as they are by default, one without that of requests a minute."""
    found, done = find_records(address), list[Tried]()
    if part != "tools":
        with _attacking(address, found, BILLING_REQUESTS_PER_MINUTE="6000") as attacks:
            done += hand_made(attacks, seconds)
    if part != "hand":
        with _attacking(address, found) as attacks:
            done += by_tools(attacks, examples)
    return done


@click.command(help="Attack the server in every way that is known here, and keep what came of it in docs/attacks.md.")
@click.option("--part", type=click.Choice(["hand", "tools", "all"]), default="all", help="By hand, by tools, or both.")
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
