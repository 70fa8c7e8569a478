"""Writes docs/soak.md: every gauge of the soak test, and what does not hold."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from statistics import median

from tests.bench.clinics import ROOT
from tests.bench.servers.processor import machine
from tests.soak.gauges import Growth
from tests.soak.operation_log import OperationLog

PAGE = ROOT / "docs" / "soak.md"
_HEAD = """# Soak test

Written by `make soak`; do not edit. Simulated users of all five roles use one server with one worker, each a process of its own, on a
PostgreSQL of its own: they read lists, nested pages, aging and analytics, search, request exports and download them, subscribe over
WebSocket, sign in and out, take invoices from the exam to the settled case or another final status, and send reminders to staff and
payers, by a real mail server. The load is moderate: the test looks for growth and errors, not for speed.

Errors are all answers but data and intended refusals (a transition that is sent although it is not legal any more),
and all warnings and errors in the logs.
"""
_WHY = """"Warm" is from 20 to 30 % of the time, "end" the last tenth: the minimum of memory (hashing a password takes 64 MiB for a moment, and
a leak is never freed), the median of everything else. Until 20 % caches fill and connections open. Afterwards memory may grow by a
tenth: the same load runs three times as long as until then, so a leak of one small object for each operation shows as more than that.
The memory of PostgreSQL's connections may grow by a quarter: each connection plans every statement once, and seldom used connections do
so late. Open files may differ by 20 and connections by 8, because the number of users who are connected at the moment of a reading
varies. Caches may fill: each has a bound of its own."""


@dataclass(frozen=True)
class Run:
    """One run and its results."""

    minutes: float
    operation_log: OperationLog
    growths: list[Growth]
    # Command → whether it succeeded, and the last line of its output.
    checks: dict[str, tuple[bool, str]]
    facts: dict[str, str]

    @property
    def holds(self) -> bool:
        """Whether nothing failed and nothing grew."""
        is_clean = all(succeeded for succeeded, _ in self.checks.values())
        return not self.operation_log.errors and is_clean and all(growth.holds for growth in self.growths)


def page(run: Run) -> str:
    """The text of the page."""
    sections = (_HEAD, *map("\n".join, (_verdict(run), _operations(run), _growth(run), _checks(run), _facts(run))))
    return "\n\n".join(section.strip() for section in sections) + "\n"


def _verdict(run: Run) -> Iterator[str]:
    count, errors = run.operation_log.done.total(), len(run.operation_log.errors)
    grown = [growth.name for growth in run.growths if not growth.holds]
    yield f"**{run.minutes:g} minutes, {count:,} operations, {errors} errors.** " + (
        f"Grown beyond the limit: {', '.join(grown)}." if grown else "No gauge has grown beyond its limit."
    )
    for words in run.operation_log.errors[:20]:
        yield f"- {words}"


def _operations(run: Run) -> Iterator[str]:
    yield "## Operations"
    yield "| operation | count | median ms |\n|---|--:|--:|"
    for name, count in sorted(run.operation_log.done.items()):
        yield f"| {name} | {count:,} | {median(run.operation_log.seconds[name]) * 1000:.1f} |"
    by_role = ", ".join(f"{role} {count:,}" for role, count in sorted(run.operation_log.by_role.items()))
    refused = ", ".join(f"{code} {count:,}" for code, count in sorted(run.operation_log.refused.items())) or "none"
    yield f"\nBy role: {by_role}. Refused as intended: {refused}."


def _growth(run: Run) -> Iterator[str]:
    yield "## Resources"
    yield "| | warm | end | limit | |\n|---|--:|--:|--:|---|"
    for growth in run.growths:
        most = "" if growth.most is None else f"{growth.most:,.1f}"
        verdict = "" if growth.most is None else "holds" if growth.holds else "**grown**"
        yield f"| {growth.name} | {growth.warm:,.1f} | {growth.end:,.1f} | {most} | {verdict} |"
    yield "\n" + _WHY


def _checks(run: Run) -> Iterator[str]:
    yield "## Checks afterwards"
    for command, (succeeded, words) in run.checks.items():
        yield f"- `{command}`: {'' if succeeded else '**failed** '}{words}"


def _facts(run: Run) -> Iterator[str]:
    found = machine()
    where = f"{found['processor']}, {found['cores']} cores, {found['memory']}, {found['system']}"
    more = ", ".join(f"{name} {value}" for name, value in run.facts.items())
    yield f"<sub>Run on {datetime.now(UTC):%Y-%m-%d} on {where}, with other load on the machine. {more}.</sub>"
