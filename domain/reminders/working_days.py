"""Working days: the next one after a weekend or a holiday, and the moment on it from which messages are sent."""

from collections.abc import Collection
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from domain.reminders.reminders import FIRST_HOUR

_SATURDAY = 5
_DAY = timedelta(days=1)


def is_working_day(day: date, holidays: Collection[date]) -> bool:
    """Whether a day is neither on a weekend nor a holiday."""
    return day.weekday() < _SATURDAY and day not in holidays


def working_day_from(day: date, holidays: Collection[date]) -> date:
    """The day itself if it is a working day, else the next one; `holidays` are those of the day's year and of the next.

    >>> working_day_from(date(2026, 12, 25), {date(2026, 12, 25)})
    datetime.date(2026, 12, 28)
    """
    while not is_working_day(day, holidays):
        day += _DAY
    return day


def first_moment_on(day: date, time_zone: str) -> datetime:
    """The moment from which messages are sent on a day, in the clinic's IANA time zone."""
    return datetime.combine(day, time(FIRST_HOUR), ZoneInfo(time_zone))
