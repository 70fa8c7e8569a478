"""Checks that dates in the input are not in the future or not in the past; the first and the last day of a month."""

from calendar import monthrange
from datetime import date

from domain.errors import InvalidInput


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
