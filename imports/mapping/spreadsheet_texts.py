"""Reads days and amounts of a template that a US spreadsheet program has rewritten as it saved the file as CSV."""

import re
from datetime import date
from typing import Any

from domain.errors import InvalidInput
from domain.imports import CellFormat, ImportKind
from imports.cells import shown
from imports.mapping.columns import COLUMNS, Form
from imports.mapping.evidence import DayEvidence
from imports.mapping.formats import amount_in, day_in
from imports.report import Problems
from imports.shapes import Column

_FORM = CellFormat.MONTH_DAY_YEAR
_day, _other_day, _amount = day_in(_FORM), day_in(CellFormat.DAY_MONTH_YEAR), amount_in(CellFormat.US_AMOUNT)
_SLASHED = re.compile(r"[0-9]{1,2}/[0-9]{1,2}/[0-9]{4}")
# Two places or a dollar sign: "1,234" alone could be a decimal comma.
_CERTAIN = re.compile(r".*\$.*|.*\.[0-9]{2}\W*")
_EITHER = "This can be read as month/day or as day/month, and no day of this file tells which: write 2026-01-31"


class SpreadsheetTexts:
    """The days such as 1/31/2026 of one file, all written by one program: either they prove the order of month and day, or none is read."""

    def __init__(self, kind: ImportKind) -> None:
        self._known = COLUMNS[kind]
        self._evidence, self._is_refuted = DayEvidence(_FORM), False
        self._either: list[tuple[int, str, str]] = []

    def read(self, line: int, column: Column, cell: Any) -> Any:
        """The value of a cell that is not written as in the template; None if it is no such day or amount."""
        if not isinstance(cell, str):
            return None
        form, text = self._known[column.name].form, cell.strip()
        try:
            if form is Form.DAY and _SLASHED.fullmatch(text):
                return column.read(self._read_day(line, column, text))
            if form is Form.AMOUNT and _CERTAIN.fullmatch(text):
                return column.read(_amount(text))
        except InvalidInput:
            return None
        return None

    def _read_day(self, line: int, column: Column, text: str) -> date:
        other = _find_other_day(text)
        try:
            found: date = _day(text)
        except InvalidInput:
            self._is_refuted = self._is_refuted or other is not None
            raise
        self._evidence.see(text, found)
        if other not in (None, found):
            self._either.append((line, column.name, text))
        return found

    def report_open_days(self, problems: Problems) -> None:
        """Report every day that could be another one, unless the file proves its order of month and day."""
        if self._is_refuted or self._evidence.is_open:
            for line, column, text in self._either:
                problems.add(line, column, shown(text), _EITHER)


def _find_other_day(text: str) -> date | None:
    try:
        found: date = _other_day(text)
    except InvalidInput:
        return None
    return found
