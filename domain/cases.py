"""Decides the states of a case, and how cases are numbered."""

from datetime import date
from enum import StrEnum

from domain.errors import InvalidInput
from domain.texts import Text

NUMBER = Text(40)


class CaseStatus(StrEnum):
    """Whether a case still has bills to collect."""

    OPEN = "open"
    SETTLED = "settled"


def check_injury(date_of_injury: date, opened_on: date) -> None:
    """Refuse a case that was opened before anybody was hurt."""
    if date_of_injury > opened_on:
        raise InvalidInput("A case is opened after the injury", ("date_of_injury",))


def begin_of_number(year: int) -> str:
    """What the numbers of a year's cases begin with, where the clinic gives none of its own."""
    return f"PI-{year:04d}-"


def number_of(begin: str, count: int) -> str:
    """The number of a year's so manieth case.

    >>> number_of(begin_of_number(2026), 42)
    'PI-2026-00042'
    """
    return f"{begin}{count:05d}"
