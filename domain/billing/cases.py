"""The states of a case, and the numbering of cases."""

from datetime import date
from enum import StrEnum

from domain.errors import InvalidInput
from domain.texts import Text

NUMBER = Text(40)


class CaseStatus(StrEnum):
    """Whether a case still has bills to collect."""

    OPEN = "open"
    SETTLED = "settled"
    CLOSED = "closed"


class CloseReason(StrEnum):
    """Why a case was closed without a settlement."""

    DROPPED = "dropped"
    LOST = "lost"
    UNCOLLECTIBLE = "uncollectible"


def check_injury(date_of_injury: date, opened_on: date) -> None:
    """Refuse a case that was opened before the injury."""
    if date_of_injury > opened_on:
        raise InvalidInput("The date of injury must not be after the opening date", ("date_of_injury",))


def begin_of_number(year: int) -> str:
    """The prefix of a year's generated case numbers, used when the clinic gives no number of its own."""
    return f"PI-{year:04d}-"


def number_of(begin: str, count: int) -> str:
    """The generated number of a year's n-th case, `count` being n.

    >>> number_of(begin_of_number(2026), 42)
    'PI-2026-00042'
    """
    return f"{begin}{count:05d}"
