"""Calendar days in the time zone of a clinic, and its terms of payment."""

from datetime import date, datetime
from zoneinfo import ZoneInfo

from domain.errors import InvalidInput

# The number of days from an invoice to its due day.
PAYMENT_TERMS_DAYS, LONGEST_PAYMENT_TERMS_DAYS = 30, 365


def clinic_day(moment: datetime, time_zone: str) -> date:
    """The calendar day of a moment (with offset) in the clinic's IANA time zone; ValueError for a moment without offset."""
    if moment.tzinfo is None:
        raise ValueError("A moment needs a UTC offset to be converted to a day")
    return moment.astimezone(ZoneInfo(time_zone)).date()


def checked_payment_terms(days: int | None) -> int:
    """The terms of payment in days; InvalidInput for a number that no clinic has."""
    if days is None or not 0 <= days <= LONGEST_PAYMENT_TERMS_DAYS:
        raise InvalidInput(f"Terms of payment are 0 to {LONGEST_PAYMENT_TERMS_DAYS} days", ("payment_terms_days",))
    return days
