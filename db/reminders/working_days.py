"""The calendar of a clinic: the federal holidays of the United States, and whether its reminders and messages move by it."""

import asyncio
from datetime import date, datetime
from functools import cache
from typing import Any

from domain.clinics import clinic_day
from domain.reminders.working_days import first_moment_on, working_day_from

# The row of a clinic that the functions below take.
CALENDAR = "select moves_to_working_days, time_zone from clinics where clinic_id = $1"


@cache
def federal_holidays(year: int) -> frozenset[date]:
    """The federal holidays of a year, with the days on which those of a weekend are observed, in this year."""
    from holidays import country_holidays  # noqa: PLC0415 (it imports the holidays of all countries: half a second)

    return frozenset(day for day in country_holidays("US", years=year, expand=False) if day.year == year)


async def next_working_day(day: date) -> date:
    """The day itself if it is a working day, else the next one."""
    # The first call imports the library, for which nobody else has to wait.
    holidays = await asyncio.to_thread(lambda: federal_holidays(day.year) | federal_holidays(day.year + 1))
    return working_day_from(day, holidays)


async def due_day(clinic: Any, day: date) -> date:
    """The day on which what falls on a day is due in a clinic; `clinic` is a row with its setting."""
    return await next_working_day(day) if clinic["moves_to_working_days"] else day


async def sending_moment(clinic: Any, moment: datetime) -> datetime:
    """The first moment, at or after a moment, at which a clinic sends messages; `clinic` is a row with its time zone and setting."""
    today = clinic_day(moment, clinic["time_zone"])
    day = await due_day(clinic, today)
    return moment if day == today else first_moment_on(day, clinic["time_zone"])
