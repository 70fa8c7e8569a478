"""A change of attorney from a day on: what was recorded before is replaced where it is wrong, and stays what it was on earlier days."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta
from random import Random
from uuid import UUID, uuid4

import pytest

from domain.billing.representations import LONGEST_NOTICE, Period, check_effective_day, substitute
from domain.errors import Conflict, InvalidInput

FIRST = date(2026, 1, 1)
ANN, BOB, EVE = (uuid4() for _ in range(3))


def day(number: int) -> date:
    return FIRST + timedelta(days=number)


@dataclass
class Row:
    """A period as it is stored."""

    attorney_id: UUID
    from_on: date
    until_on: date | None
    known_from: date | None
    known_until: date | None = None
    id: UUID = field(default_factory=uuid4)

    def holds(self, on: date, known_on: date) -> bool:
        known_from = self.known_from or self.from_on
        is_known = known_from <= known_on and (self.known_until is None or known_on < self.known_until)
        return is_known and self.from_on <= on and (self.until_on is None or on < self.until_on)


@dataclass
class Case:
    """The periods of one case, changed as the commands change them."""

    rows: list[Row] = field(default_factory=list)

    def assign(self, attorney: UUID | None, on: date, today: date) -> None:
        known = [row for row in self.rows if row.known_until is None]
        made = substitute([Period(r.id, r.attorney_id, r.from_on, r.until_on) for r in known], attorney, on, today)
        for row in self.rows:
            if row.id in made.ended:
                row.until_on = today
            if row.id in made.replaced:
                row.known_until = today
        self.rows += [Row(p.attorney_id, p.from_on, p.until_on, p.known_from) for p in made.added]

    def attorneys(self, on: date, known_on: date) -> list[UUID]:
        return [row.attorney_id for row in self.rows if row.holds(on, known_on)]


def test_a_substitution_of_today_ends_the_period_and_begins_another() -> None:
    case = Case([Row(ANN, day(0), None, None)])
    case.assign(BOB, day(10), day(10))
    assert [(r.attorney_id, r.from_on, r.until_on, r.known_until) for r in case.rows] == [
        (ANN, day(0), day(10), None),
        (BOB, day(10), None, None),
    ]


def test_a_substitution_of_a_past_day_keeps_what_was_known_before() -> None:
    case = Case([Row(ANN, day(0), None, None)])
    case.assign(BOB, day(5), day(10))
    assert case.attorneys(day(4), day(10)) == [ANN]
    assert case.attorneys(day(5), day(10)) == [BOB]
    # At the end of the ninth day nobody knew of it.
    assert case.attorneys(day(6), day(9)) == [ANN]


def test_the_first_day_of_the_same_attorney_is_moved_back() -> None:
    case = Case([Row(ANN, day(0), None, None)])
    case.assign(BOB, day(10), day(10))
    case.assign(BOB, day(4), day(12))
    assert [case.attorneys(day(n), day(12)) for n in (3, 4, 11)] == [[ANN], [BOB], [BOB]]
    assert case.attorneys(day(5), day(11)) == [ANN]


@pytest.mark.parametrize(("attorney", "on"), [(ANN, 0), (ANN, 7), (ANN, 10)])
def test_a_change_to_what_is_already_known_is_refused(attorney: UUID, on: int) -> None:
    with pytest.raises(Conflict):
        Case([Row(ANN, day(0), None, None)]).assign(attorney, day(on), day(10))


def test_a_case_without_attorney_has_nobody_to_end() -> None:
    with pytest.raises(Conflict):
        Case([Row(ANN, day(0), day(3), None)]).assign(None, day(5), day(10))
    case = Case([Row(ANN, day(0), None, None)])
    case.assign(None, day(5), day(10))
    assert [case.attorneys(day(n), day(10)) for n in (4, 5, 9)] == [[ANN], [], []]


def test_a_change_takes_effect_from_the_injury_to_the_longest_notice() -> None:
    today, injury = day(10), day(2)
    for allowed in (injury, today, today + LONGEST_NOTICE):
        check_effective_day(allowed, today, injury)
    for refused in (injury - timedelta(days=1), today + LONGEST_NOTICE + timedelta(days=1)):
        with pytest.raises(InvalidInput):
            check_effective_day(refused, today, injury)


def _histories(seed: int) -> Iterator[tuple[Case, dict[date, UUID | None], date]]:
    """A case after each of some random changes, with who represents it on each day by the changes alone."""
    random, case, expected, today = Random(seed), Case(), dict[date, UUID | None](), day(0)  # noqa: S311 (no secret)
    for _ in range(random.randint(1, 8)):
        today += timedelta(days=random.choice((0, 0, 1, 3)))
        on = today - timedelta(days=random.choice((0, 0, 1, 2, 5)))
        attorney = random.choice((ANN, BOB, EVE, None))
        try:
            case.assign(attorney, on, today)
        except Conflict:
            continue
        expected |= {on + timedelta(days=n): attorney for n in range((day(40) - on).days)}
        yield case, expected, today


@pytest.mark.parametrize("seed", range(300))
def test_random_changes_leave_one_attorney_on_each_day_and_past_knowledge_as_it_was(seed: int) -> None:
    kept: dict[tuple[date, date], list[UUID]] = {}
    for case, expected, today in _histories(seed):
        # The day is not over: a later change of today is part of it.
        kept = {key: value for key, value in kept.items() if key[1] < today}
        for (on, known_on), attorneys in kept.items():
            assert case.attorneys(on, known_on) == attorneys
        for n in range(-6, 30):
            found, wanted = case.attorneys(day(n), today), expected.get(day(n))
            if day(n) <= today:
                assert found == ([wanted] if wanted else []), day(n)
        kept |= {
            (day(n), today + timedelta(days=later)): case.attorneys(day(n), today + timedelta(days=later))
            for n in range(-6, 30)
            for later in (0, 1)
            if day(n) <= today
        }
