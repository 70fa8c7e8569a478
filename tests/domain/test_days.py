"""The bounds of days in the input: of money and treatment, of births, and of days to come."""

from datetime import date
from typing import Any

import pytest

from domain.days import BOUNDS, check_day, check_days
from domain.errors import InvalidInput

_TODAY = date(2024, 2, 29)


_FUTURE = "The date is in the future"


@pytest.mark.parametrize(
    ("name", "first", "last", "message"),
    [
        *((name, date(2000, 1, 1), _TODAY, _FUTURE) for name in ("service_date", "date_of_injury", "opened_on")),
        ("birth_date", date(1900, 1, 1), _TODAY, _FUTURE),
        *(
            (name, date(2000, 1, 1), date(2034, 2, 28), "must not be after 2034-02-28")
            for name in ("appeal_due_on", "conditional_until", "until_on", "target_date")
        ),
        ("limitation_date", date(2000, 1, 1), date(2054, 2, 28), "must not be after 2054-02-28"),
    ],
)
def test_a_day_lies_within_its_bounds(name: str, first: date, last: date, message: str) -> None:
    for day in (first, last, _TODAY):
        check_day(day, _TODAY, name)
    for day in (date(26, 11, 14), date.fromordinal(first.toordinal() - 1)):
        with pytest.raises(InvalidInput, match=f"must not be before {first}"):
            check_day(day, _TODAY, name)
    for day in (date.fromordinal(last.toordinal() + 1), date.max):
        with pytest.raises(InvalidInput, match=message):
            check_day(day, _TODAY, name)


def test_every_bound_of_the_table_is_tested_above() -> None:
    assert set(BOUNDS) == {"service_date", "date_of_injury", "opened_on", "birth_date", "limitation_date"}


@pytest.mark.parametrize(
    ("inputs", "path"),
    [
        ({"on": date(26, 1, 1)}, ("on",)),
        ({"lines": [{"on": _TODAY}, {"on": date(26, 1, 1)}]}, ("lines", "1", "on")),
        ({"days": [date(26, 1, 1)]}, ("days", "0")),
        ({"of": {"birth_date": date(1899, 12, 31)}}, ("of", "birth_date")),
    ],
)
def test_days_of_an_input_are_checked_wherever_they_stand(inputs: dict[str, Any], path: tuple[str, ...]) -> None:
    with pytest.raises(InvalidInput) as refusal:
        check_days(inputs, _TODAY)
    assert refusal.value.path == path
