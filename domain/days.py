"""Checks that dates in the input are not in the future or not in the past."""

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
