"""The name and time zone of a clinic, calendar days in it, its terms of payment, its tolerance for small balances and its calendar."""

import re
from datetime import date, datetime
from decimal import Decimal
from difflib import get_close_matches
from zoneinfo import ZoneInfo, available_timezones

from domain.errors import InputReason, InvalidInput

# A short name is typed at sign-in where an e-mail has accounts in several clinics.
_SHORT_NAME = re.compile(r"[a-z][a-z0-9-]{0,38}[a-z0-9]")

# The largest tolerance for small balances, in US dollars.
LARGEST_TOLERANCE = 100
# The number of days from an invoice to its due day.
PAYMENT_TERMS_DAYS, LONGEST_PAYMENT_TERMS_DAYS = 30, 365


def clinic_day(moment: datetime, time_zone: str) -> date:
    """The calendar day of a moment (with offset) in the clinic's IANA time zone; ValueError for a moment without offset."""
    if moment.tzinfo is None:
        raise ValueError("A moment needs a UTC offset to be converted to a day")
    return moment.astimezone(ZoneInfo(time_zone)).date()


def checked_short_name(text: str) -> str:
    """The short name of a new clinic; InvalidInput for one that cannot be typed everywhere alike."""
    if not _SHORT_NAME.fullmatch(text):
        raise InvalidInput(
            "A short name has 2 to 40 characters: small letters, digits and hyphens, with a letter first",
            ("short_name",),
        )
    return text


def checked_time_zone(name: str) -> str:
    """An IANA time zone; InvalidInput for an unknown one, with those of a similar name.

    >>> checked_time_zone("America/Chicago")
    'America/Chicago'
    """
    known = available_timezones()
    if name not in known:
        alike = get_close_matches(name, sorted(known), 2)
        hint = f"did you mean {' or '.join(alike)}?" if alike else "examples are America/New_York and America/Chicago"
        raise InvalidInput(f"There is no time zone {name}: {hint}", ("time_zone",))
    return name


def checked_payment_terms(days: int | None) -> int:
    """The terms of payment in days; InvalidInput for a number that no clinic has."""
    if days is None or not 0 <= days <= LONGEST_PAYMENT_TERMS_DAYS:
        raise InvalidInput(f"Terms of payment are 0 to {LONGEST_PAYMENT_TERMS_DAYS} days", ("payment_terms_days",))
    return days


def checked_tolerance(amount: Decimal | None) -> Decimal:
    """The largest balance that the clinic gives up, in US dollars; InvalidInput for an amount that is no small balance."""
    if amount is None or not 0 <= amount <= LARGEST_TOLERANCE:
        raise InvalidInput(f"The tolerance is 0.00 to {LARGEST_TOLERANCE}.00 US dollars", ("small_balance_tolerance",))
    return amount


def checked_moves(moves: bool | None) -> bool:
    """Whether the clinic's reminders and messages move to working days; InvalidInput for neither yes nor no."""
    if moves is None:
        raise InvalidInput("This cannot be left blank", ("moves_to_working_days",), InputReason.BLANK)
    return moves
