"""Decides how a long run reads: docs/soak.md, with every figure, and what of it does not hold."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median

from tests.bench.clinics import ROOT
from tests.bench.processor import machine
from tests.soak.gauges import Growth
from tests.soak.ledger import Ledger

PAGE = ROOT / "docs" / "soak.md"
_HEAD = """# Half an hour of everything

Written by `make soak`; do not edit. People of all five roles work at one server with one worker, each a process of its own, on a
PostgreSQL of its own: they read lists, nested pages, aging and analytics, search, have files built and fetch them, listen over
WebSocket, sign in and out, take invoices from the exam to the settled case or another end, and remind each other and the payers,
by a real mail server. The pace is modest: this is about what grows and what goes wrong, not about speed.

Errors are all answers but data and those refusals that were asked for (a step that is sent although it is not legal any more),
and all warnings and errors in the logs.
"""
_WHY = """"Warm" is from 20 to 30 % of the time, "end" the last tenth: of memory the least (hashing a password takes 64 MiB for a moment, and
a leak is what is never given back), of everything else the median. Until 20 % caches fill and connections open. Afterwards memory
may grow by a tenth: the same work went on three times as long as until then, so a leak of one small object for each operation shows
as more than that. PostgreSQL's connections may grow by a quarter: each of them plans every statement once, and those that are
needed seldom come to it late. Open files may differ by 20 and connections by 8, which is as many people as happen to be connected
or not at the moment of a look. Caches may fill: each has a bound of its own."""


@dataclass(frozen=True)
class Run:
    """One run and what came of it."""

    minutes: float
    ledger: Ledger
    growths: list[Growth]
    # Command → whether it succeeded, and its last words.
    checks: dict[str, tuple[bool, str]]
    facts: dict[str, str]

    @property
    def holds(self) -> bool:
        """Whether nothing went wrong and nothing grew."""
        is_clean = all(succeeded for succeeded, _ in self.checks.values())
        return not self.ledger.errors and is_clean and all(growth.holds for growth in self.growths)


def page(run: Run) -> str:
    """The whole document."""
    sections = (_HEAD, *map("\n".join, (_verdict(run), _operations(run), _growth(run), _checks(run), _facts(run))))
    return "\n\n".join(section.strip() for section in sections) + "\n"


def _verdict(run: Run) -> Iterator[str]:
    count, errors = run.ledger.done.total(), len(run.ledger.errors)
    grown = [growth.name for growth in run.growths if not growth.holds]
    yield f"**{run.minutes:g} minutes, {count:,} operations, {errors} errors.** " + (
        f"Grown more than they may: {', '.join(grown)}." if grown else "Nothing has grown more than it may."
    )
    for words in run.ledger.errors[:20]:
        yield f"- {words}"


def _operations(run: Run) -> Iterator[str]:
    yield "## What was done"
    yield "| operation | how often | median ms |\n|---|--:|--:|"
    for name, count in sorted(run.ledger.done.items()):
        yield f"| {name} | {count:,} | {median(run.ledger.seconds[name]) * 1000:.1f} |"
    by_role = ", ".join(f"{role} {count:,}" for role, count in sorted(run.ledger.by_role.items()))
    refused = ", ".join(f"{code} {count:,}" for code, count in sorted(run.ledger.refused.items())) or "none"
    yield f"\nBy role: {by_role}. Refused as intended: {refused}."


def _growth(run: Run) -> Iterator[str]:
    yield "## What it took"
    yield "| | warm | end | at most | |\n|---|--:|--:|--:|---|"
    for growth in run.growths:
        most = "" if growth.most is None else f"{growth.most:,.1f}"
        verdict = "" if growth.most is None else "holds" if growth.holds else "**grown**"
        yield f"| {growth.name} | {growth.warm:,.1f} | {growth.end:,.1f} | {most} | {verdict} |"
    yield "\n" + _WHY


def _checks(run: Run) -> Iterator[str]:
    yield "## Afterwards"
    for command, (succeeded, words) in run.checks.items():
        yield f"- `{command}`: {'' if succeeded else '**failed** '}{words}"


def _facts(run: Run) -> Iterator[str]:
    said = machine()
    where = f"{said['processor']}, {said['cores']} cores, {said['memory']}, {said['system']}"
    more = ", ".join(f"{name} {value}" for name, value in run.facts.items())
    yield f"<sub>Run on {datetime.now(UTC):%Y-%m-%d} on {where}, beside other work. {more}.</sub>"
