"""The federal holidays that the library knows are those of the law (section 6103 of title 5), computed here from its words."""

from datetime import date, timedelta

import pytest

from db.reminders.working_days import federal_holidays, next_working_day

_MONDAY, _THURSDAY = 0, 3
_SATURDAY, _SUNDAY = 5, 6


def _nth(year: int, month: int, weekday: int, nth: int) -> date:
    """The nth such weekday of a month."""
    first = date(year, month, 1)
    return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))


def _last_monday_of_may(year: int) -> date:
    day = date(year, 5, 31)
    return day - timedelta(days=day.weekday())


def _by_law(year: int) -> list[date]:
    """The holidays of 5 U.S.C. 6103(a)."""
    return [
        date(year, 1, 1),
        _nth(year, 1, _MONDAY, 3),
        _nth(year, 2, _MONDAY, 3),
        _last_monday_of_may(year),
        date(year, 6, 19),
        date(year, 7, 4),
        _nth(year, 9, _MONDAY, 1),
        _nth(year, 10, _MONDAY, 2),
        date(year, 11, 11),
        _nth(year, 11, _THURSDAY, 4),
        date(year, 12, 25),
    ]


def _observed(day: date) -> date:
    """5 U.S.C. 6103(b): of one on a Saturday the Friday before it; Executive Order 11582: of one on a Sunday the Monday after it."""
    moved = {_SATURDAY: -1, _SUNDAY: 1}.get(day.weekday(), 0)
    return day + timedelta(days=moved)


def _days_off(year: int) -> set[date]:
    """The holidays of a year and the days on which they are observed, as far as they lie in it."""
    found = {
        day for of in (year - 1, year, year + 1) for holiday in _by_law(of) for day in (holiday, _observed(holiday))
    }
    return {day for day in found if day.year == year}


@pytest.mark.parametrize("year", [2026, 2027])
def test_the_library_knows_the_holidays_of_the_law(year: int) -> None:
    assert federal_holidays(year) == _days_off(year), (
        "the library `holidays` has other federal holidays than the law: has the law changed, or is the release wrong?"
    )


@pytest.mark.parametrize("year", range(2022, 2037))
def test_weekdays_off_are_those_of_the_law_for_as_far_as_reminders_reach(year: int) -> None:
    """A release may name more than the law on weekends, which are no working days anyway."""
    on_weekdays = {day for day in federal_holidays(year) if day.weekday() < _SATURDAY}
    assert on_weekdays == {day for day in _days_off(year) if day.weekday() < _SATURDAY}


def test_the_list_of_two_years_is_the_one_of_the_office_of_personnel_management() -> None:
    named = """2026-01-01 2026-01-19 2026-02-16 2026-05-25 2026-06-19 2026-07-03 2026-09-07 2026-10-12 2026-11-11 2026-11-26 2026-12-25
        2027-01-01 2027-01-18 2027-02-15 2027-05-31 2027-06-18 2027-07-05 2027-09-06 2027-10-11 2027-11-11 2027-11-25 2027-12-24
        2027-12-31"""
    both = federal_holidays(2026) | federal_holidays(2027)
    assert sorted(str(day) for day in both if day.weekday() < _SATURDAY) == named.split()


async def test_the_next_working_day_may_lie_in_the_next_year() -> None:
    assert await next_working_day(date(2027, 12, 31)) == date(2028, 1, 3)
    assert await next_working_day(date(2034, 12, 30)) == date(2035, 1, 2)
    assert await next_working_day(date(2026, 11, 30)) == date(2026, 11, 30)
