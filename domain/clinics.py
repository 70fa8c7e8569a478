"""Calendar days in the time zone of a clinic."""

from datetime import date, datetime
from zoneinfo import ZoneInfo


def clinic_day(moment: datetime, time_zone: str) -> date:
    """The calendar day of a moment (with offset) in the clinic's IANA time zone; ValueError for a moment without offset."""
    if moment.tzinfo is None:
        raise ValueError("A moment needs a UTC offset to be converted to a day")
    return moment.astimezone(ZoneInfo(time_zone)).date()
