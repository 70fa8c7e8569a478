"""Which number formats show a date, time or duration, and the conversion of such numbers."""

import re
from datetime import date, datetime, time, timedelta
from enum import Enum, auto
from typing import IO

from imports.files.xml_parts import NO_WORKBOOK, Attributes, visit_elements
from imports.sheets import SheetError

_MOST_STYLES = 65_536
_MOST_FORMAT = 1_000
# Formats that every spreadsheet has, by their published numbers (ECMA-376, 18.8.30); 27 to 36 and 50 to 58 are dates in
# East Asia.
_DATES = {*range(14, 23), *range(27, 37), 45, 47, *range(50, 59)}
_DURATIONS = {46}
# In a format, quoted, escaped or bracketed text is not part of a date, but brackets around hours, minutes or seconds
# are a duration.
_LITERALS = re.compile(r'"[^"]*"|\\.|_.|\*.|\[(?!h+\]|m+\]|s+\])[^\]]*\]', re.IGNORECASE)
_DURATION = re.compile(r"\[(h+|m+|s+)\]", re.IGNORECASE)
_GENERAL = re.compile("general", re.IGNORECASE)
_DATE = re.compile(r"[dmyhs]", re.IGNORECASE)
_DAY = timedelta(days=1)
_DAY_MS = 86_400_000
_MIDNIGHT = datetime.combine(date.min, time.min)
_LAST_SERIAL = 2_958_465
# Spreadsheets that count from 1900 have a day 60 that never existed, 1900-02-29.
_NO_DAY = 60


class Shown(Enum):
    """How a number is displayed; `nothing` for a style that does not exist."""

    NOTHING = auto()
    NUMBER = auto()
    DATE = auto()
    DURATION = auto()


def read_styles(part: IO[bytes]) -> list[Shown]:
    """How the number in a cell of each style is displayed."""
    formats: dict[str, Shown] = {}
    numbers: list[str] = []

    def visit(path: list[str], attributes: Attributes) -> None:
        if path == ["styleSheet", "numFmts", "numFmt"]:
            formats[attributes.get("numFmtId", "")] = shown_as(attributes.get("formatCode", ""))
        elif path == ["styleSheet", "cellXfs", "xf"]:
            numbers.append(attributes.get("numFmtId", "0"))
        if len(formats) > _MOST_STYLES or len(numbers) > _MOST_STYLES:
            raise SheetError(NO_WORKBOOK)

    visit_elements(part, visit)
    return [formats.get(number) or _builtin(number) for number in numbers]


def shown_as(code: str) -> Shown:
    """How a format displays a number; only its first section is used."""
    section = _GENERAL.sub("", _LITERALS.sub("", code[:_MOST_FORMAT]).partition(";")[0])
    if _DURATION.search(section):
        return Shown.DURATION
    return Shown.DATE if _DATE.search(section) else Shown.NUMBER


def moment(serial: float, *, from_1904: bool) -> date | datetime | time | None:
    """The day, with its time if it has one, or the time alone, to the millisecond; None if it is not in the calendar."""
    day, rest = divmod(round(serial * _DAY_MS), _DAY_MS)
    if not 0 <= day <= _LAST_SERIAL or (day == _NO_DAY and not from_1904):
        return None
    clock = (_MIDNIGHT + timedelta(milliseconds=rest)).time()
    if day == 0:
        return clock
    found = _day(day, from_1904=from_1904)
    if found is None:
        return None
    return datetime.combine(found, clock) if rest else found


def _day(serial: int, *, from_1904: bool) -> date | None:
    try:
        if from_1904:
            return date(1904, 1, 1) + serial * _DAY
        return date(1899, 12, 30 if serial > _NO_DAY else 31) + serial * _DAY
    except OverflowError:
        return None


def _builtin(number: str) -> Shown:
    if not number.isascii() or not number.isdecimal() or len(number) > 3:  # noqa: PLR2004 (a longer one is none of these)
        return Shown.NUMBER
    if int(number) in _DURATIONS:
        return Shown.DURATION
    return Shown.DATE if int(number) in _DATES else Shown.NUMBER
