"""The calendar of the demo clinic: when cases are opened and invoices created, and the invoice numbers of each day."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from imports.demo.seeded_random import SeededRandom

# Of a hundred cases, how many have 1, 2, … 6 invoices: about three on average.
INVOICES_PER_CASE = (22, 24, 20, 15, 11, 8)
# Above 1: the clinic has grown, and more cases are recent than old.
GROWTH = 1.9


@dataclass(slots=True)
class PlannedCase:
    """The dates of a case, before anything else about it is decided: `created` has one day per invoice, in order."""

    position: int
    number: str
    opened_on: date
    created: list[date]
    numbers: list[str] = field(default_factory=list)


@dataclass(slots=True)
class Calendar:
    """All cases in the order of their opening, and the last invoice number of each year."""

    cases: list[PlannedCase]
    last_numbers: dict[int, int]

    def chunks(self, size: int) -> Iterator[list[PlannedCase]]:
        """The cases in batches."""
        for start in range(0, len(self.cases), size):
            yield self.cases[start : start + size]


def plan_cases(random: SeededRandom, invoices: int, first_day: date, today: date) -> Calendar:
    """Distribute the invoices over the cases of a clinic that opened on the first day."""
    days = (today - first_day).days
    sizes = _sizes(random, invoices)
    opened = sorted(today - timedelta(days=int(days * random.random() ** GROWTH)) for _ in sizes)
    if opened:
        opened[0] = first_day
    cases = []
    of_year: Counter[int] = Counter()
    for position, (size, day) in enumerate(zip(sizes, opened, strict=True)):
        of_year[day.year] += 1
        number = f"PI-{day.year}-{of_year[day.year]:05d}"
        cases.append(PlannedCase(position, number, day, _created(random, size, day, today)))
    return Calendar(cases, _number(cases))


def _sizes(random: SeededRandom, invoices: int) -> list[int]:
    weighted = [size for size, weight in enumerate(INVOICES_PER_CASE, 1) for _ in range(weight)]
    sizes: list[int] = []
    left = invoices
    while left > 0:
        sizes.append(min(random.one_of(weighted), left))
        left -= sizes[-1]
    return sizes


def _created(random: SeededRandom, size: int, opened_on: date, today: date) -> list[date]:
    """The creation days of a case's invoices: some weeks apart, and none after today."""
    days, day = [], random.after(opened_on, 0, 12)
    room = (today - opened_on).days
    for _ in range(size):
        days.append(day if day <= today else random.after(opened_on, 0, room))
        day = random.after(day, 5, 50)
    return sorted(days)


def _number(cases: list[PlannedCase]) -> dict[int, int]:
    """Number the invoices per year, in the order of creation; returns the last number of each year."""
    last: Counter[int] = Counter()
    in_order = sorted((day, case.position) for case in cases for day in case.created)
    for day, position in in_order:
        last[day.year] += 1
        cases[position].numbers.append(f"INV-{day.year}-{last[day.year]:06d}")
    return dict(last)
