"""Decides which days are too late or too early to be recorded."""

from datetime import date

from domain.errors import InvalidInput


def not_later(day: date, today: date, name: str) -> date:
    """The day of something that has happened; refuses one that has not come yet."""
    if day > today:
        raise InvalidInput("This day has not come yet", (name,))
    return day


def not_past(day: date, today: date, name: str) -> date:
    """The day of something to come; refuses one that has passed."""
    if day < today:
        raise InvalidInput("This day has passed already", (name,))
    return day
