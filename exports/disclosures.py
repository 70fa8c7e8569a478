"""Decides what a report of disclosures looks like: one line for each time that something about a patient was seen or changed."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TextIO

from domain.texts import FORMULAS

COLUMNS = ("when", "who", "role", "operation", "records", "fields", "request id")


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One event of the audit trail that is about the patient."""

    at: datetime
    by: str
    role: str
    operation: str
    records: int
    fields: tuple[str, ...]
    request_id: str


def write_disclosures(rows: Iterable[Disclosure], file: TextIO) -> int:
    """Write a report; how many lines it has besides its head."""
    writer, count = csv.writer(file), 0
    writer.writerow(COLUMNS)
    for row in rows:
        told = (
            row.at.isoformat(),
            row.by,
            row.role,
            row.operation,
            str(row.records),
            " ".join(row.fields),
            row.request_id,
        )
        writer.writerow(map(inert, told))
        count += 1
    return count


def inert(text: str) -> str:
    """A text that no spreadsheet takes for a formula."""
    return f"'{text}" if text.startswith(FORMULAS) else text
