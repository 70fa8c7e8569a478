"""The summary of a Synthea import: rows read, records created and found, and the control totals."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal


class ControlTotalsError(Exception):
    """The written totals differ from those of the files."""


@dataclass(frozen=True, slots=True)
class ControlTotals:
    """Number of invoices, billed amount and received amount, in US dollars."""

    invoices: int
    billed: Decimal
    received: Decimal

    def __str__(self) -> str:
        return f"{self.invoices:,} invoices, billed {self.billed:,}, received {self.received:,}"


@dataclass(frozen=True, slots=True)
class ImportSummary:
    """The rows read by file, and the records created and found by table.

    `in_files` and `in_clinic` are the totals of the same invoices, computed from the rows and by the database. They
    differ
    only if invoices of an earlier import have changed since. All payments of the files = received + unapplied + left
    out.
    """

    rows_read: Mapping[str, int]
    created: Mapping[str, int]
    already_there: Mapping[str, int]
    in_files: ControlTotals
    in_clinic: ControlTotals
    unapplied: Decimal
    left_out: Decimal

    def as_text(self) -> str:
        """The summary for a terminal, as three small tables."""
        files = [f"  {file:<26}{rows:>12,}" for file, rows in self.rows_read.items()]
        kinds = [f"  {kind:<26}{rows:>12,}{self.already_there[kind]:>18,}" for kind, rows in self.created.items()]
        return "\n".join(
            [
                f"{'Rows':<28}{'read':>12}",
                *files,
                f"{'Records':<28}{'created':>12}{'already there':>18}",
                *kinds,
                f"{'Control totals':<28}{'invoices':>12}{'billed':>18}{'received':>18}",
                _totals("in the files", self.in_files),
                _totals("in the clinic", self.in_clinic),
                f"  {'paid too much, unapplied':<26}{self.unapplied:>48,}",
                f"  {'payments left out':<26}{self.left_out:>48,}",
            ]
        )


def _totals(name: str, totals: ControlTotals) -> str:
    return f"  {name:<26}{totals.invoices:>12,}{totals.billed:>18,}{totals.received:>18,}"
