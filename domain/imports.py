"""The kinds of file imports, and the size limits of a file and its report."""

from enum import StrEnum


class ImportKind(StrEnum):
    """The records that an import file contains."""

    CODES = "codes"
    FEE_SCHEDULES = "fee_schedules"
    PAYERS = "payers"
    ATTORNEYS = "attorneys"
    PHYSICIANS = "physicians"
    FACILITIES = "facilities"
    PATIENTS = "patients"
    CASES = "cases"
    INVOICES = "invoices"


MOST_ROWS = 1_000_000
MOST_COLUMNS = 100
# The limits of a workbook after decompression.
MOST_CELLS = 10_000_000
LARGEST_UNPACKED = 300 * 1024 * 1024
# How many invalid rows the report lists; the rest are only counted.
MOST_TOLD = 1_000
# How many characters of an invalid value the report quotes.
LONGEST_SHOWN = 100
