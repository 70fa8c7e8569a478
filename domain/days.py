"""Checks that dates in the input are plausible, not in the future or not in the past; the first and the last day of a month."""

from calendar import monthrange
from collections.abc import Mapping
from datetime import date, datetime
from typing import Any

from domain.errors import InvalidInput

# A year with a digit missing or too many is a typing error: 0026 or 20226 for 2026.
_EARLIEST = date(2000, 1, 1)
_EARLIEST_OF = {"birth_date": date(1900, 1, 1)}
_YEARS_AHEAD = 10


def check_day(day: date, today: date, name: str, path: tuple[str, ...] = ()) -> None:
    """InvalidInput for a day before 2000, of a birth before 1900, or more than ten years ahead; `name` is the column or input."""
    earliest, latest = _EARLIEST_OF.get(name, _EARLIEST), _last_day(today)
    if day < earliest:
        raise InvalidInput(f"The date must not be before {earliest}", path or (name,))
    if day > latest:
        raise InvalidInput(f"The date must not be after {latest}", path or (name,))


def check_days(inputs: Mapping[str, Any], today: date, path: tuple[str, ...] = ()) -> None:
    """The same for every day in the input of a command, also in its lists and objects."""
    for name, value in inputs.items():
        _check_value(name, value, today, (*path, name))


def _check_value(name: str, value: Any, today: date, path: tuple[str, ...]) -> None:
    if isinstance(value, date) and not isinstance(value, datetime):
        check_day(value, today, name, path)
    elif isinstance(value, Mapping):
        check_days(value, today, path)
    elif isinstance(value, list):
        for place, item in enumerate(value):
            _check_value(name, item, today, (*path, str(place)))


def _last_day(today: date) -> date:
    year = today.year + _YEARS_AHEAD
    return date(year, today.month, min(today.day, monthrange(year, today.month)[1]))


def not_later(day: date, today: date, name: str) -> date:
    """The date of a past event; InvalidInput for one in the future."""
    if day > today:
        raise InvalidInput("The date is in the future", (name,))
    return day


def not_past(day: date, today: date, name: str) -> date:
    """The date of a future event; InvalidInput for one in the past."""
    if day < today:
        raise InvalidInput("The date is in the past", (name,))
    return day


def first_of_month(day: date) -> date:
    """The first day of a day's month."""
    return day.replace(day=1)


def last_of_month(day: date) -> date:
    """The last day of a day's month."""
    return day.replace(day=monthrange(day.year, day.month)[1])
