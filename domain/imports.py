"""Decides what can be imported by a file, and how large a file and its report may be."""

from enum import StrEnum


class ImportKind(StrEnum):
    """What the rows of a file are."""

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
# What a workbook may come to when it is unpacked.
MOST_CELLS = 10_000_000
LARGEST_UNPACKED = 300 * 1024 * 1024
# How many bad rows are told one by one; the others are counted.
MOST_TOLD = 1_000
# How much of a bad value is repeated.
LONGEST_TOLD = 100
