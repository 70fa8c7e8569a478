"""What falls on a weekend or a holiday moves to the next working day, over several days in a row and over the end of a year."""

from datetime import UTC, date, datetime, timedelta

import pytest

from domain.reminders.working_days import first_moment_on, is_working_day, working_day_from

HOLIDAYS = {
    date(2026, 12, 25),
    date(2027, 5, 31),
    date(2027, 7, 5),
    date(2027, 12, 24),
    date(2027, 12, 31),
    date(2029, 1, 1),
}


@pytest.mark.parametrize(
    ("day", "moved"),
    [
        # An ordinary Friday, Saturday, Sunday and Monday.
        ("2027-03-05", "2027-03-05"),
        ("2027-03-06", "2027-03-08"),
        ("2027-03-07", "2027-03-08"),
        ("2027-03-08", "2027-03-08"),
        # A weekend before a holiday on a Monday.
        ("2027-05-29", "2027-06-01"),
        ("2027-05-30", "2027-06-01"),
        ("2027-05-31", "2027-06-01"),
        # A holiday on a Sunday is observed on the Monday.
        ("2027-07-03", "2027-07-06"),
        # A holiday on a Friday, then a weekend.
        ("2026-12-25", "2026-12-28"),
        # A holiday on a Saturday is observed on the Friday: three days in a row, the last of them of the next year.
        ("2027-12-24", "2027-12-27"),
        ("2027-12-31", "2028-01-03"),
        ("2028-01-01", "2028-01-03"),
        # A weekend at the end of a year and New Year's Day on the Monday after it.
        ("2028-12-30", "2029-01-02"),
        ("2028-12-31", "2029-01-02"),
    ],
)
def test_a_day_moves_to_the_next_working_day(day: str, moved: str) -> None:
    assert working_day_from(date.fromisoformat(day), HOLIDAYS) == date.fromisoformat(moved)


def test_a_moved_day_is_the_first_working_day_from_the_day_on() -> None:
    day = date(2026, 1, 1)
    for _ in range(1_500):
        moved = working_day_from(day, HOLIDAYS)
        between = [day + timedelta(days=passed) for passed in range((moved - day).days)]
        assert is_working_day(moved, HOLIDAYS)
        assert not any(is_working_day(one, HOLIDAYS) for one in between)
        assert moved == day or day.weekday() >= 5 or day in HOLIDAYS
        day += timedelta(days=1)


def test_messages_are_sent_from_eight_in_the_morning_of_the_clinic_on() -> None:
    # Summer time begins in the night to Sunday, 14 March 2027: Monday morning is an hour earlier in UTC.
    assert first_moment_on(date(2027, 3, 12), "America/New_York") == datetime(2027, 3, 12, 13, tzinfo=UTC)
    assert first_moment_on(date(2027, 3, 15), "America/New_York") == datetime(2027, 3, 15, 12, tzinfo=UTC)
    assert first_moment_on(date(2027, 3, 15), "Pacific/Honolulu") == datetime(2027, 3, 15, 18, tzinfo=UTC)
