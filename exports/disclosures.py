"""The report of disclosures to a patient: one line for each time that data about the patient was read or changed."""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import TextIO

from domain.formulas import guard

COLUMNS = ("when", "who", "role", "operation", "records", "fields", "request id")


@dataclass(frozen=True, slots=True)
class Disclosure:
    """One event of the audit log that is about the patient."""

    at: datetime
    by: str
    role: str
    operation: str
    records: int
    fields: tuple[str, ...]
    request_id: str


def write_disclosures(rows: Iterable[Disclosure], file: TextIO) -> int:
    """Write a report; returns its number of lines without the header."""
    writer, count = csv.writer(file), 0
    writer.writerow(COLUMNS)
    for row in rows:
        cells = (
            row.at.isoformat(),
            row.by,
            row.role,
            row.operation,
            str(row.records),
            " ".join(row.fields),
            row.request_id,
        )
        writer.writerow(map(guard, cells))
        count += 1
    return count
