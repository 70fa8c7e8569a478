"""The bounds of days in the input, the pairs of days of which one must not be after the other, and the ends of a month."""

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from domain.errors import InputReason, InvalidInput

_IN_THE_FUTURE = "The date is in the future"


@dataclass(frozen=True, slots=True)
class Bounds:
    """The first day that an input may name, and how many years after today the last one lies (0: it is today)."""

    earliest: date
    years_ahead: int


# A year with a digit missing or too many is a typing error: 0026 or 20226 for 2026.
# Days of money and treatment are not before this one.
FIRST_DAY, _FIRST_BIRTH = date(2000, 1, 1), date(1900, 1, 1)
_PAST = Bounds(FIRST_DAY, 0)
# Column or input → its bounds, where they are not those of a day on which something falls due.
BOUNDS = {
    "birth_date": Bounds(_FIRST_BIRTH, 0),
    **dict.fromkeys(("date_of_injury", "opened_on", "service_date"), _PAST),
    # The last day to sue.
    "limitation_date": Bounds(FIRST_DAY, 30),
}
DUE = Bounds(FIRST_DAY, 10)


def check_day(day: date, today: date, name: str, path: tuple[str, ...] = ()) -> None:
    """InvalidInput for a day outside its bounds; `name` is the column or input."""
    bounds = BOUNDS.get(name, DUE)
    if day < bounds.earliest:
        words = f"The date must not be before {bounds.earliest}"
        raise InvalidInput(words, path or (name,), InputReason.TOO_LOW, bounds.earliest.isoformat())
    last = _years_after(today, bounds.years_ahead)
    if day > last:
        reason = InputReason.TOO_HIGH if bounds.years_ahead else InputReason.IN_THE_FUTURE
        words = f"The date must not be after {last}" if bounds.years_ahead else _IN_THE_FUTURE
        raise InvalidInput(words, path or (name,), reason, last.isoformat())


def check_days(inputs: Mapping[str, Any], today: date, path: tuple[str, ...] = ()) -> None:
    """The same for every day in the input of a command, also in its lists and objects."""
    for name, value in inputs.items():
        _check_value(name, value, today, (*path, name))


def _check_value(name: str, value: Any, today: date, path: tuple[str, ...]) -> None:
    if isinstance(value, date) and not isinstance(value, datetime):
        check_day(value, today, name, path)
    elif isinstance(value, Mapping):
        check_days(value, today, path)
    elif isinstance(value, list):
        for place, item in enumerate(value):
            _check_value(name, item, today, (*path, str(place)))


def _years_after(today: date, years: int) -> date:
    year = today.year + years
    return date(year, today.month, min(today.day, monthrange(year, today.month)[1]))


def not_later(day: date, today: date, name: str) -> date:
    """The date of a past event; InvalidInput for one in the future."""
    if day > today:
        raise InvalidInput(_IN_THE_FUTURE, (name,), InputReason.IN_THE_FUTURE, today.isoformat())
    return day


def not_past(day: date, today: date, name: str) -> date:
    """The date of a future event; InvalidInput for one in the past."""
    if day < today:
        raise InvalidInput("The date is in the past", (name,), InputReason.IN_THE_PAST, today.isoformat())
    return day


@dataclass(frozen=True, slots=True)
class DayPair:
    """Two columns with days, the message where the later one lies before the earlier one, and the same as a law of `billing verify`."""

    earlier: str
    later: str
    message: str
    law: str

    def holds(self, earlier: date | None, later: date | None) -> bool:
        """Whether two days are in order; a day that is not known breaks nothing."""
        return earlier is None or later is None or earlier <= later


INJURY_TREATMENT = DayPair(
    "date_of_injury",
    "service_date",
    "The treatment must not be before the date of injury",
    "Treatment is not before the injury, unless an administrator confirmed it",
)
TREATMENT_CREATION = DayPair(
    "service_date",
    "created_on",
    "The service date must not be after the creation date",
    "An invoice is not created before the treatment",
)
CREATION_SUBMISSION = DayPair(
    "created_on",
    "submitted_on",
    "The submission date must not be before the creation date",
    "An invoice is not submitted before its creation",
)
SUBMISSION_DENIAL = DayPair(
    "first_submitted_on",
    "denied_on",
    "The denial must not be before the first submission",
    "A denial is not before the first submission of its invoice",
)
DENIAL_APPEAL = DayPair(
    "denied_on",
    "appeal_due_on",
    "The last day for an appeal must not be before the denial",
    "An appeal is not due before the denial",
)
CREATION_ADJUSTMENT = DayPair(
    "created_on",
    "effective_on",
    "The adjustment must not be before the invoice date",
    "An adjustment is not before the creation of its invoice",
)
DENIAL_STEP = DayPair(
    "denied_on",
    "happened_on",
    "This must not be before the denial",
    "A denial is not appealed or closed before it was made",
)
STEP_STEP = DayPair(
    "before_on",
    "happened_on",
    "This must not be before the step before",
    "The appeals and outcomes of a denial are in the order of their days",
)
REQUEST_DUE = DayPair(
    "requested_on",
    "due_on",
    "The due day must not be before the day of the request",
    "A recoupment request is not due before it was made",
)
REQUEST_ANSWER = DayPair(
    "requested_on",
    "answered_on",
    "The answer must not be before the day of the request",
    "A recoupment request is not answered before it was made",
)
REFUND_RETURN = DayPair(
    "refunded_on",
    "returned_on",
    "The return must not be before the day of the refund",
    "A refund does not come back before it was paid",
)
# An agreement is made on the day of its step, after the submission; the days of payments have laws of their own.
PAIRS = (
    *(INJURY_TREATMENT, TREATMENT_CREATION, CREATION_SUBMISSION, SUBMISSION_DENIAL, DENIAL_APPEAL),
    *(CREATION_ADJUSTMENT, DENIAL_STEP, STEP_STEP),
    *(REQUEST_DUE, REQUEST_ANSWER, REFUND_RETURN),
)


def first_of_month(day: date) -> date:
    """The first day of a day's month."""
    return day.replace(day=1)


def last_of_month(day: date) -> date:
    """The last day of a day's month."""
    return day.replace(day=monthrange(day.year, day.month)[1])
