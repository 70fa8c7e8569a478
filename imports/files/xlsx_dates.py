"""Converts the numbers by which a workbook keeps days and times."""

from datetime import date, datetime, time, timedelta
from decimal import Decimal

_DAY = timedelta(days=1)
_DAY_MS = 86_400_000
_MIDNIGHT = datetime.combine(date.min, time.min)
_LAST_SERIAL = 2_958_465
# Spreadsheets that count from 1900 have a day 60 that never existed, 1900-02-29.
_NO_DAY = 60


def moment(serial: Decimal, *, from_1904: bool) -> date | datetime | None:
    """The day, with its time to the millisecond if it has one; None if it is not in the calendar."""
    if not 0 <= serial <= _LAST_SERIAL + 1:
        return None
    day, rest = divmod(round(serial * _DAY_MS), _DAY_MS)
    if day > _LAST_SERIAL or (day in (0, _NO_DAY) and not from_1904):
        return None
    found = _day(day, from_1904=from_1904)
    if found is None or not rest:
        return found
    return datetime.combine(found, (_MIDNIGHT + timedelta(milliseconds=rest)).time())


def _day(serial: int, *, from_1904: bool) -> date | None:
    try:
        if from_1904:
            return date(1904, 1, 1) + serial * _DAY
        return date(1899, 12, 30 if serial > _NO_DAY else 31) + serial * _DAY
    except OverflowError:
        return None
