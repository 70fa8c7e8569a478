"""The restated states of an invoice: by the days on which facts count, whoever recorded them first."""

from datetime import date, timedelta
from itertools import pairwise

import pytest

from domain.billing.ledger.restated import RestatedState, restated_states
from imports.demo.seeded_random import SeededRandom
from tests.domain.billing.books import Books
from tests.domain.billing.test_random_histories import choices, is_accepted, likely
from tests.domain.test_transitions import CREATED_ON


def restated(books: Books) -> list[RestatedState]:
    """The states of the invoice of these books."""
    return restated_states(books.facts, books.history, CREATED_ON)


def state_on(states: list[RestatedState], day: date) -> dict[str, object]:
    """The columns at the end of a day."""
    [found] = [one for one in states if one.from_on <= day and (one.until_on is None or day < one.until_on)]
    return dict(found.values)


def check_known(seed: int, late: tuple[int, ...]) -> bool:
    """Whether nothing was backdated in a random history; then each day's restated state is the one that was known."""
    random, on = SeededRandom(seed), 0
    books = Books(random.choice(["0.00", "100.00", "1000.00", "4251.04"]))
    for _ in range(25):
        on += random.choice([0, 0, 1, 3, 10])
        steps = choices(books, random, on, random.choice([None, on + 1, on + 9]), late)
        is_accepted(steps[likely(books, random, list(steps))], books, on)
    states = restated(books)
    assert dict(states[-1].values) == books.states[max(books.states)], f"seed {seed}"
    assert (states[0].from_on, states[-1].until_on) == (CREATED_ON, None)
    assert all(one.until_on == next_.from_on for one, next_ in pairwise(states))
    if not books.is_backdated:
        for number in range(on + 1):
            day = CREATED_ON + timedelta(days=number)
            assert state_on(states, day) == books.state_on(day), f"seed {seed}, day {number}"
    return not books.is_backdated


@pytest.mark.parametrize("late", [(0,), (0, 0, 0, 2, 20)])
@pytest.mark.parametrize("histories", [range(200), pytest.param(range(200, 10_000), marks=pytest.mark.prove)])
def test_where_nothing_was_backdated_the_restated_state_of_each_day_is_the_one_that_was_known(
    histories: range, late: tuple[int, ...]
) -> None:
    same = sum(check_known(seed, late) for seed in histories)
    assert len(histories) / 20 < same < len(histories)
