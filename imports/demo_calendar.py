"""Decides when the demo clinic's cases were opened and their invoices created, and which numbers they got that day."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from imports.demo_dice import Dice

# How many of a hundred cases have 1, 2, … 6 invoices: about three on average.
INVOICES_PER_CASE = (22, 24, 20, 15, 11, 8)
# Above 1: the clinic has grown, and more cases are young than old.
GROWTH = 1.9


@dataclass(slots=True)
class PlannedCase:
    """A case before anything is known of it but its days: `created` holds one day per invoice, in order."""

    position: int
    number: str
    opened_on: date
    created: list[date]
    numbers: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Calendar:
    """All cases in the order in which they were opened, and the last invoice number of each year."""

    cases: list[PlannedCase]
    last_numbers: dict[int, int]

    def chunks(self, size: int) -> Iterator[list[PlannedCase]]:
        """The cases in portions."""
        for start in range(0, len(self.cases), size):
            yield self.cases[start : start + size]


def plan_cases(dice: Dice, invoices: int, first_day: date, today: date) -> Calendar:
    """Spread so many invoices over the cases of a clinic that opened on the first day."""
    days = (today - first_day).days
    sizes = _sizes(dice, invoices)
    opened = sorted(today - timedelta(days=int(days * dice.random() ** GROWTH)) for _ in sizes)
    if opened:
        opened[0] = first_day
    cases = []
    of_year: Counter[int] = Counter()
    for position, (size, day) in enumerate(zip(sizes, opened, strict=True)):
        of_year[day.year] += 1
        number = f"PI-{day.year}-{of_year[day.year]:05d}"
        cases.append(PlannedCase(position, number, day, _created(dice, size, day, today)))
    return Calendar(cases, _number(cases))


def _sizes(dice: Dice, invoices: int) -> list[int]:
    weighted = [size for size, weight in enumerate(INVOICES_PER_CASE, 1) for _ in range(weight)]
    sizes: list[int] = []
    left = invoices
    while left > 0:
        sizes.append(min(dice.one_of(weighted), left))
        left -= sizes[-1]
    return sizes


def _created(dice: Dice, size: int, opened_on: date, today: date) -> list[date]:
    """The days of a case's invoices: some weeks apart, and none after today."""
    days, day = [], dice.after(opened_on, 0, 12)
    room = (today - opened_on).days
    for _ in range(size):
        days.append(day if day <= today else dice.after(opened_on, 0, room))
        day = dice.after(day, 5, 50)
    return sorted(days)


def _number(cases: list[PlannedCase]) -> dict[int, int]:
    """Give every invoice the next number of its year, in the order of creation; the last number of each year."""
    last: Counter[int] = Counter()
    in_order = sorted((day, case.position) for case in cases for day in case.created)
    for day, position in in_order:
        last[day.year] += 1
        cases[position].numbers.append(f"INV-{day.year}-{last[day.year]:06d}")
    return dict(last)
