"""Converts the cells of foreign files: days, amounts and names in other forms become those of the templates, exactly or not at all."""

import re
from collections.abc import Callable
from datetime import date
from typing import Any

from domain.errors import InvalidInput
from domain.imports import FIRST_SHORT_YEAR, CellFormat
from imports.cells import NumberCell

# Converts a non-blank cell; it raises InvalidInput with the reason if it cannot.
Convert = Callable[[Any], Any]

# Midnight, as database programs write it after a day.
_MIDNIGHT = r"(?:[ T](?:0?0:00(?::00(?:\.0+)?)?|12:00(?::00)? ?AM))?"
_PARTS = re.compile(rf"([0-9]{{1,2}})([/.-])([0-9]{{1,2}})\2([0-9]{{4}}){_MIDNIGHT}", re.IGNORECASE)
_SHORT_PARTS = re.compile(rf"([0-9]{{1,2}})([/.-])([0-9]{{1,2}})\2([0-9]{{2}}){_MIDNIGHT}", re.IGNORECASE)
_DIGITS = re.compile(r"([0-9]{4})([0-9]{2})([0-9]{2})")
_US = re.compile(r"(?P<digits>[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?P<places>\.[0-9]{0,2})?")
_EUROPEAN = re.compile(r"(?P<digits>[0-9]+|[0-9]{1,3}(?:[. '\u2019\u00a0\u202f][0-9]{3})+)(?P<places>,[0-9]{0,2})?")
_CENTS = re.compile(r"(?P<digits>[0-9]+)(?P<places>)")
_NO_DAY = "There is no such day in the calendar"
_CENTURY = 100

DAYS = (
    CellFormat.MONTH_DAY_YEAR,
    CellFormat.DAY_MONTH_YEAR,
    CellFormat.YEAR_MONTH_DAY,
    CellFormat.MONTH_DAY_SHORT_YEAR,
    CellFormat.DAY_MONTH_SHORT_YEAR,
)
AMOUNTS = (CellFormat.US_AMOUNT, CellFormat.EUROPEAN_AMOUNT, CellFormat.IMPLIED_DECIMAL)
_MONTH_FIRST = (CellFormat.MONTH_DAY_YEAR, CellFormat.MONTH_DAY_SHORT_YEAR)
SHORT_YEARS = (CellFormat.MONTH_DAY_SHORT_YEAR, CellFormat.DAY_MONTH_SHORT_YEAR)
# Format → an example of it, as error messages and questions show it.
EXAMPLES = {
    CellFormat.AS_IS: "2026-01-31 or 1234.50",
    CellFormat.MONTH_DAY_YEAR: "1/31/2026",
    CellFormat.DAY_MONTH_YEAR: "31/1/2026",
    CellFormat.YEAR_MONTH_DAY: "20260131",
    CellFormat.MONTH_DAY_SHORT_YEAR: "1/31/26",
    CellFormat.DAY_MONTH_SHORT_YEAR: "31/1/26",
    CellFormat.US_AMOUNT: "$1,234.50",
    CellFormat.EUROPEAN_AMOUNT: "1.234,50",
    CellFormat.IMPLIED_DECIMAL: "123450 for 1234.50",
    CellFormat.LAST_FIRST: "Last, First",
}


def day_in(form: CellFormat) -> Convert:
    """A reader of days; dates of a spreadsheet and other cells that are no text stay as they are."""

    def convert(cell: Any) -> Any:
        return _day(form, cell.strip()) if isinstance(cell, str) else _of_number(form, cell)

    return convert


def _of_number(form: CellFormat, cell: Any) -> Any:
    """A number that shows eight digits in a spreadsheet is such a day, too; any other cell is left to the column's own reader."""
    is_number = isinstance(cell, NumberCell) and form is CellFormat.YEAR_MONTH_DAY
    return _day(form, cell.shown) if is_number else cell


