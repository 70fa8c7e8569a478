"""Writes docs/faults.md: a table of the faults, with the promises that were kept and those that were not."""

from datetime import UTC, datetime

from tests.bench.clinics import ROOT
from tests.bench.servers.processor import machine
from tests.faults.outcomes import Fault, Outcome

PAGE = ROOT / "docs" / "faults.md"
_HEAD = """# Faults

Written by `make faults`; do not edit. Each fault is caused on purpose: a real server and real workers, each a process of its own, over
a real PostgreSQL, with a real mail server and a real file store where they are needed. Times are of this one machine, which had
other work meanwhile.

| fault | promise | what happened | |
|---|---|---|---|"""


def page(found: dict[Fault, Outcome]) -> str:
    """The text of the page."""
    facts_of_machine = machine()
    where = f"{facts_of_machine['processor']}, {facts_of_machine['cores']} cores, {facts_of_machine['memory']}, {facts_of_machine['system']}"
    facts = f"<sub>Run on {datetime.now(UTC):%Y-%m-%d} on {where}.</sub>"
    return "\n".join((_HEAD, *(row(fault, outcome) for fault, outcome in found.items()), "", facts, ""))


def row(fault: Fault, outcome: Outcome) -> str:
    """One row of the table."""
    verdict = "PASS" if not outcome.broken else f"**FAIL**: not kept: {'; '.join(outcome.broken)}"
    return f"| {fault.name} | {fault.promise} | {'; '.join(outcome.happened)} | {verdict} |"
