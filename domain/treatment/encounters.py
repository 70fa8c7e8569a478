"""The states of an encounter (visit), and what a new one must not contradict."""

from datetime import date
from enum import StrEnum

from domain.days import INJURY_TREATMENT
from domain.errors import InvalidInput

# After how many days without an invoice a visit is an action item of billing staff.
UNBILLED_AFTER_DAYS, LONGEST_UNBILLED_AFTER_DAYS = 7, 365


class EncounterStatus(StrEnum):
    """Whether a visit took place as it is recorded."""

    RECORDED = "recorded"
    CANCELLED = "cancelled"


def accepted_reason(service_date: date, date_of_injury: date, reason: str | None, next_step: str) -> str | None:
    """The reason why treatment before the injury is accepted; None where the treatment is not before it.

    InvalidInput for treatment before the injury without a reason; `next_step` says who can do what about it.
    """
    if INJURY_TREATMENT.holds(date_of_injury, service_date):
        return None
    if reason is None:
        raise InvalidInput(f"{INJURY_TREATMENT.message}, {date_of_injury}: {next_step}", ("service_date",))
    return reason


def checked_unbilled_after_days(days: int | None) -> int:
    """The days after which an unbilled visit is an action item; InvalidInput for a number out of range."""
    if days is None or not 0 <= days <= LONGEST_UNBILLED_AFTER_DAYS:
        raise InvalidInput(f"This is a number from 0 to {LONGEST_UNBILLED_AFTER_DAYS}", ("unbilled_after_days",))
    return days