def _day(form: CellFormat, text: str) -> date:
    year, month, day = _year_month_day(form, text)
    try:
        return date(year, month, day)
    except ValueError:
        raise InvalidInput(_NO_DAY) from None


def _year_month_day(form: CellFormat, text: str) -> tuple[int, int, int]:
    if form is CellFormat.YEAR_MONTH_DAY:
        found = _DIGITS.fullmatch(text)
        if found:
            return int(found[1]), int(found[2]), int(found[3])
        raise InvalidInput(f"This is not a day such as {EXAMPLES[form]}")
    found = (_SHORT_PARTS if form in SHORT_YEARS else _PARTS).fullmatch(text)
    if not found:
        raise InvalidInput(f"This is not a day such as {EXAMPLES[form]}")
    first, second, year = int(found[1]), int(found[3]), int(found[4])
    if form in SHORT_YEARS:
        year = full_year(year)
    return (year, first, second) if form in _MONTH_FIRST else (year, second, first)


def full_year(short: int) -> int:
    """The year of two digits within the hundred years from FIRST_SHORT_YEAR on.

    >>> full_year(30), full_year(29)
    (1930, 2029)
    """
    return FIRST_SHORT_YEAR + (short - FIRST_SHORT_YEAR) % _CENTURY


def amount_in(form: CellFormat) -> Convert:
    """A reader of amounts, which become plain decimals such as "1234.50"; numbers of a spreadsheet stay as they are."""
    pattern = {CellFormat.US_AMOUNT: _US, CellFormat.EUROPEAN_AMOUNT: _EUROPEAN, CellFormat.IMPLIED_DECIMAL: _CENTS}[
        form
    ]

    def convert(cell: Any) -> Any:
        if form is CellFormat.IMPLIED_DECIMAL and isinstance(cell, NumberCell):
            # A cell that shows 1,234.00 has no implied decimals, whatever its value is.
            cell = cell.shown
        if not isinstance(cell, str):
            return cell
        rest, sign = _unsigned(cell.strip(), with_dollar=form is CellFormat.US_AMOUNT)
        found = pattern.fullmatch(rest)
        if not found:
            raise InvalidInput(f"This is not an amount such as {EXAMPLES[form]}")
        digits = re.sub(r"[^0-9]", "", found["digits"])
        if form is CellFormat.IMPLIED_DECIMAL:
            digits = digits.rjust(3, "0")
            digits, places = digits[:-2], digits[-2:]
        else:
            places = (found["places"] or "")[1:]
        return f"{sign}{digits.lstrip('0') or '0'}{f'.{places}' if places else ''}"

    return convert


def _unsigned(text: str, *, with_dollar: bool) -> tuple[str, str]:
    """The text without sign, dollar sign and parentheses, and its sign; a second sign stays, so that nothing matches the rest."""
    negative = False
    if text.startswith("(") and text.endswith(")"):
        text, negative = text[1:-1].strip(), True
    elif text.endswith("-"):
        text, negative = text[:-1].rstrip(), True
    elif text.startswith("-"):
        text, negative = text[1:].lstrip(), True
    if with_dollar and text.startswith("$"):
        text = text[1:].lstrip()
        if not negative and text.startswith("-"):
            text, negative = text[1:], True
    return text, "-" if negative else ""


def name_in(column: str) -> Convert:
    """A reader of names such as "Last, First": the part that the column holds, or both in the order of speech."""

    def convert(cell: Any) -> Any:
        last, comma, first = (part.strip() for part in (cell if isinstance(cell, str) else "").partition(","))
        if not (last and comma and first) or "," in first:
            raise InvalidInput('This is not a name such as "Last, First", with one comma')
        return {"first_name": first, "last_name": last}.get(column, f"{first} {last}")

    return convert


def converter(form: CellFormat, column: str) -> Convert | None:
    """The conversion of a format for a column; None where the cell is read as in a template."""
    if form in DAYS:
        return day_in(form)
    if form in AMOUNTS:
        return amount_in(form)
    return name_in(column) if form is CellFormat.LAST_FIRST else None
