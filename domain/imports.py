"""The kinds of file imports, the formats of foreign cells, and the size limits of a file and its report."""

from enum import StrEnum


class ImportKind(StrEnum):
    """The records that an import file contains."""

    CODES = "codes"
    FEE_SCHEDULES = "fee_schedules"
    REASON_CODES = "reason_codes"
    EXAM_TYPES = "exam_types"
    PAYERS = "payers"
    ATTORNEYS = "attorneys"
    PHYSICIANS = "physicians"
    FACILITIES = "facilities"
    PATIENTS = "patients"
    CASES = "cases"
    INVOICES = "invoices"


class CellFormat(StrEnum):
    """How a column of a foreign file writes its values."""

    AS_IS = "as_is"
    MONTH_DAY_YEAR = "month_day_year"
    DAY_MONTH_YEAR = "day_month_year"
    YEAR_MONTH_DAY = "year_month_day"
    MONTH_DAY_SHORT_YEAR = "month_day_short_year"
    DAY_MONTH_SHORT_YEAR = "day_month_short_year"
    US_AMOUNT = "us_amount"
    EUROPEAN_AMOUNT = "european_amount"
    IMPLIED_DECIMAL = "implied_decimal"
    LAST_FIRST = "last_first"
    # The file does not tell the format: a person has to choose.
    UNDECIDED = "undecided"


# The same day in the other order of month and day: only the values of a file tell which of the two it has.
OTHER_ORDER = {
    CellFormat.MONTH_DAY_YEAR: CellFormat.DAY_MONTH_YEAR,
    CellFormat.DAY_MONTH_YEAR: CellFormat.MONTH_DAY_YEAR,
    CellFormat.MONTH_DAY_SHORT_YEAR: CellFormat.DAY_MONTH_SHORT_YEAR,
    CellFormat.DAY_MONTH_SHORT_YEAR: CellFormat.MONTH_DAY_SHORT_YEAR,
}
# A year of two digits is one of the hundred years from here on, as in a spreadsheet.
FIRST_SHORT_YEAR = 1930

MOST_ROWS = 1_000_000
MOST_COLUMNS = 100
# The limits of a workbook after decompression.
MOST_CELLS = 10_000_000
LARGEST_UNPACKED = 300 * 1024 * 1024
# How many invalid rows the report lists; the rest are only counted.
MOST_TOLD = 1_000
# How many characters of an invalid value the report quotes.
LONGEST_SHOWN = 100
